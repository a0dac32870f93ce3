"""Jobs that ask a model the same are answered by one draw of chance, so the gate takes them for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task
from pytest_swarm.gate.shared_prompts import jobs_drawn_together
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.report.gate_text import coverage_text
from tests.gate.runs import case, judge
from tests.gate.test_plugin import BASE

TEMPLATE = """
import pytest
from pytest_swarm import Number, Task, chain

@pytest.fixture(params=range(2))
def sums(request):
    a = request.param
    steps = (f"Add {a} and 1.", "Double it.")
    tasks = (Task(id=f"t{n}", type="math", prompt=each, estimated_tokens=9, expected=Number(value=(a + 1) * (n + 1)))
             for n, each in enumerate(steps))
    return chain(f"sums{a}", *tasks)

def test_sums(swarm_run, sums):
    swarm_run(sums)
"""


def graph(name: str, *prompts: str) -> tuple[str, TaskGraph]:
    """A chain of tasks that ask these prompts."""
    tasks = tuple(Task(id=f"t{n}", type="math", prompt=each, estimated_tokens=9) for n, each in enumerate(prompts))
    edges = tuple((f"t{n}", f"t{n + 1}") for n in range(len(prompts) - 1))
    return name, TaskGraph(name=name, tasks=tasks, edges=edges)


@pytest.mark.parametrize(
    ("graphs", "simulated", "groups"),
    [
        ([graph("a", "1", "add"), graph("b", "2", "mul")], True, []),
        ([graph("a", "1", "add"), graph("b", "2", "add"), graph("c", "3")], True, ["ab"]),
        ([graph("a", "1", "add"), graph("b", "2", "add")], False, []),
        ([graph("a", "1", "add"), graph("b", "1", "mul")], False, ["ab"]),
        ([graph("a", "1"), graph("b", "2"), graph("c", "3"), graph("d", "2", "1")], True, ["abd"]),
        ([graph("a", "1", "1"), graph("a", "1", "add")], True, []),
    ],
    ids=["own prompts", "a later step", "later steps of a server", "a first step", "over a third job", "one job twice"],
)
def test_jobs_that_share_prompts_draw_together(
    graphs: list[tuple[str, TaskGraph]], simulated: bool, groups: list[str]
) -> None:
    found = jobs_drawn_together(graphs, simulated=simulated)
    assert sorted("".join(sorted(job for job in found if found[job] == name)) for name in set(found.values())) == groups


@pytest.mark.parametrize("expression", ["score:-2.5%@95", "makespan_s:+5%@95"])
def test_what_moves_all_jobs_that_share_prompts_alike_is_no_finding(expression: str) -> None:
    """Three repeats of twelve jobs: apart, 36 draws that got worse; together, the luck of three."""
    slow = {"makespan_s": [12.0, 12.1, 12.2]}
    before = [case(f"job{n}", [0.9, 0.9, 0.9], figures={"makespan_s": [10.0, 10.1, 10.2]}) for n in range(12)]
    now = [case(f"job{n}", [0.3, 0.3, 0.3], figures=slow) for n in range(12)]
    together = [replace(each, drawn_with="job0") for each in now]
    (apart,), (one,) = (judge(before, cases, expression).rows for cases in (now, together))
    assert (apart.verdict, one.verdict) == (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
    assert (apart.change, apart.pairs) == (one.change, one.pairs)
    assert "12 jobs share prompts" in coverage_text(one)
    assert "share prompts" not in coverage_text(apart)
    (exact,) = judge(before, together, expression, seed=0).rows
    assert (exact.verdict, exact.jobs_drawn_together) == (Verdict.REGRESSED, 0)


def test_a_simulated_run_with_another_seed_says_which_jobs_share_prompts(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_template=TEMPLATE)
    suite.runpytest("test_template.py", BASE, "--swarm-update-baseline=all").assert_outcomes(passed=2)
    result = suite.runpytest("test_template.py", BASE, "--swarm-seed=1")
    result.stdout.fnmatch_lines(["*2 jobs share prompts*"])
