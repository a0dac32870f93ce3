"""Verdicts as values: of an expression under one mode, and of one case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_swarm.gate.baseline import Setup
from pytest_swarm.gate.rules import Strictness


class Verdict(StrEnum):
    """The gate's answer; see docs/gate.md. The verdict of a job that was not completed is `error`."""

    OK = "ok"
    IMPROVED = "improved"
    REGRESSED = "REGRESSED"
    INCONCLUSIVE = "inconclusive"
    NEW = "new"
    MISSING = "missing"
    NOT_COMPARABLE = "not-comparable"
    ERROR = "error"


_WORST_FIRST: Final = (
    Verdict.REGRESSED,
    Verdict.ERROR,
    Verdict.NOT_COMPARABLE,
    Verdict.MISSING,
    Verdict.INCONCLUSIVE,
    Verdict.IMPROVED,
    Verdict.OK,
    Verdict.NEW,
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that sums up several; `ok` for none."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """The verdict on one expression under one mode.

    `before`, `now`, `change`, `low` and `high` are in the metric's unit; for a ratio of medians `change`, `low` and
    `high` are ratios (1 = as before). `allowed` is the allowed loss in the unit of `change`. `detectable` is the
    smallest loss that so many pairs find with a power of 80 %; None = not even a certain one. `repeats_needed` of each
    case would bring it down to `allowed`. `low` and `high` hold for these jobs, `interval_over_jobs` for similar ones.
    """

    test: str | None
    expression: str
    metric: str
    mode: str
    gate: Strictness
    verdict: Verdict
    before: float | None = None
    now: float | None = None
    change: float | None = None
    ratio: bool = False
    low: float | None = None
    high: float | None = None
    interval_over_jobs: tuple[float, float] | None = None
    confidence: float | None = None
    p_worse: float | None = None
    allowed: float | None = None
    detectable: float | None = None
    repeats_needed: int | None = None
    cases: int = 0
    pairs: int = 0
    jobs: int = 0
    note: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVerdict:
    """The verdict on one case (graph, mode, horizon, budget) over its repeats. `tests` are the ids that ran it."""

    setup: Setup
    graph_digest: str
    verdict: Verdict
    test: str | None
    before: float | None = None
    now: float | None = None
    pairs: int = 0
    p_worse: float | None = None
    note: str | None = None
    tests: tuple[str, ...] = ()
