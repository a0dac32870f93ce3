"""All rows of a gate share one error, counts included: many rows make each of them stricter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.verdicts import Verdict
from tests.gate.runs import case, judge

MODES = ("lp", "milp", "llm", "greedy", "random", "oracle", "best-single", "staged")
JOBS = 14


def jobs(loss: float, *, modes: tuple[str, ...]) -> list[BaselineCase]:
    """Cases of fourteen jobs, of which the first mode's score fell by about `loss` in each.

    The bound of "no loss" is Beta(1, 14): p = (1 / 1.3)^14 = 0.025 for a loss of 0.3, 0.0035 for one of 0.5.
    """
    return [
        case(f"job{n}", [0.9 - (loss + n / 1000 if mode == modes[0] else 0.0)], mode=mode)
        for n in range(JOBS)
        for mode in modes
    ]


def verdict(*expressions: str, loss: float, modes: tuple[str, ...]) -> Verdict:
    result = judge(jobs(0.0, modes=modes), jobs(loss, modes=modes), *expressions)
    return next(row.verdict for row in result.rows if row.mode == modes[0] and row.metric == "score")


@pytest.mark.parametrize(("rows", "found"), [(1, Verdict.REGRESSED), (5, Verdict.REGRESSED), (8, Verdict.INCONCLUSIVE)])
def test_each_row_takes_its_share_of_the_error(rows: int, found: Verdict) -> None:
    """With a loss of 0.5 p is near 0.0035: below 0.025 / 5, above 0.025 / 8."""
    assert verdict("score:-0@95", loss=0.5, modes=MODES[:rows]) is found


def test_a_second_expression_takes_its_share_and_so_does_a_count() -> None:
    assert verdict("score:-0@95", loss=0.31, modes=MODES[:1]) is Verdict.REGRESSED
    assert verdict("score:-0@95", "switches:+10%", loss=0.31, modes=MODES[:1]) is Verdict.INCONCLUSIVE
    assert verdict("score:-0@95", "violations:+0", loss=0.31, modes=MODES[:1]) is Verdict.INCONCLUSIVE
    assert verdict("score:-0@95", "violations:+0@exact", loss=0.31, modes=MODES[:1]) is Verdict.REGRESSED


@pytest.mark.parametrize(("runs", "found"), [(1, Verdict.REGRESSED), (5, Verdict.INCONCLUSIVE)])
def test_counts_against_a_baseline_of_several_runs_have_a_third_of_the_level(runs: int, found: Verdict) -> None:
    """Two of 40 draws now, none of 250 before: p = (40 x 39) / (290 x 289) = 0.0186, between 0.025 / 3 and 0.025."""
    stored = [
        replace(each, samples=tuple(replace(one, run=f"run{n % runs}") for n, one in enumerate(each.samples)))
        for each in (case(f"job{n}", [0.5] * 25) for n in range(10))
    ]
    violated = {"violations": [1.0, 0.0, 0.0, 0.0]}
    now = [case(f"job{n}", [0.5] * 4, figures=violated if n < 2 else {}) for n in range(10)]
    (row,) = judge(stored, now, "violations:+0").rows
    assert row.p_worse == pytest.approx(0.0186, abs=0.0005)
    assert row.verdict is found
