"""Format `long`: one row for each prompt and model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_swarm.errors import MatrixError
from pytest_swarm.workloads.matrices.matrix import MatrixCell
from pytest_swarm.workloads.table_rows import TableRow, read_rows

MODEL: Final = ("model", "model_name")
SCORE: Final = ("score", "is_correct")
PROMPT_ID: Final = ("prompt_id", "sample_id", "id")
DATASET: Final = ("task", "eval_name", "dataset")
PROMPT_TOKENS: Final = ("prompt_tokens", "input_tokens")
COMPLETION_TOKENS: Final = ("completion_tokens", "output_tokens")
COST: Final = ("cost", "total_cost")
_READ: Final = frozenset(
    {*MODEL, *SCORE, *PROMPT_ID, *DATASET, *PROMPT_TOKENS, *COMPLETION_TOKENS, *COST}
    | {"prompt", "latency_s", "latency_ms", ""}  # "" heads the index that pandas writes
)


def read_long(path: Path) -> Iterator[MatrixCell]:
    """Yield the cells of a long table.

    Raises:
        MatrixError: A column is missing, or a value is invalid.
    """
    for row in read_rows(path):
        yield long_cell(row)


def long_cell(row: TableRow) -> MatrixCell:
    """Return the cell of a row; raise MatrixError where it names no model, no score column or no prompt."""
    model = row.text(*MODEL)
    if model is None:
        raise _missing(row, "model", MODEL)
    if not any(column in row.values for column in SCORE):
        raise _missing(row, "score", SCORE)
    prompt_id, prompt = row.text(*PROMPT_ID), row.text("prompt")
    if prompt_id is None and prompt is None:
        raise _missing(row, "prompt", (*PROMPT_ID, "prompt"))
    latency_s, latency_ms = row.number("latency_s"), row.number("latency_ms")
    return MatrixCell(
        where=row.where,
        model=model,
        score=row.score(*SCORE),
        prompt_id=prompt_id,
        prompt=prompt,
        dataset=row.text(*DATASET),
        prompt_tokens=row.count(*PROMPT_TOKENS),
        completion_tokens=row.count(*COMPLETION_TOKENS),
        cost=row.number(*COST),
        latency_s=latency_ms / 1000.0 if latency_s is None and latency_ms is not None else latency_s,
        unread=tuple(column for column in row.values if column not in _READ),
    )


def _missing(row: TableRow, what: str, columns: tuple[str, ...]) -> MatrixError:
    has = ", ".join(row.values) or "none"
    return row.fail(f"names no {what}: it needs a column {' or '.join(map(repr, columns))}; its columns are {has}")
