"""A benchmark of somebody's own prompts: a graph file with one task for each, and a test that runs each as a job."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_swarm.documents import toml_comment
from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.expectation_codec import encode_expectation
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import Task, TaskType, type_fault, type_name
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.graph_files import dump_graph
from pytest_swarm.workloads.guessed_expectation import EXPECTED, guess_expectations
from pytest_swarm.workloads.new_benchmark import write_benchmark
from pytest_swarm.workloads.table_rows import TableRow, read_rows

_COLUMNS: Final = ("prompt", "type", EXPECTED)
_ANSWER_TOKENS: Final = 100  # allowed for the answer in the estimate, beside characters / 4 for the prompt
_TYPE_BY_KIND: Final = {"number": TaskType.MATH, "json": TaskType.EXTRACTION, "code": TaskType.CODE}
_SHOWN: Final = 10
_SHOWN_CHARS: Final = 80

_TEST: Final = '''"""{name}: each prompt of {name}.toml is a job of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm import TaskGraph, load_graph

PROMPTS = load_graph(Path(__file__).parent / "{name}.toml").tasks


@pytest.mark.swarm(modes="milp,greedy,llm", horizon=0, vram="8GB")
@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda task: task.id)
def test_{name}(swarm_run, prompt):
    result = swarm_run(TaskGraph(name=f"{name}-{{prompt.id}}", tasks=(prompt,)))
    assert result.status == "completed"
'''

_HEADING: Final = (
    "The prompts of {source}, each a job of its own. The scorers were guessed from the shape of what is expected:",
    "look them over. The kinds and how they read an answer are in the documentation of pytest-swarm.",
    "Increase `version` when the meaning of a task changes: results of another version are not compared.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptBenchmark:
    """A written benchmark: its files, its tasks, and the columns of the source that were not used."""

    test: Path
    graph: Path
    tasks: tuple[Task, ...]
    places: tuple[str, ...]
    unused: tuple[str, ...]

    def text(self) -> str:
        """Return which scorer was guessed for which row, and how to run the benchmark."""
        kinds = Counter(_kind(task.expected) for task in self.tasks)
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        lines = [f"wrote {self.test}", f"wrote {self.graph}", f"scored as: {counts}"]
        for task, place in list(zip(self.tasks, self.places, strict=True))[:_SHOWN]:
            lines.append(f"  {task.id} ({place}): {_shown(task.expected)}")
        if len(self.tasks) > _SHOWN:
            lines.append(f"  and {len(self.tasks) - _SHOWN} more; all are in {self.graph}")
        if self.unused:
            lines.append(f"not used: column {', '.join(self.unused)}")
        return "\n".join([*lines, f"look the scorers over in {self.graph}, then run it: pytest {self.test}"])


def new_prompt_benchmark(
    name: str, source: str | os.PathLike[str], *, folder: str | os.PathLike[str] = "."
) -> PromptBenchmark:
    """Write `test_NAME.py` and `NAME.toml` for a file of prompts, and return what was written. Nothing is overwritten.

    Args:
        name: Name of the benchmark, a Python name in lower case.
        source: A file of JSON lines, JSON or CSV with a column `prompt`, and perhaps `type` and `expected`.
        folder: Directory to write to; it is created where it does not exist.

    Raises:
        GraphError: For an invalid name, a row that is no prompt, or files that exist.
        MatrixError: Where the file cannot be read as rows.
    """
    rows = tuple(map(_lower_columns, read_rows(Path(source))))
    if not rows:
        raise GraphError(f"{source}: has no rows; write one prompt to each")
    tasks = _tasks(rows)
    graph = TaskGraph(name=name or "prompts", tasks=tasks)
    heading = "\n".join(toml_comment(each.format(source=Path(source).name)) for each in _HEADING)
    test, path = write_benchmark(name, folder, test=_TEST.format(name=name), graph=f"{heading}\n{dump_graph(graph)}")
    return PromptBenchmark(
        test=test,
        graph=path,
        tasks=tasks,
        places=tuple(row.where.rpartition(", ")[2] for row in rows),
        unused=tuple(dict.fromkeys(column for row in rows for column in row.values if column not in _COLUMNS)),
    )


def _lower_columns(row: TableRow) -> TableRow:
    """Return the row with its column names in lower case, as people write `Prompt` too."""
    return TableRow(where=row.where, values={name.strip().lower(): value for name, value in row.values.items()})


def _tasks(rows: Sequence[TableRow]) -> tuple[Task, ...]:
    width, seen = len(str(len(rows))), dict[str, str]()
    tasks = []
    for number, (row, expected) in enumerate(zip(rows, guess_expectations(rows), strict=True), start=1):
        prompt = row.text("prompt")
        if prompt is None:
            raise GraphError(f"{row.where}: has no 'prompt'; its columns are {', '.join(row.values) or 'none'}")
        if prompt in seen:
            raise GraphError(f"{row.where}: has the same prompt as {seen[prompt]}; remove one of them")
        seen[prompt] = row.where.rpartition(", ")[2]
        tasks.append(
            Task(
                id=f"p{number:0{width}d}",
                type=_type(row, expected),
                prompt=escaped(prompt),
                estimated_tokens=math.ceil(tokens_by_length(prompt)) + _ANSWER_TOKENS,
                expected=expected,
            )
        )
    return tuple(tasks)


def _type(row: TableRow, expected: Expectation | None) -> str:
    given = (row.text("type") or "").strip()
    if not given:
        return _TYPE_BY_KIND.get(_kind(expected), TaskType.REASONING)
    name = type_name(given)
    if name is None:
        raise GraphError(f"{row.where}: {type_fault(given)}")
    return name


def _kind(expected: Expectation | None) -> str:
    return "unscored" if expected is None else expected.kind


def _shown(expected: Expectation | None) -> str:
    """Return kind and values of an expectation on one short line."""
    if expected is None:
        return "unscored, nothing is expected"
    table = encode_expectation(expected)
    text = json.dumps({key: value for key, value in table.items() if key != "kind"}, ensure_ascii=False)
    return f"{expected.kind} {text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + '...'}"
