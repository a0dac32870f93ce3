"""Formats `routerbench` and `routellm`: one row for each prompt, with columns for each model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_swarm.errors import MatrixError
from pytest_swarm.workloads.matrices.long_table import MODEL, SCORE, long_cell
from pytest_swarm.workloads.matrices.matrix import MatrixCell
from pytest_swarm.workloads.table_rows import TableRow, read_rows

_RESPONSE, _COST = "|model_response", "|total_cost"
_ROUTELLM_RESPONSE: Final = "_response"
_TRUTHS: Final = ("true", "false", "1", "0", "1.0", "0.0", "")
_INDEX: Final = "Unnamed:"  # heads the index that pandas wrote, where it has read and written it again
_NO_MODELS: Final = ("prompt", "task", "prompt_id", "")  # "" heads the index that pandas writes


def read_routerbench(path: Path) -> Iterator[MatrixCell]:
    """Yield the cells of RouterBench's wide table: per model M, `M` is the score and `M|total_cost` the cost in USD.

    Its long table (`sample_id, model_name, is_correct, total_cost, eval_name`) is read as well.

    Raises:
        MatrixError: A column is missing, or a value is invalid.
    """
    for row in read_rows(path):
        if _is_long(row):
            yield long_cell(row)
        else:
            yield from _routerbench_cells(row)


def _routerbench_cells(row: TableRow) -> Iterator[MatrixCell]:
    prefixes = [column.rpartition("|")[0] for column in row.values if column.endswith((_RESPONSE, _COST))]
    models = list(dict.fromkeys(prefixes))
    if not models:
        raise row.fail(f"has no column that ends in {_RESPONSE} or {_COST}, which names a model of RouterBench")
    prompt_id, prompt = row.text("sample_id"), row.text("prompt")
    if prompt_id is None and prompt is None:
        raise row.fail("names no prompt: it needs a column 'sample_id' or 'prompt'")
    for model in models:
        if model not in row.values:
            raise row.fail(f"has no score of {model!r}: it needs the column {model!r}")
        yield MatrixCell(
            where=row.where,
            model=model,
            score=row.score(model),
            prompt_id=prompt_id,
            prompt=prompt,
            dataset=row.text("eval_name"),
            cost=row.number(f"{model}{_COST}"),
        )


def read_routellm(path: Path) -> Iterator[MatrixCell]:
    """Yield the cells of RouteLLM's response files: `prompt`, then a column of True and False for each model.

    The prompt's id is `STEM-ROW`, with the row counted from 0, and its data set the file's stem.

    Raises:
        MatrixError: A column is missing, or a value is invalid.
    """
    for number, row in enumerate(read_rows(path)):
        if _is_long(row):
            yield long_cell(row)
        else:
            yield from _routellm_cells(row, stem=path.stem, number=number)


def _routellm_cells(row: TableRow, *, stem: str, number: int) -> Iterator[MatrixCell]:
    prompt = row.text("prompt")
    if prompt is None:
        raise row.fail(f"names no prompt: it needs a column 'prompt'; its columns are {', '.join(row.values)}")
    models = [column for column in row.values if not column.startswith(_INDEX) and column not in _NO_MODELS]
    models = [column for column in models if not column.endswith(_ROUTELLM_RESPONSE)]
    if not models:
        raise MatrixError(f"{row.where}: has no column of a model beside 'prompt'")
    for model in models:
        yield MatrixCell(
            where=row.where,
            model=model,
            score=_truth(row, model),
            prompt_id=f"{stem}-{number}",
            prompt=prompt,
            dataset=stem.removesuffix(_ROUTELLM_RESPONSE + "s"),
        )


def _truth(row: TableRow, model: str) -> float | None:
    """Return the score of a column of True and False; a column of anything else would be taken for a model."""
    value = row.values[model]
    written = str(value).strip().lower()
    if value is not None and written not in _TRUTHS:
        raise row.fail(
            f"column {model!r} holds {value!r:.40}, but each column beside 'prompt' is a model's and holds True or "
            "False; take it out, or use --format long, with a row for each prompt and model"
        )
    return row.score(model)


def _is_long(row: TableRow) -> bool:
    return any(each in row.values for each in MODEL) and any(each in row.values for each in SCORE)
