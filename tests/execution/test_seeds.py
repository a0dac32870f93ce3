"""Each repeat of a case draws anew, in the router and in its requests, and draws the same when it is run again."""

from __future__ import annotations

from pytest_swarm.domain.plan import Plan
from pytest_swarm.execution.bench import BenchSettings
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.greedy import GreedyRouter
from tests.execution.lab import bench, case, graph, run

DAG = graph(ids="a b c d e f")
CHAIN = graph(("a", "b"))


class Watching(GreedyRouter):
    """`greedy`, which keeps the seed of each step."""

    def __init__(self, setup: RouterSetup) -> None:
        assert setup.argument is None
        self.seeds: list[int] = []

    async def route(self, view: PlanningView) -> Plan:
        self.seeds.append(view.seed)
        return await super().route(view)


def router_seeds(*, repeat: int = 1, seed: int = 0) -> tuple[int, ...]:
    """The router's seeds at the two steps of a chain."""
    router = Watching(RouterSetup(fleet=bench().fleet))
    with bench(settings=BenchSettings(seed=seed, routers={"watching": lambda _: router})) as a_bench:
        a_bench.run(case(CHAIN, "watching", repeat=repeat))
    return tuple(router.seeds)


def test_the_routers_seed_differs_by_repeat_run_seed_and_step() -> None:
    seeds = {each for repeat in (1, 2, 3) for seed in (0, 1) for each in router_seeds(repeat=repeat, seed=seed)}
    assert len(seeds) == 12
    assert router_seeds(repeat=2, seed=1) == router_seeds(repeat=2, seed=1)


def test_a_random_router_draws_another_plan_for_another_repeat() -> None:
    def plan(repeat: int) -> tuple[tuple[str, str | None], ...]:
        record = run(case(DAG, "random", horizon=0, vram_budget_gb=24.0, repeat=repeat))
        return tuple((each.task, each.model) for each in record.outcomes)

    plans = {repeat: plan(repeat) for repeat in (1, 2, 3, 4)}
    assert len(set(plans.values())) > 1
    assert plan(3) == plans[3]
