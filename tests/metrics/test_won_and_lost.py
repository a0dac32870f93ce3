"""Jobs won, lost and tied add up to the pairs, and change sides with the modes."""

from __future__ import annotations

import pytest

from pytest_swarm.metrics.comparison import compare
from pytest_swarm.metrics.measured_jobs import measure
from tests.metrics.test_comparison import job
from tests.report.factories import WB1, WB2, WB3

RECORDS = [
    job("lp", (1, 1, 1), graph=WB1),
    job("llm", (1, 1, 0), graph=WB1),
    job("lp", (1, 0, 0), graph=WB2),
    job("llm", (1, 1, 0.1), graph=WB2),
    job("lp", (0.5, 0.5, 0), graph=WB3),
    job("llm", (0.5, 0, 0.5), graph=WB3),
    job("lp", (0, 0, 0), graph=WB3, repeat=2),
    job("llm", (0, 0, 0.01), graph=WB3, repeat=2),
]


@pytest.mark.parametrize(("mode", "reference", "won", "lost"), [("lp", "llm", 1, 2), ("llm", "lp", 2, 1)])
def test_jobs_are_won_lost_or_tied(mode: str, reference: str, won: int, lost: int) -> None:
    found = compare(measure(RECORDS), mode=mode, reference=reference)
    assert (found.jobs_won, found.jobs_lost, found.jobs_tied) == (won, lost, 1)
    assert found.pairs == 4
