"""The seed of a recorded run is found in its requests."""

from __future__ import annotations

import pytest

from pytest_swarm.calibration.recorded_seed import recorded_seed
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.errors import OptionError
from pytest_swarm.ollama.cassette.takes import Take
from tests.calibration.test_measured_models import GRAPH, ORIGIN, chat, load


def take(*seeds: int, repeat: int = 1) -> Take:
    case = Case(graph=GRAPH, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0, repeat=repeat))
    return Take(case=case, origin=ORIGIN, exchanges=(load(1.0), *(chat("a", "1", seed=seed) for seed in seeds)))


@pytest.mark.parametrize(("seed", "repeat"), [(0, 1), (7, 1), (9999, 3)])
def test_the_seed_is_the_one_whose_requests_were_sent(seed: int, repeat: int) -> None:
    copy = 12345  # a task that asks what another one asks has a seed of its own
    assert recorded_seed(take(copy, request_seed(seed, repeat), repeat=repeat)) == seed


def test_without_requests_any_seed_is_right() -> None:
    assert recorded_seed(take()) == 0


def test_a_seed_that_is_not_found_is_asked_for() -> None:
    with pytest.raises(OptionError, match=r"none of 0 to 9999, .*; give it with --seed=N"):
        recorded_seed(take(request_seed(10_000, 1)))
