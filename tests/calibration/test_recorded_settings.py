"""The settings of a recorded run are found in its requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.calibration.recorded_settings import recorded_seed, recorded_settings
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.errors import OptionError
from pytest_swarm.execution.bench_settings import Dispatch
from pytest_swarm.ollama.cassette.takes import Exchange, Take
from tests.calibration.test_measured_models import GRAPH, ORIGIN, chat, load

FORK = TaskGraph(
    name="fork", tasks=(*GRAPH.tasks, replace(GRAPH.task("a"), id="c", prompt="c?")), edges=(("a", "b"),)
)  # beside a, whose child is b


def take(*exchanges: Exchange, repeat: int = 1) -> Take:
    case = Case(graph=FORK, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0, repeat=repeat))
    return Take(case=case, origin=ORIGIN, exchanges=exchanges)


def ran(task: str, begin_s: float, end_s: float) -> Exchange:
    row = chat("a", "1", seed=request_seed(0, 1))
    return replace(row, task=task, sent_s=begin_s, end_s=end_s - begin_s)


@pytest.mark.parametrize(("seed", "repeat"), [(0, 1), (7, 1), (9999, 3)])
def test_the_seed_is_the_one_whose_requests_were_sent(seed: int, repeat: int) -> None:
    copy = 12345  # a task that asks what another one asks has a seed of its own
    sent = [chat("a", "1", seed=each) for each in (copy, request_seed(seed, repeat))]
    assert recorded_seed(take(load(1.0), *sent, repeat=repeat)) == seed


def test_without_requests_any_seed_is_right() -> None:
    assert recorded_seed(take(load(1.0))) == 0


def test_a_seed_that_is_not_found_is_asked_for() -> None:
    with pytest.raises(OptionError, match=r"none of 0 to 9999, .*; give it with --seed=N"):
        recorded_seed(take(chat("a", "1", seed=request_seed(10_000, 1))))


@pytest.mark.parametrize(
    ("rows", "concurrency", "dispatch"),
    [
        ([], 1, "layers"),
        ([ran("a", 0, 4), ran("c", 4, 6), ran("b", 6, 8)], 1, "layers"),  # one at a time
        ([ran("a", 0, 4), ran("c", 0, 6), ran("b", 6, 8)], 2, "layers"),  # the child waits for its layer
        ([ran("a", 0, 4), ran("c", 0, 6), ran("b", 4, 8)], 2, "tasks"),  # it does not
        ([ran("a", 0, 4), ran("b", 4, 8), ran("c", 4, 6)], 2, "layers"),  # both are of the next plan
        ([ran("a", 0, 4), replace(load(1.0), sent_s=1.0), ran("b", 4, 8)], 1, "tasks"),  # loaded while a runs
        ([load(1.0), replace(ran("a", 1, 4)), replace(load(1.0), sent_s=4.0), ran("b", 5, 8)], 1, "layers"),
    ],
)
def test_concurrency_and_dispatch_are_those_of_the_tasks_times(
    rows: list[Exchange], concurrency: int, dispatch: Dispatch
) -> None:
    found = recorded_settings([take(), take(*rows)], 5)
    assert (found.seed, found.concurrency, found.dispatch) == (5, concurrency, dispatch)
