"""Verdicts as values: of an expression under one mode, of one case, and all of a run."""

from __future__ import annotations

from collections import Counter
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
    smallest loss that so many pairs tell from none with a power of 80 %; None = not even a certain one. `low` and
    `high` hold for these jobs and other repeats, `interval_over_jobs` for other jobs like these.

    `exact`: chance plays no part, and `change` is the truth. `cases` and `pairs` were compared, of `cases_expected` and
    `pairs_expected`; `lost` names what was not. `repeats_before` and `repeats_now` are the repeats of jobs on either
    side, `distinct_before` and `distinct_now` the different ones among them. With `repeats_to_settle` repeats of each
    case, in the baseline as well, a difference as large as the one seen gets its verdict with a chance of 80 %; with
    `repeats_to_prove_ok`, a run without any loss is `ok`. `repeats_needed` is the smaller one. `suspicion` is said of
    an undecided row that is worse than before, perhaps within the allowance. `looks` is how often the run was judged
    before with fewer repeats, which leaves this look a smaller share of the error. `jobs_drawn_together` is how many
    jobs share prompts with another one, so that each repeat of them is one draw.
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
    exact: bool = False
    suspicion: str | None = None
    cases_expected: int = 0
    pairs_expected: int = 0
    lost: tuple[str, ...] = ()
    repeats_before: int = 0
    repeats_now: int = 0
    distinct_before: int = 0
    distinct_now: int = 0
    repeats_to_settle: int | None = None
    repeats_to_prove_ok: int | None = None
    looks: int = 0
    jobs_drawn_together: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """All verdicts of a run. `failures` are sentences that say why the run fails; empty = it passes.

    `elsewhere` is how many cases of the baseline the run did not cover.
    """

    verdict: Verdict
    gate: Strictness
    baseline: str
    reasons: tuple[str, ...]
    rows: tuple[VerdictRow, ...]
    cases: tuple[CaseVerdict, ...]
    elsewhere: int
    failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def undecided(self) -> bool:
        """Whether chance leaves a row open, so that more repeats may follow."""
        return any(row.verdict is Verdict.INCONCLUSIVE and not row.exact for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many cases have which verdict."""
        found = Counter(case.verdict.value for case in self.cases)
        return {each.value: found[each.value] for each in Verdict if found[each.value]}
