"""All noisy rows of a gate share one error: many rows make each of them stricter, and counts take no share."""

from __future__ import annotations

import pytest

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.verdicts import Verdict
from tests.gate.runs import case, judge

MODES = ("lp", "milp", "llm", "greedy", "random", "oracle", "best-single", "staged")
JOBS = 7


def jobs(loss: float, *, modes: tuple[str, ...]) -> list[BaselineCase]:
    """Cases of seven jobs, of which the first mode's score fell by `loss` in each; seven losses: p = 1/128."""
    return [
        case(f"job{n}", [0.9 - (loss + n / 1000 if mode == modes[0] else 0.0)], mode=mode)
        for n in range(JOBS)
        for mode in modes
    ]


def verdict(*expressions: str, modes: tuple[str, ...]) -> Verdict:
    result = judge(jobs(0.0, modes=modes), jobs(0.3, modes=modes), *expressions)
    return next(row.verdict for row in result.rows if row.mode == modes[0] and row.metric == "score")


def test_seven_losses_of_seven_are_a_regression_where_one_row_is_judged() -> None:
    assert verdict("score:-2.5%@95", modes=MODES[:1]) is Verdict.REGRESSED


def test_the_same_losses_are_not_enough_among_eight_rows() -> None:
    assert verdict("score:-2.5%@95", modes=MODES) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("modes", "verdict_of_lp"), [(3, Verdict.REGRESSED), (4, Verdict.INCONCLUSIVE)])
def test_the_level_is_the_error_over_twice_the_rows(modes: int, verdict_of_lp: Verdict) -> None:
    """0.05 / (2 * 3) is above 1/128, 0.05 / (2 * 4) below it."""
    assert verdict("score:-2.5%@95", modes=MODES[:modes]) is verdict_of_lp


def test_a_second_expression_takes_its_share_and_a_count_takes_none() -> None:
    more = ("score:-2.5%@95", "makespan_s:+10%", "switches:+10%", "token_cost:+10%")
    assert verdict(*more, modes=MODES[:1]) is Verdict.INCONCLUSIVE
    assert verdict("score:-2.5%@95", "violations:+0", modes=MODES[:3]) is Verdict.REGRESSED
