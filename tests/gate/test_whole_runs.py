"""What the gate is for, from the command line: a worse router is found, and three jobs of chance are not judged."""

from __future__ import annotations

import pytest

from tests.gate.test_plugin import BASE
from tests.plugin.conftest import INI, Reports

JOBS = """
import pytest
from pytest_swarm import Number, Task, TaskGraph

@pytest.fixture(params=range(12))
def sums(request) -> TaskGraph:
    a = request.param
    tasks = tuple(
        Task(id=f"t{b}", type="math", prompt=f"Add {a} and {b}. Reply with the number.", estimated_tokens=60,
             difficulty=2, expected=Number(value=a + b))
        for b in range(3)
    )
    return TaskGraph(name=f"sums{a}", tasks=tasks)

def test_sums(swarm_run, sums):
    swarm_run(sums)
"""
ROUTER = """
from pytest_swarm import Assignment, Origin, Plan, PlanStatus

WEAK = {weak!r}

class House:
    name = "house"

    async def route(self, view):
        weak = any(f"Add {{n}} and" in task.prompt for task in view.tasks for n in WEAK)
        tag = "gemma2:2b" if weak else "qwen2.5-coder:7b"
        return Plan(assignments=tuple(Assignment(task=t.id, model=tag, origin=Origin.RULE) for t in view.tasks),
                    residency=(frozenset({{tag}}),), status=PlanStatus.HEURISTIC)

def pytest_swarm_routers():
    return {{"house": lambda setup: House()}}
"""
PUBLISHED = """
from pathlib import Path
import pytest
from pytest_swarm import Custom, Task, TaskGraph

RIGHT = {"wb1": (9, 9), "wb2": (8, 5), "wb3": (3, 3)}  # of nine tasks: LP, LLM

@pytest.mark.parametrize("job", RIGHT)
def test_published(swarm_run, job):
    right = RIGHT[job][Path("llm").exists()]
    tasks = tuple(
        Task(id=f"t{n}", type="math", prompt=f"Task {n} of {job}.", estimated_tokens=60,
             expected=Custom(name="published", function=lambda text, score=float(n < right): score))
        for n in range(9)
    )
    swarm_run(TaskGraph(name=job, tasks=tasks))
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    return pytester


def test_a_router_made_worse_by_five_points_fails_one_repeat_of_the_same_seed(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_sums=JOBS)
    suite.makeconftest(ROUTER.format(weak=()))
    suite.runpytest(BASE, "--swarm-update-baseline", "--swarm-compare=house").assert_outcomes(passed=12)
    suite.makeconftest(ROUTER.format(weak=(1,)))
    result = suite.runpytest(BASE, "--swarm-compare=house")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["REGRESSED*house*score:-2.5%@95*exact*", "FAILED gate: house/score:-2.5%@95: REGRESSED"]
    )
    score, violations = Reports(suite.path).report["gate"]["rows"]
    assert -0.07 < score["change"] < -0.04
    assert (score["exact"], score["p_worse"], score["repeats_needed"]) == (True, None, None)
    assert violations["verdict"] == "ok"


def test_the_published_comparison_is_inconclusive_with_its_two_numbers(suite: pytest.Pytester) -> None:
    """Showcase 234936: LP 100, 89, 33 % as the baseline, LLM 100, 56, 33 % as the run, one repeat of another seed."""
    suite.makepyfile(test_published=PUBLISHED)
    suite.runpytest(BASE, "--swarm-update-baseline", "--swarm-compare=lp").assert_outcomes(passed=3)
    (suite.path / "llm").touch()
    result = suite.runpytest(BASE, "--swarm-compare=lp", "--swarm-seed=1")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "inconclusive *score:-2.5%@95 *74.1 % *63.0 % *-11.1 pts*",
            "* repeats of each case would settle a difference as large as this one, *",
            "Gate: inconclusive against baseline base.json.*",
        ]
    )
    row = Reports(suite.path).report["gate"]["rows"][0]
    assert 20 < row["repeats_to_settle"] < row["repeats_to_prove_ok"]
    assert row["suspicion"] == "not known whether it is worse than before"
