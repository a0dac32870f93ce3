"""Each repeat of a case draws anew, in the router and in its requests, and draws the same when it is run again."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.case_context import RunSettings
from pytest_swarm.execution.planning import Moment, build_view
from tests.execution.lab import HEAVY, case, graph, run

DAG = graph(ids="a b c d e f")


def router_seed(*, repeat: int = 1, seed: int = 0, step: int = 0) -> int:
    moment = Moment(step=step, graph=DAG, finished=frozenset(), resident=frozenset())
    a_case = case(DAG, "random", horizon=0, vram_budget_gb=24.0, repeat=repeat)
    context = SimpleNamespace(settings=RunSettings(seed=seed), estimator=Estimator(HEAVY))
    return build_view(moment, a_case, context).seed  # type: ignore[arg-type]


def test_the_routers_seed_differs_by_repeat_run_seed_and_step() -> None:
    seeds = {
        router_seed(repeat=repeat, seed=seed, step=step) for repeat in (1, 2, 3) for seed in (0, 1) for step in (0, 1)
    }
    assert len(seeds) == 12
    assert router_seed(repeat=2, seed=1) == router_seed(repeat=2, seed=1)


def test_a_random_router_draws_another_plan_for_another_repeat() -> None:
    def plan(repeat: int) -> tuple[tuple[str, str | None], ...]:
        record = run(case(DAG, "random", horizon=0, vram_budget_gb=24.0, repeat=repeat))
        return tuple((each.task, each.model) for each in record.outcomes)

    plans = {repeat: plan(repeat) for repeat in (1, 2, 3, 4)}
    assert len(set(plans.values())) > 1
    assert plan(3) == plans[3]
