"""Files of estimates, schema `swarm-estimates/1`: what `python -m pytest_swarm estimates` writes and a run reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, convert
from msgspec.structs import replace

from pytest_swarm.codec import FileDecoder, JsonObject, json_schema, to_json
from pytest_swarm.documents import write_text
from pytest_swarm.domain.estimates_info import EstimateCount, EstimatesInfo, EstimatesKind
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import type_fault, type_name
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate.scored_calls import CellKey
from pytest_swarm.estimate.shrinkage import ShrunkTable
from pytest_swarm.estimate.starting_estimates import FixedEstimates, TypeTable

SCHEMA: Final = "swarm-estimates/1"
_SHARE = Meta(ge=0.0, le=1.0)


class EstimateRestRow(Struct, frozen=True, kw_only=True):
    """A model's estimate for the types that it was not observed on."""

    model: str
    estimate: Annotated[float, _SHARE]


class EstimateCountRow(Struct, frozen=True, kw_only=True):
    """One model on one task type, at difficulty 1."""

    model: str
    type: str
    prior: Annotated[float, _SHARE]
    mean: Annotated[float, Meta(ge=0.0, description="mean of score + 0.06 (difficulty - 1)")]
    count: Annotated[int, Meta(ge=1, description="answers")]
    estimate: Annotated[float, Meta(ge=0.0, le=1.0, description="the mean, shrunk to the prior")]


class EstimatesFile(Struct, frozen=True, kw_only=True):
    """A whole file."""

    schema: Literal["swarm-estimates/1"]
    source: Annotated[str, Meta(description="the run or table that holds the answers")]
    answers: Annotated[int, Meta(ge=1)]
    jobs: Annotated[int, Meta(ge=1)]
    strength: Annotated[
        Annotated[float, Meta(gt=0.0)] | None,
        Meta(description="answers that a prior is worth; null: the answers differ from the priors only by chance"),
    ]
    estimates: tuple[EstimateCountRow, ...]
    rest: tuple[EstimateRestRow, ...]
    graphs: Annotated[tuple[str, ...], Meta(description="digests of the jobs that were answered, as in events")] = ()


_MAKE: Final = "make it with python -m pytest_swarm estimates"
_FILE: Final[FileDecoder[EstimatesFile]] = FileDecoder(
    EstimatesFile, schema=SCHEMA, what="a file of estimates", error=EstimateError, advice=_MAKE
)


def write_estimates(table: ShrunkTable, info: EstimatesInfo, path: Path, *, graphs: Iterable[str] = ()) -> None:
    """Write a file of estimates, a row on each line, so that a diff shows which cell moved.

    Args:
        table: The estimates.
        info: Where they come from, with their rows.
        path: The file; it is overwritten where it exists.
        graphs: The digests of the jobs that were answered.

    Raises:
        EstimateError: The file cannot be written.
    """
    tags = {full_tag(row.model): row.model for row in info.rows}
    file = EstimatesFile(
        schema="swarm-estimates/1",
        source=info.source or "",
        answers=info.answers,
        jobs=info.jobs,
        strength=info.strength,
        estimates=tuple(convert(row, EstimateCountRow, from_attributes=True) for row in info.rows),
        rest=tuple(EstimateRestRow(model=tags[key], estimate=value) for key, value in sorted(table.rest.items())),
        graphs=tuple(sorted(set(graphs))),
    )
    head = {name: value for name, value in to_json(file).items() if name not in ("estimates", "rest")}
    parts = [json.dumps(head, indent=1)[:-2]]
    for name, rows in (("estimates", file.estimates), ("rest", file.rest)):
        lines = ",\n  ".join(json.dumps(to_json(row)) for row in rows)
        parts.append(f' "{name}": [\n  {lines}\n ]')
    write_text(path, ",\n".join(parts) + "\n}\n", EstimateError)


def read_estimates(path: Path, fleet: Fleet, *, learning: bool) -> FixedEstimates:
    """Return the estimates of a file as a source for the models of a fleet.

    Args:
        path: The file.
        fleet: The models that need estimates.
        learning: Whether the estimates follow the answers of the run.

    Raises:
        EstimateError: The file cannot be read, or knows no model of the fleet.
    """
    file = _FILE.read(path, where=str(path), make=_MAKE)
    wanted = {full_tag(model.tag) for model in fleet}
    rows = [_checked(row, path) for row in file.estimates if full_tag(row.model) in wanted]
    if not rows:
        known = ", ".join(sorted({row.model for row in file.estimates})) or "none"
        raise EstimateError(f"{path}: has estimates of no model of fleet {fleet.name!r}; its models are {known}")
    keys = [CellKey(full_tag(row.model), row.type) for row in rows]
    twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
    if twice is not None:
        raise EstimateError(f"{path}: has two estimates of model {twice.model!r} on type {twice.type!r}; delete one")
    return FixedEstimates(
        graphs=frozenset(file.graphs),
        table=TypeTable(
            cells={key: row.estimate for key, row in zip(keys, rows, strict=True)},
            rest={full_tag(row.model): row.estimate for row in file.rest},
        ),
        info=EstimatesInfo(
            kind=EstimatesKind.FILE,
            learning=learning,
            source=f"{path.name} (from {file.source})",
            answers=sum(row.count for row in rows),
            jobs=file.jobs,
            strength=file.strength,
            rows=tuple(convert(row, EstimateCount, from_attributes=True) for row in rows),
        ),
    )


def _checked(row: EstimateCountRow, path: Path) -> EstimateCountRow:
    """Return the row with its type as types are compared."""
    name = type_name(row.type)
    if name is None:
        raise EstimateError(f"{path}: model {row.model!r}: {type_fault(row.type)}")
    return replace(row, type=name)


def estimates_schema() -> JsonObject:
    """Return the JSON Schema of a file of estimates."""
    return json_schema(
        EstimatesFile,
        name="swarm-estimates-1",
        title=f"Estimates of models by task type of pytest-swarm, schema {SCHEMA}",
        description="What answers say of each model on each task type, shrunk to the priors of a fleet.",
    )
