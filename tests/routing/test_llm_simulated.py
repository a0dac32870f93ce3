"""The llm router with the simulated planner behind it: two codecs that must understand each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.llm import LlmRouter
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.server.token_stream import GenerationRequest
from tests.instances import LLAMA, WB1, WB2, WB3, view_of

VIEWS = [
    view_of(graph, depth=depth, budget_gb=budget, resident=resident)
    for graph in (WB1, WB2, WB3)
    for depth in (0, 1, 3)
    for budget in (2.0, 8.0, 14.5, 24.0)
    for resident in ((), ("gemma2:2b",))
]


@dataclass
class Simulated:
    """The planner model of a profile, asked as the execution asks it: under a schema."""

    generator: ProfileGenerator

    async def ask(self, prompt: str, *, schema: Mapping[str, Json]) -> str:
        messages = (Message(role="user", content=prompt),)
        return self.generator.generate(
            GenerationRequest(model=LLAMA, messages=messages, schema=dict(schema), seed=0)
        ).text


def plans(profile: str) -> list[tuple[PlanningView, Plan]]:
    async def route() -> list[tuple[PlanningView, Plan]]:
        routers = [
            LlmRouter(planner=Simulated(ProfileGenerator(load_profile(profile), seed=seed))) for seed in range(5)
        ]
        return [(view, await router.route(view)) for router in routers for view in VIEWS]

    return asyncio.run(route())


def test_most_plans_are_the_planners_own_and_none_is_over_budget() -> None:
    origins: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for view, plan in plans("a40"):
        assert check(plan, view) == ()
        origins.update(each.origin.value for each in plan.assignments)
        failures.update(plan.planner_failures)
    assert set(origins) == {"planner", "replanner", "fill-in"}
    assert origins["planner"] / origins.total() > 0.8
    assert failures["over_budget"]
    assert set(failures) <= {"over_budget", "missing_task", "duplicate_task", "invalid_json"}


def test_the_published_planner_is_hardly_ever_understood() -> None:
    answers = plans("a40-published-planner")
    unread = sum(plan.planner_failures == {"invalid_json": 1} for _, plan in answers)
    assert unread / len(answers) == pytest.approx(44 / 48, abs=0.05)
    assert all(check(plan, view) == () for view, plan in answers)
