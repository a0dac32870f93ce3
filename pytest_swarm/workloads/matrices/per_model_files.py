"""Formats `llmrouterbench` and `routerarena`: files of one model each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.errors import MatrixError
from pytest_swarm.workloads.matrices.matrix import MatrixCell
from pytest_swarm.workloads.table_rows import TableRow, read_rows

_LEVELS: Final = 4  # DATASET/SPLIT/MODEL/TIMESTAMP.json


def read_llmrouterbench(path: Path) -> Iterator[MatrixCell]:
    """Yield the cells of an LLMRouterBench result, `DATASET/SPLIT/MODEL/TIMESTAMP.json`; its `records` have the scores.

    The id of a prompt is `DATASET-SPLIT-INDEX`. The sums beside the records are not used.

    Raises:
        MatrixError: The path does not name data set, split and model, or a record is invalid.
    """
    if len(path.parts) < _LEVELS:
        raise MatrixError(f"{path}: data set, split and model are in the path, so give DATASET/SPLIT/MODEL/TIME.json")
    dataset, split, model = path.parts[-_LEVELS:-1]
    document = parse_json(read_text(path, MatrixError), str(path), MatrixError)
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise MatrixError(f"{path}: has no list 'records', so it is no result of LLMRouterBench")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise MatrixError(f"{path}, record {number}: must be an object, not {record!r:.40}")
        row = TableRow(where=f"{path}, record {number}", values=record)
        index = row.text("index")
        if index is None:
            raise row.fail("has no 'index', by which models are joined")
        if "score" not in record:
            raise row.fail(f"has no 'score'; its keys are {', '.join(record)}")
        yield MatrixCell(
            where=row.where,
            model=model,
            score=row.score("score"),
            prompt_id=f"{dataset}-{split}-{index}",
            prompt=row.text("origin_query", "prompt"),
            dataset=dataset,
            prompt_tokens=row.count("prompt_tokens"),
            completion_tokens=row.count("completion_tokens"),
            cost=row.number("cost"),
        )


def newest_of_each_model(paths: list[Path]) -> list[Path]:
    """Return the last file of each folder: a model that was run again has a later time in its file name."""
    return list({path.parent: path for path in sorted(paths)}.values())


def read_routerarena(path: Path) -> Iterator[MatrixCell]:
    """Yield the cells of RouterArena's `cached_results/MODEL.jsonl`.

    Score and cost are in `evaluation_result`, tokens in `token_usage`; either may be null. A call without success has
    no score.

    Raises:
        MatrixError: A line is invalid.
    """
    for row in read_rows(path):
        prompt_id = row.text("global_index", "global index")
        if prompt_id is None:
            raise row.fail("has no 'global_index', by which models are joined")
        evaluated, used = _inner(row, "evaluation_result"), _inner(row, "token_usage")
        yield MatrixCell(
            where=row.where,
            model=row.text("llm_selected") or path.stem,
            score=None if row.values.get("success") is False else evaluated.score("score"),
            prompt_id=prompt_id,
            prompt=row.text("question", "prompt"),
            dataset=prompt_id.partition("_")[0],
            prompt_tokens=used.count("input_tokens"),
            completion_tokens=used.count("output_tokens"),
            cost=evaluated.number("inference_cost"),
        )


def _inner(row: TableRow, column: str) -> TableRow:
    """Return the object in a column as a row; one that is null or missing is empty."""
    value = row.values.get(column)
    if value is not None and not isinstance(value, dict):
        raise row.fail(f"{column!r} holds {value!r:.40}, but must hold an object or null")
    return TableRow(where=f"{row.where}, {column!r}", values=value or {})
