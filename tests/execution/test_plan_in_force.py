"""What the dispatcher follows of a plan."""

from __future__ import annotations

from pytest_swarm.domain.plan import Assignment, Origin
from pytest_swarm.execution.plan_in_force import PlanInForce, plan_in_force
from tests.report.factories import step

ROWS = tuple(
    Assignment(task=task, model=model, origin=Origin.SOLVER) for task, model in zip("abcd", "xyyz", strict=True)
)
STEP = step(
    3,
    {},
    assignments=ROWS,
    executed=ROWS[:1],
    stages={"a": 0, "b": 0, "c": 1, "d": 2},
    deferred=("b",),
    target_residency=("x", "y"),
    vram_gb={"x": 2.0, "y": 3.5, "z": 9.0},
)


def test_a_plan_runs_what_it_executes_and_foresees_its_next_stage_and_what_it_defers() -> None:
    assert plan_in_force(STEP, followed=False) == PlanInForce(
        step=3, now=ROWS[:1], later=ROWS[1:3], target=frozenset("xy"), target_gb=5.5
    )


def test_a_plan_that_is_followed_runs_all_that_is_not_deferred_on_the_models_of_its_target() -> None:
    assert plan_in_force(STEP, followed=True).now == (ROWS[0], ROWS[2])


def test_nothing_is_run_before_the_first_plan() -> None:
    assert (PlanInForce().now, PlanInForce().later, PlanInForce().target) == ((), (), frozenset())
