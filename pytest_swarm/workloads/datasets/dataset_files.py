"""Loading a data set: which format, which rows, how many. Where the files come from is in docs/importing.md."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.documents import parse_json, path_of, read_text
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.files import readable
from pytest_swarm.workloads.datasets.code_tasks import read_humaneval, read_mbpp
from pytest_swarm.workloads.datasets.multiple_choice import read_arc, read_boolq, read_mmlu
from pytest_swarm.workloads.datasets.reading_tasks import read_drop, read_squad, read_xsum
from pytest_swarm.workloads.datasets.short_answers import read_bbh, read_gsm8k, read_math

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
    return TaskGraph(name=Path(path).stem, tasks=tasks)


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
    name = path_of(path, GraphError).name.removesuffix(".gz")
    text = _text(path)
    if name.endswith(".csv"):
        return _csv_rows(path, text)
    if name.endswith(".json"):
        whole = _json_rows(path, text)
        if whole is not None:
            return whole
    return [
        Fields(parse_json(line, where, GraphError), where=where, error=GraphError)
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip() and (where := f"{path}, line {number}")
    ]


def _text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file, unpacked where its name ends in .gz."""
    if not str(path).endswith(".gz"):
        return read_text(path, GraphError)
    try:
        return gzip.decompress(readable(Path(path)).read_bytes()).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise GraphError(f"{path}: cannot be unpacked as gzip with text in UTF-8: {error}") from error


def _json_rows(path: str | os.PathLike[str], text: str) -> list[Fields] | None:
    """Return the rows of a JSON list, or of the list `examples` in an object; None for a file of JSON lines."""
    try:
        data = parse_json(text, str(path), GraphError)
    except GraphError:
        if text.count("\n") > 1:
            return None
        raise
    rows = data.get("examples") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        return None
    return [Fields(row, where=f"{path}, row {number}", error=GraphError) for number, row in enumerate(rows, 1)]


def _csv_rows(path: str | os.PathLike[str], text: str) -> list[Fields]:
    """Return the rows of a CSV with a header; without one, MMLU's: question, four choices, letter of the right one."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise GraphError(f"{path}: broken CSV: {error}") from error
    columns: tuple[str, ...] = MMLU_COLUMNS
    first = 1
    if rows and {"question", "answer"} <= {name.strip().lower() for name in rows[0]}:
        columns = tuple(name.strip() if name.strip() in "ABCD" else name.strip().lower() for name in rows[0])
        rows, first = rows[1:], 2
    found = []
    for number, row in enumerate(rows, first):
        where = f"{path}, row {number}"
        if len(row) != len(columns):
            raise GraphError(
                f"{where}: has {len(row)} columns, but must have {len(columns)}: {', '.join(_named(columns))}"
            )
        cells: dict[str, object] = dict(zip(columns, row, strict=True))
        for name in _LISTS:
            if name in cells:
                cells[name] = _list_cell(str(cells[name]))
        found.append(Fields(cells, where=where, error=GraphError))
    return found


def _named(columns: tuple[str, ...]) -> tuple[str, ...]:
    return ("question", "A-D", "answer") if columns == MMLU_COLUMNS else columns


def _list_cell(cell: str) -> list[str]:
    """Return the texts of a list written into a CSV cell: as JSON, as Python, or as numpy prints it (no commas)."""
    return [re.sub(r"\\(.)", r"\1", match[1] or match[2] or "") for match in _QUOTED.finditer(cell)]
