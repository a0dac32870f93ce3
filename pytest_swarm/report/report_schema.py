"""The JSON Schema of report.json, generated from the types of its blocks and from the table of metrics.

`python -m docs.generate` writes it to `schema/swarm-report-1.json`, which is shipped in the package.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from pytest_swarm.codec import JsonObject, json_schema
from pytest_swarm.gate.gate_block import GateBlock
from pytest_swarm.metrics.lambda_curves import LambdaCurves
from pytest_swarm.metrics.metric_table import AnyMetric, shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.findings import Answer
from pytest_swarm.report.report_blocks import (
    AggregateHead,
    CaseHead,
    ComparisonBlock,
    IntervalBlock,
    PointHead,
    PublishedComparison,
    RunBlock,
    TaskEntry,
)

SCHEMA: Final = "swarm-report/1"

_TITLE: Final = f"report.json of pytest-swarm, schema {SCHEMA}"
_DESCRIPTION: Final = (
    "A pure function of events.jsonl. Not measured is null, never 0. Further keys may be added at any place; none is"
    " renamed or dropped within version 1."
)
_LINK: Final = re.compile(r"\[[^]]+\]\(([^)]+)\)")

Field: TypeAlias = tuple[str, Any] | tuple[str, Any, Any]


def _job_fields() -> list[Field]:
    """Return name and type of each metric of a job."""
    return [(row.name, _described(row, row.job_type)) for row in shown_in(Show.CASE)]


def _summed_fields(place: Show) -> list[Field]:
    """Return name and type of each metric of a mode. One with an interval has its mean first, then the interval."""
    found: list[Field] = []
    for row in shown_in(place):
        hint = float | None if row.has_interval else row.mode_type
        found.append((row.name, _described(row, hint, f"; {row.summary}")))
        if row.has_interval:
            text = f"95 % interval of {row.name} over jobs; null where there is no {row.name}"
            found.append((f"{row.name}_interval", Annotated[IntervalBlock | None, Meta(description=text)]))
    return found


def _described(metric: AnyMetric, hint: Any, summary: str = "") -> Any:
    """Return the type with the metric's bounds and its definition; a link becomes the name of the page."""
    text = _LINK.sub(r"docs/\1", metric.definition.replace("`null`", "null")) + summary
    return Annotated[_bounded(metric, hint), Meta(description=text)]


def _bounded(metric: AnyMetric, hint: Any) -> Any:
    """Return the type with the metric's bounds on each number in it."""
    if hint in (int, float):  # typing takes bounds of 0 and 0.0 for the same: each type names its own
        low, high = (None if bound is None else hint(bound) for bound in (metric.low, metric.high))
        return Annotated[hint, Meta(ge=low, le=high)]
    inner = [_bounded(metric, each) for each in get_args(hint)]
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):  # every optional value names its type first
        return inner[0] | None
    if origin is tuple:
        return list[inner[0]]  # type: ignore[valid-type]  # a type that is made at run time
    if origin in (dict, Mapping):
        return dict[str, inner[1]]  # type: ignore[valid-type]  # a type that is made at run time
    return hint


def _struct(name: str, fields: list[Field], base: type[Struct] = Struct) -> type[Struct]:
    return msgspec.defstruct(name, fields, bases=(base,), frozen=True, kw_only=True, module=__name__)


Case: Final = _struct("Case", [*_job_fields(), ("tasks", list[TaskEntry])], CaseHead)
ModeAtSetting: Final = _struct("ModeAtSetting", _summed_fields(Show.MODE), AggregateHead)
Mode: Final = _struct("Mode", [("by_setting", list[ModeAtSetting])], ModeAtSetting)  # type: ignore[valid-type]
CurvePoint: Final = _struct("CurvePoint", _summed_fields(Show.CURVE), PointHead)


def document_type() -> type[Struct]:
    """Return the type of the whole report.json; only a run with a gate has the block `gate`."""
    blocks: dict[str, tuple[Any, str]] = {
        "schema": (Literal["swarm-report/1"], "name and version of this schema"),
        "run": (RunBlock, "what the run was"),
        "modes": (dict[str, Mode], "mode -> its figures over all jobs, and by horizon and budget"),  # type: ignore[valid-type]
        "cases": (list[Case], "every job, ordered by name, budget, horizon, mode and repeat"),  # type: ignore[valid-type]
        "comparisons": (list[ComparisonBlock], "every pair of modes over everything, then per budget and horizon"),
        "comparison_lp_vs_llm": (PublishedComparison | None, "LP against LLM; null where one of them did not run"),
        "curves": (dict[str, list[CurvePoint]], "mode -> look-ahead curve"),  # type: ignore[valid-type]
        "lambda_curves": (
            list[LambdaCurves],
            "score against cost over the swept weight; empty without a sweep",
        ),
        "answers": (list[Answer], "the answer in sentences"),
        "notes": (list[str], "warnings, and what was not run and why"),
    }
    fields: list[Field] = [(name, Annotated[hint, Meta(description=text)]) for name, (hint, text) in blocks.items()]
    gate = Annotated[GateBlock, Meta(description="verdicts against the baseline; absent without a gate")]
    return _struct("Report", [*fields, ("gate", gate | UnsetType, UNSET)])


def generate_schema() -> JsonObject:
    """Return the JSON Schema (draft 2020-12) of report.json."""
    return json_schema(document_type(), name="swarm-report-1", title=_TITLE, description=_DESCRIPTION)
