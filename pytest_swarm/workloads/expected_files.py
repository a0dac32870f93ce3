"""Expected answers in a file of their own: `expected/NAME.toml` in the directory of the job `NAME.toml`.

They are for jobs that were imported, and are read with the job. A reference answer names the model that gave it:
agreement with a model is not truth.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_swarm.documents import (
    make_folder,
    parse_json,
    read_document,
    toml_comment,
    toml_key,
    toml_line,
    toml_value_or_json,
    write_text,
)
from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.expectation_codec import encode_expectation
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.vacuous_expectation import written_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields

FOLDER: Final = "expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAnswer:
    """What is expected of a task, and the model whose answer it is; None where a person wrote or checked it."""

    expected: Expectation
    reference_model: str | None = None


def expected_path(job: str | os.PathLike[str]) -> Path:
    """Return the path of the expected answers of a job's file."""
    return Path(job).parent / FOLDER / Path(job).with_suffix(".toml").name


def with_expected_answers(graph: TaskGraph, job: str | os.PathLike[str]) -> TaskGraph:
    """Return the graph of a job's file with its expected answers, where there are any.

    Args:
        graph: The graph.
        job: The file that it was read from.

    Raises:
        GraphError: Where the expected answers cannot be read, or are of a task that the job does not have.
    """
    path = expected_path(job)
    if not path.is_file():
        return graph
    answers = read_expected(path)
    if unknown := [task for task in answers if task not in graph.order]:
        raise GraphError(f"{path}: there is no task {unknown[0]!r} in {job}; tasks are {', '.join(graph.order)}")
    tasks = (
        replace(task, expected=answers[task.id].expected, reference_model=answers[task.id].reference_model)
        if task.id in answers
        else task
        for task in graph.tasks
    )
    try:
        return replace(graph, tasks=tuple(tasks))
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from error


def read_expected(path: Path) -> dict[str, ExpectedAnswer]:
    """Return the expected answers of a file by the tasks' IDs; GraphError where it is not valid."""
    fields = Fields(read_document(path, GraphError), where=str(path), error=GraphError)
    fields.only(("tasks",))
    rows = fields.table("tasks")
    found: dict[str, ExpectedAnswer] = {}
    for task in rows:
        row = rows.table(task)
        row.only(("expected", "reference_model"))
        value = row.raw("expected")
        if isinstance(value, str):
            value = parse_json(value, f"{row.where}, 'expected'", GraphError)
        expected = written_expectation(Fields(value, where=f"{row.where}, 'expected'", error=GraphError))
        found[task] = ExpectedAnswer(expected=expected, reference_model=row.optional_text("reference_model"))
    return found


def write_expected(job: str | os.PathLike[str], answers: Mapping[str, ExpectedAnswer], *, answered: str) -> Path:
    """Write the expected answers of a job's file, and return the path; an existing file is not overwritten.

    Args:
        job: The job's file.
        answers: The answers by the tasks' IDs.
        answered: A sentence on where they come from, for the first line.

    Raises:
        GraphError: Where the file exists, or cannot be written.
    """
    path = expected_path(job)
    if path.exists():
        raise GraphError(f"{path}: exists already; remove it to write it anew")
    make_folder(path.parent, GraphError)
    lines = [toml_comment(answered)]
    if any(answer.reference_model is not None for answer in answers.values()):
        lines.append(toml_comment("Take out 'reference_model' of an answer that you checked."))
    for task, answer in answers.items():
        lines += [
            "",
            f"[tasks.{toml_key(task)}]",
            f"expected = {toml_value_or_json(encode_expectation(answer.expected))}",
        ]
        if answer.reference_model is not None:
            lines.append(toml_line("reference_model", answer.reference_model))
    write_text(path, "\n".join(lines) + "\n", GraphError)
    return path
