"""The examples of docs/llm.md: each answer, given by a planner, is counted and kept as the page says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from pytest_swarm.domain.plan import Origin, PlannerFailure
from pytest_swarm.errors import BackendError, CallTimeoutError, ServerRefusedError
from pytest_swarm.routing.feasibility import check
from tests.instances import WB1, view_of
from tests.routing.test_llm import route

PAGE = (Path(__file__).parents[2] / "docs" / "llm.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^\*\*`(\w+)`\*\*[^\n]*\n\n```(?:json|text)\n(.*?)\n```\n\nCounted: (.*?)\. Kept: (.*?)\.$",
    re.DOTALL | re.MULTILINE,
)
EXAMPLES = EXAMPLE.findall(PAGE)


def given(kind: str, text: str) -> str | BackendError:
    if kind == "timeout":
        return CallTimeoutError(text)
    return ServerRefusedError(text, status=404) if kind == "backend_error" else text


def test_each_kind_of_failure_has_an_example() -> None:
    assert Counter(kind for kind, *_ in EXAMPLES) == Counter(each.value for each in PlannerFailure)


@pytest.mark.parametrize(("kind", "answer", "counted", "kept"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_is_counted_and_kept_as_it_says(kind: str, answer: str, counted: str, kept: str) -> None:
    plan, script = route(view_of(WB1), *[given(kind, answer)] * 2)
    count, name = counted.split()
    assert name == kind
    assert plan.planner_failures == {kind: int(count)}
    rows = [] if kept == "nothing" else [tuple(row.split()) for row in kept.split(", ")]
    assert [(each.task, each.model) for each in plan.assignments if each.origin is Origin.PLANNER] == rows
    assert sum(each.origin is Origin.FILL_IN for each in plan.assignments) == 3 - len(rows)
    assert len(script.asked) == (2 if kind == "over_budget" else 1)
    assert check(plan, view_of(WB1)) == ()
