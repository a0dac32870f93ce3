"""The block `gate` of report.json, schema `swarm-gate/1`: the result of a gate as JSON.

The names and the order of the fields are a contract.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonObject, SharedFields, json_schema, to_json
from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import CaseKey
from pytest_swarm.gate.rules import Strictness
from pytest_swarm.gate.verdicts import CaseVerdict, GateResult, Verdict, VerdictRow

SCHEMA: Final = "swarm-gate/1"


class GateCaseRow(Struct, frozen=True, kw_only=True):
    """The verdict on one case (graph, mode, horizon, budget) over its repeats."""

    job: str
    mode: str
    horizon_depth: HorizonDepth
    vram_budget_gb: float
    lambda_token: float | None = None
    label: str
    graph_digest: str
    verdict: Verdict
    test: str | None
    before: float | None
    now: float | None
    pairs: Annotated[int, Meta(description="how many repeats are in both")]
    p_worse: float | None
    note: str | None


class GateBlock(Struct, frozen=True, kw_only=True):
    """All verdicts of a run against its baseline."""

    schema: Literal["swarm-gate/1"]
    verdict: Verdict
    gate: Strictness
    baseline: str
    reasons: Annotated[tuple[str, ...], Meta(description="why the run cannot be compared at all")]
    counts: Annotated[dict[str, int], Meta(description="verdict -> how many cases have it")]
    rows: tuple[VerdictRow, ...]
    cases: tuple[GateCaseRow, ...]
    cases_elsewhere: Annotated[int, Meta(description="cases of the baseline that the run did not cover")]
    failures: Annotated[tuple[str, ...], Meta(description="why the run fails; empty = it passes")]
    warnings: tuple[str, ...]


_RESULT: Final = SharedFields(GateResult, GateBlock, but=("cases", "elsewhere"))
_KEY: Final = SharedFields(CaseKey, GateCaseRow, but=("horizon", "repeat"))
_CASE: Final = SharedFields(CaseVerdict, GateCaseRow, but=("setup", "tests"))


def encode_gate(result: GateResult) -> JsonObject:
    """Return the block `gate` of report.json."""
    block = GateBlock(
        schema=SCHEMA,
        counts=result.counts,
        cases=tuple(map(_case_row, result.cases)),
        cases_elsewhere=result.elsewhere,
        **_RESULT.of(result),
    )
    return to_json(block)


def gate_schema() -> JsonObject:
    """Return the JSON Schema of the block `gate`."""
    return json_schema(
        GateBlock,
        name="swarm-gate-1",
        title=f"The block `gate` of report.json of pytest-swarm, schema {SCHEMA}",
        description="What the gate says of a run. Not measured is null, never 0.",
    )


def _case_row(case: CaseVerdict) -> GateCaseRow:
    setup = case.setup
    return GateCaseRow(
        job=setup.job,
        **_KEY.of(setup.key),
        horizon_depth=setup.key.horizon,
        label=setup.label,
        **_CASE.of(case),
    )
