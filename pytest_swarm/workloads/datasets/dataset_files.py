"""Loading a data set: which format, which rows, how many. Where the files come from is in docs/importing.md."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.documents import path_of
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.datasets.code_tasks import read_humaneval, read_mbpp
from pytest_swarm.workloads.datasets.multiple_choice import read_arc, read_boolq, read_mmlu
from pytest_swarm.workloads.datasets.reading_tasks import read_drop, read_squad, read_squad_v2, read_xsum
from pytest_swarm.workloads.datasets.short_answers import read_bbh, read_gsm8k, read_math
from pytest_swarm.workloads.table_rows import PACKED, TableRow, read_rows

RowReader: TypeAlias = Callable[[Fields], Task]
MMLU_COLUMNS: Final = ("question", "A", "B", "C", "D", "answer")
_LISTS: Final = ("choices", "options")  # columns that hold lists
_QUOTED: Final = re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'|\"([^\"\\]*(?:\\.[^\"\\]*)*)\"")

READERS: Final[Mapping[str, RowReader]] = MappingProxyType(
    {
        "gsm8k": read_gsm8k,
        "mmlu": read_mmlu,
        "mmlu_pro": read_mmlu,
        "humaneval": read_humaneval,
        "mbpp": read_mbpp,
        "arc": read_arc,
        "commonsenseqa": read_arc,
        "boolq": read_boolq,
        "math": read_math,
        "bbh": read_bbh,
        "squad": read_squad,
        "squad_v2": read_squad_v2,
        "drop": read_drop,
        "xsum": read_xsum,
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
    """Return the tasks of a file in one of READERS' formats; their ids are `format-row`, rows counted from 1.

    The file is .jsonl, .json (a list of rows, or BIG-Bench Hard's object of examples) or .csv, also with .gz behind.

    GraphError names file, row and field where one is wrong: a data set with a broken row is not the data set.
    """
    if format_ not in READERS:
        raise GraphError(f"{path}: unknown data set format {format_!r}; known are {', '.join(READERS)}")
    rows = _rows(path)
    if not rows:
        raise GraphError(f"{path}: holds no rows")
    chosen = _chosen(len(rows), sample or RowSelection())
    return tuple(_task(rows[number], f"{format_}-{number + 1}", READERS[format_]) for number in chosen)


def load_flat(path: str | os.PathLike[str], format_: str, sample: RowSelection | None = None) -> TaskGraph:
    """Return the tasks of a data set as one graph without edges, named after the file."""
    tasks = load_tasks(path, format_, sample)
    return TaskGraph(name=Path(Path(path).name.removesuffix(PACKED)).stem, tasks=tasks)


def _task(fields: Fields, task_id: str, reader: RowReader) -> Task:
    try:
        return replace(reader(fields), id=task_id)
    except GraphError as error:
        raise fields.placed(error) from error


def _chosen(count: int, sample: RowSelection) -> list[int]:
    limit = count if sample.limit is None else min(sample.limit, count)
    if sample.seed is None:
        return list(range(limit))
    return stable_rng("sample", sample.seed, count).sample(range(count), limit)


def _rows(path: str | os.PathLike[str]) -> list[Fields]:
    rows = read_rows(path_of(path, GraphError), GraphError, heading=_heading, unnamed=MMLU_COLUMNS)
    return [Fields(_with_lists(row), where=row.where, error=GraphError) for row in rows]


def _heading(first: list[str]) -> list[str] | None:
    """Return the columns of a CSV by its first row; None where that is a question of MMLU, whose files have none."""
    names = [name.strip() if name.strip() in MMLU_COLUMNS else name.strip().lower() for name in first]
    return names if {"question", "answer"} <= set(names) else None


def _with_lists(row: TableRow) -> Mapping[str, object]:
    """Return the values of a row; lists in a CSV cell are written as JSON, as Python, or as numpy prints them."""
    return {
        key: _texts(value) if key in _LISTS and isinstance(value, str) else value for key, value in row.values.items()
    }


def _texts(cell: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", match[1] or match[2] or "") for match in _QUOTED.finditer(cell)]
