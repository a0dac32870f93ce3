"""A router gets a seed of its own for each run seed, repeat and step, and the same one when a case is run again."""

from __future__ import annotations

from pytest_swarm.domain.plan import Plan
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.greedy import GreedyRouter
from tests.execution.lab import bench, case, graph

CHAIN = graph(("a", "b"))


class Listening(GreedyRouter):
    """A router that writes down the seeds that it is given."""

    name = "listening"

    def __init__(self, seeds: list[int]) -> None:
        super().__init__()
        self.seeds = seeds

    async def route(self, view: PlanningView) -> Plan:
        self.seeds.append(view.seed)
        return await super().route(view)


def router_seeds(*, repeat: int, seed: int) -> list[int]:
    """The seeds of the two steps of a job."""
    seeds: list[int] = []
    settings = BenchSettings(seed=seed, routers={"listening": lambda _: Listening(seeds)})
    with bench(settings=settings) as a_bench:
        a_bench.run(case(CHAIN, "listening", repeat=repeat))
    assert len(seeds) == 2
    return seeds


def test_the_routers_seed_differs_by_repeat_run_seed_and_step() -> None:
    seeds = [each for repeat in (1, 2, 3) for seed in (0, 1) for each in router_seeds(repeat=repeat, seed=seed)]
    assert len(set(seeds)) == 12
    assert router_seeds(repeat=2, seed=1) == router_seeds(repeat=2, seed=1)
