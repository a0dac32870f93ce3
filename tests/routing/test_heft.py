"""`heft` is the published algorithm where loads and VRAM do not matter, and weighs them where they do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.model import Model
from pytest_swarm.domain.plan import PlanStatus
from pytest_swarm.errors import OptionError
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.gpu_timetable import GpuTimetable
from pytest_swarm.routing.heft import HeftRouter
from pytest_swarm.routing.list_schedule import Booking, ListProblem, earliest_gap, schedule, upward_ranks
from pytest_swarm.routing.mode_table import ModeTable
from tests.instances import HEAVY, matrix_view
from tests.routing.textbook_graphs import (
    TEXTBOOK_GRAPHS,
    TOPCUOGLU_EDGES,
    TOPCUOGLU_SECONDS,
    TOPCUOGLU_TRANSFER,
    TextbookGraph,
)


def view(
    seconds: Sequence[Sequence[float]],
    edges: Sequence[tuple[int, int]] = (),
    *,
    vram_gb: Sequence[float] = (4,),
    load_s: Sequence[float] = (0,),
    quality: Sequence[Sequence[float]] | None = None,
    budget_gb: float = 1000.0,
    resident: Sequence[int] = (),
) -> PlanningView:
    """A view from numbers: `seconds` has a row for each model, m0, m1, ...; tasks are t0, t1, ...; edges by number."""
    count = len(seconds[0])
    depth = [0] * count
    for parent, child in sorted(edges, key=lambda edge: edge[1]):
        depth[child] = max(depth[child], depth[parent] + 1)
    made = matrix_view(
        quality or [[0.5] * count] * len(seconds),
        vram_gb=vram_gb,
        budget_gb=budget_gb,
        load=[each / 1.5 for each in load_s],
        stages=depth,
        resident=resident,
    )
    return replace(
        made,
        edges=tuple((f"t{parent}", f"t{child}") for parent, child in edges),
        estimates=replace(made.estimates, latency=lambda: np.array(seconds, dtype=float)),
    )


def router(*, slots: int = 1, floor: float = 0.05) -> HeftRouter:
    return HeftRouter(quality_floor=floor, concurrency=slots)


def makespan(bookings: Sequence[Booking]) -> float:
    return max(each.finish for each in bookings)


@pytest.mark.parametrize("slots", [2, 3, 4])
@pytest.mark.parametrize("graph", TEXTBOOK_GRAPHS, ids=str)
def test_one_model_without_a_limit_has_the_published_makespan(graph: TextbookGraph, slots: int) -> None:
    bookings = router(slots=slots).bookings(view([graph.seconds], graph.edges, resident=[0]))
    assert makespan(bookings) == pytest.approx(graph.makespan[slots])


@pytest.mark.parametrize("graph", TEXTBOOK_GRAPHS, ids=str)
def test_one_slot_runs_one_task_after_the_other_and_loads_once(graph: TextbookGraph) -> None:
    bookings = router().bookings(view([graph.seconds], graph.edges, load_s=[2.5]))
    assert makespan(bookings) == pytest.approx(2.5 + sum(graph.seconds))


class Processors:
    """The processors of the paper: transfers between two different ones take the time of the edge."""

    def __init__(self, seconds: Sequence[Sequence[float]], transfer: Mapping[tuple[str, str], float]) -> None:
        self._seconds = seconds
        self._transfer = transfer
        self._busy: list[list[tuple[float, float]]] = [[] for _ in seconds[0]]

    def book(self, task: str, parents: Sequence[Booking]) -> Booking:
        offers = []
        for n, busy in enumerate(self._busy):
            arrived = [
                each.finish + (0.0 if each.processor == str(n) else self._transfer[each.task, task]) for each in parents
            ]
            duration = float(self._seconds[int(task)][n])
            start = earliest_gap(busy, max(arrived, default=0.0), duration)
            offers.append(Booking(task=task, processor=str(n), start=start, finish=start + duration))
        best = min(offers, key=lambda each: each.finish)
        busy = self._busy[int(best.processor)]
        busy.append((best.start, best.finish))
        busy.sort()
        return best


def test_the_example_of_the_paper_has_its_ranks_and_its_makespan_of_80() -> None:
    edges = {
        (str(parent), str(child)): float(transfer)
        for (parent, child), transfer in zip(TOPCUOGLU_EDGES, TOPCUOGLU_TRANSFER, strict=True)
    }
    problem = ListProblem(
        tasks=tuple(map(str, range(10))),
        mean_time={str(n): sum(row) / 3 for n, row in enumerate(TOPCUOGLU_SECONDS)},
        edges=edges,
    )
    ranks = upward_ranks(problem)
    published = [108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667]
    assert [ranks[str(n)] for n in range(10)] == pytest.approx(published, abs=5e-4)
    bookings = schedule(problem, Processors(TOPCUOGLU_SECONDS, edges))
    placed = {each.task: (int(each.processor) + 1, each.start, each.finish) for each in bookings}
    assert makespan(bookings) == 80.0
    assert placed["0"] == (3, 0.0, 9.0)
    assert placed["3"] == (2, 18.0, 26.0)
    assert placed["7"] == (1, 57.0, 62.0)
    assert placed["9"] == (2, 73.0, 80.0)


def test_a_load_is_weighed_against_a_slower_model_that_is_resident() -> None:
    two = view([[3.0], [1.0]], vram_gb=[4, 4], load_s=[0, 1.5], resident=[0])
    assert [each.processor for each in router().bookings(two)] == ["m1"]  # 1.5 + 1 before 3
    slower = view([[3.0], [1.0]], vram_gb=[4, 4], load_s=[0, 2.5], resident=[0])
    assert [each.processor for each in router().bookings(slower)] == ["m0"]


@pytest.mark.parametrize(
    ("seconds", "load_s", "vram_gb", "resident", "taken"),
    [
        ((1.0, 1.5), (3.0, 1.5), (4, 4), (), "m1"),  # 3 s after its load, before 4 s
        ((1.0, 4.0), (3.0, 0.0), (4, 4), (1,), "m1"),  # both 4 s: without a load
        ((1.0, 2.5), (3.0, 1.5), (5, 3), (), "m1"),  # both 4 s: the least VRAM
        ((1.0, 1.0), (3.0, 3.0), (4, 4), (), "m0"),  # both 4 s: the name
    ],
)
def test_a_slower_model_is_taken_where_it_finishes_earlier_or_wins_the_tie(
    seconds, load_s, vram_gb, resident, taken
) -> None:
    two = view([[each] for each in seconds], vram_gb=vram_gb, load_s=load_s, resident=resident)
    assert [each.processor for each in router().bookings(two)] == [taken]


def test_only_models_within_the_floor_of_the_best_quality_that_fits_are_candidates() -> None:
    good = view([[3.0], [1.0]], vram_gb=[4, 4], load_s=[0, 0], quality=[[0.8], [0.76]])
    assert router(floor=0.05).bookings(good)[0].processor == "m1"
    assert router(floor=0.03).bookings(good)[0].processor == "m0"
    best_is_too_large = view([[3.0], [1.0]], vram_gb=[9, 4], load_s=[0, 0], quality=[[0.9], [0.1]], budget_gb=8)
    assert router().bookings(best_is_too_large)[0].processor == "m1"


def test_a_model_makes_room_only_once_its_tasks_are_done() -> None:
    quality = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    crowded = view([[2.0, 2.0, 2.0]] * 2, vram_gb=[5, 5], load_s=[1, 1], quality=quality, budget_gb=8)
    bookings = {each.task: each for each in router(slots=4).bookings(crowded)}
    assert (bookings["t0"].start, bookings["t0"].finish) == (1.0, 3.0)
    assert (bookings["t1"].start, bookings["t1"].finish) == (4.0, 6.0)
    assert bookings["t2"].start == 1.0  # beside t0, on the model that is still there


def test_the_plan_runs_what_is_first_and_fits_and_defers_the_rest() -> None:
    quality = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    crowded = view([[2.0, 2.0, 2.0]] * 2, vram_gb=[5, 5], load_s=[1, 1], quality=quality, budget_gb=8)
    plan = asyncio.run(router(slots=4).route(crowded))
    assert check(plan, crowded) == ()
    assert (plan.target_residency, plan.deferred) == ({"m0"}, {"t1"})
    wide = replace(crowded, vram_budget_gb=10.0)
    assert asyncio.run(router(slots=4).route(wide)).deferred == frozenset()


def test_a_pinned_model_takes_its_room_from_the_start() -> None:
    seconds, quality = [[1.0], [1.0]], [[0.0], [1.0]]
    base = view(seconds, vram_gb=[4, 5], load_s=[1, 1], quality=quality, budget_gb=8)
    models = (replace(base.fleet.models[0], keep=True), base.fleet.models[1])
    pinned = replace(base, fleet=replace(base.fleet, models=models))
    plan = asyncio.run(router().route(pinned))
    assert plan.status is PlanStatus.HEURISTIC
    assert set(plan.model_of.values()) == {"m0"}


def test_a_fleet_without_speeds_is_refused_in_one_sentence() -> None:
    with pytest.raises(OptionError, match=r"mode 'heft' needs prefill_tokens_per_s.*lacks them for gemma2:2b.*fleet"):
        ModeTable({}).make("heft", RouterSetup(fleet=HEAVY))


def test_calls_that_run_take_their_slots_and_their_models_until_they_end() -> None:
    """One slot is busy for 5 s; evicting the busy model would let the load begin only then."""
    models = [Model(tag=tag, vram_gb=4.0, load_time_ms=1000, cost_per_token=0, max_ctx=8192) for tag in ("a", "b")]
    made = GpuTimetable(models, {"x": {"b": 2.0}}, limit_gb=4.0, slots=1, resident=frozenset("a"))
    made.occupy([("a", 5.0)])
    assert made.book("x", ()).start == 6.0
    roomy = GpuTimetable(models, {"x": {"b": 2.0}}, limit_gb=8.0, slots=1, resident=frozenset("a"))
    roomy.occupy([("a", 5.0)])
    assert roomy.book("x", ()).start == 5.0
