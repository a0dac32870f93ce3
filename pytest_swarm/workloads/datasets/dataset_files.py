"""Loading a data set: which format, which rows, how many. Where the files come from is in docs/benchmarks.md."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.datasets.choices import read_arc, read_boolq, read_mmlu
from pytest_swarm.workloads.datasets.code_tasks import read_humaneval, read_mbpp
from pytest_swarm.workloads.datasets.gsm8k import read_gsm8k

RowReader: TypeAlias = Callable[[Fields], Task]
MMLU_COLUMNS: Final = ("question", "A", "B", "C", "D", "answer")

READERS: Final[Mapping[str, RowReader]] = MappingProxyType(
    {
        "gsm8k": read_gsm8k,
        "mmlu": read_mmlu,
        "humaneval": read_humaneval,
        "mbpp": read_mbpp,
        "arc": read_arc,
        "boolq": read_boolq,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSelection:
    """Which rows: by default all, in the file's order; at most `limit`; drawn where there is a `seed`."""

    limit: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise GraphError(f"a sample's limit is {self.limit}, but must be at least 1")


def load_tasks(path: str | os.PathLike[str], format_: str, sample: RowSelection | None = None) -> tuple[Task, ...]:
    """The tasks of a .jsonl or .csv file in one of READERS' formats; their ids are `format-row`, rows counted from 1.

    GraphError names file, row and field where one is wrong: a data set with a broken row is not the data set.
    """
    if format_ not in READERS:
        raise GraphError(f"{path}: unknown data set format {format_!r}; known are {', '.join(READERS)}")
    rows = _csv_rows(path) if format_ == "mmlu" else _jsonl_rows(path)
    if not rows:
        raise GraphError(f"{path}: holds no rows")
    chosen = _chosen(len(rows), sample or RowSelection())
    return tuple(_task(rows[number], f"{format_}-{number + 1}", READERS[format_]) for number in chosen)


def load_flat(path: str | os.PathLike[str], format_: str, sample: RowSelection | None = None) -> TaskGraph:
    """The tasks of a data set as one graph without edges, named after the file."""
    return TaskGraph(name=Path(path).stem, tasks=load_tasks(path, format_, sample))


def _task(fields: Fields, task_id: str, reader: RowReader) -> Task:
    try:
        return replace(reader(fields), id=task_id)
    except GraphError as error:
        raise error if str(error).startswith(fields.where) else fields.fail(str(error)) from error


def _chosen(count: int, sample: RowSelection) -> list[int]:
    limit = count if sample.limit is None else min(sample.limit, count)
    if sample.seed is None:
        return list(range(limit))
    return stable_rng("sample", sample.seed, count).sample(range(count), limit)


def _jsonl_rows(path: str | os.PathLike[str]) -> list[Fields]:
    lines = read_text(path, GraphError).split("\n")
    return [
        Fields(parse_json(line, where, GraphError), where=where, error=GraphError)
        for number, line in enumerate(lines, 1)
        if line.strip() and (where := f"{path}, line {number}")
    ]


def _csv_rows(path: str | os.PathLike[str]) -> list[Fields]:
    """Rows of a CSV without a header, as MMLU has them: question, four choices, the letter of the right one."""
    text = read_text(path, GraphError)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise GraphError(f"{path}: broken CSV: {error}") from error
    found = []
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        if len(row) != len(MMLU_COLUMNS):
            raise GraphError(
                f"{where}: has {len(row)} columns, but must have {len(MMLU_COLUMNS)}: question, A-D, answer"
            )
        found.append(Fields(dict(zip(MMLU_COLUMNS, row, strict=True)), where=where, error=GraphError))
    return found
