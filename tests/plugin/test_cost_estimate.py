"""What cases would cost on a server, before anything is asked: loads, and the time in which models are timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.imagined_answers import USUAL_TOKENS_PER_S
from pytest_swarm.execution.speed_calibration import calibration_tokens
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.plugin.cost_estimate import CostEstimate, EstimateSetup, NewCost, estimate_with
from tests.execution.lab import HEAVY, case, graph

SETUP = EstimateSetup(
    make_bench=lambda backend: Bench(backend=backend, fleet=HEAVY), complete=False, seed=0, at_once=()
)

JOB = case(graph(("a", "b")), "single:gemma2:2b")


def cost(setup: EstimateSetup, fleet: Fleet = HEAVY) -> NewCost:
    """The cost of two tasks for one model whose answers nobody knows."""
    with estimated(setup, fleet) as estimate:
        return estimate.new


@contextmanager
def estimated(setup: EstimateSetup, fleet: Fleet) -> Iterator[CostEstimate]:
    """The estimate after that job."""
    models = {full_tag(tag): ModelIdentity(tag=tag, digest=tag, server="1") for tag in HEAVY.tags}
    with AnswerStore(None) as store, closing(estimate_with(store, models, fleet, setup=setup)) as estimate:
        assert estimate.add(JOB) is None
        yield estimate


def test_a_model_that_was_not_timed_is_timed_once() -> None:
    alone, several = cost(SETUP), cost(replace(SETUP, at_once=(2, 4)))
    assert (several.calls, several.loads, several.tokens) == (alone.calls, alone.loads, alone.tokens)
    more = calibration_tokens((2, 4)) - calibration_tokens(())
    assert several.seconds - alone.seconds == pytest.approx(more / USUAL_TOKENS_PER_S)


def test_the_seconds_of_loads_are_part_of_the_cost() -> None:
    slower = tuple(replace(each, load_time_ms=each.load_time_ms + 5000) for each in HEAVY)
    assert cost(SETUP, replace(HEAVY, models=slower)).seconds - cost(SETUP).seconds == pytest.approx(2 * 5.0)


def test_without_a_store_each_case_takes_its_own_time() -> None:
    with estimated(SETUP, HEAVY) as estimate:
        once = estimate.whole.seconds
        assert once > HEAVY["gemma2:2b"].load_time_ms / 1000
        estimate.add(JOB)
        assert (estimate.whole.cases, estimate.whole.seconds) == (2, pytest.approx(2 * once))


def test_a_case_that_is_run_for_real_as_well_costs_what_it_costs_without_a_store() -> None:
    with estimated(replace(SETUP, verify=frozenset([JOB.test])), HEAVY) as estimate:
        assert estimate.verified == estimate.whole
        assert estimate.verified_texts == (f"1 case for real as well: about {estimate.whole.text}",)
    with estimated(SETUP, HEAVY) as estimate:
        assert estimate.verified_texts == ()


@pytest.mark.parametrize("room_gb", [None, 100.0, 0.1])
def test_a_model_that_is_asked_alone_is_loaded_once_and_for_the_first_time_twice(room_gb: float | None) -> None:
    found = cost(replace(SETUP, room_gb=room_gb))
    assert (found.calls, found.loads) == (2, 2)
