"""A benchmark as a user with a strict type checker writes it: mypy checks this file, and a test runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import pytest_swarm
from pytest_swarm import (
    CaseKey,
    Fleet,
    JobRecord,
    JobResult,
    JsonFields,
    Number,
    Router,
    RouterSetup,
    SwarmRun,
    Task,
    TaskGraph,
    TaskType,
    chain,
)
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan

if TYPE_CHECKING:
    from pytest_swarm import Plan, PlanningView
    from pytest_swarm import SwarmRnu as SwarmRnu  # type: ignore[attr-defined]  # a misspelled name is an error


@pytest.fixture
def dag() -> TaskGraph:
    fields = JsonFields(fields={"net": 40, "tax": 8.5, "currency": "EUR"})
    return chain(
        "invoice",
        Task(id="fields", type="extraction", prompt="Give the fields.", estimated_tokens=120, expected=fields),
        Task(id="total", type=TaskType.MATH, prompt="Add them.", estimated_tokens=60, expected=Number(value=48.5)),
    )


@pytest.fixture
def result(swarm_run: SwarmRun, dag: TaskGraph) -> JobResult:
    return swarm_run(dag)


def test_typed(result: JobResult, swarm_run: SwarmRun, swarm_case: CaseKey, swarm_fleet: Fleet) -> None:
    record: JobRecord = result.record
    makespan_s: float | None = result.metrics.makespan_s
    assert makespan_s is not None
    assert record.case.key == swarm_case == swarm_run.key
    assert {each.model for each in record.outcomes} <= set(swarm_fleet.tags)
    assert pytest_swarm.__version__.count(".")


class Smallest:
    name = "smallest"

    def __init__(self, setup: RouterSetup) -> None:
        self.row = setup.fleet.tags.index(setup.fleet.smallest.tag)

    async def route(self, view: PlanningView) -> Plan:
        rows = [self.row] * len(view.tasks)
        return rule_plan(view, rows) if view.estimates.allowed[rows].all() else infeasible_plan(view)


def pytest_swarm_routers() -> dict[str, Callable[[RouterSetup], Router]]:
    return {"smallest": Smallest}
