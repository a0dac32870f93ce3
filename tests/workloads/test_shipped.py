"""The shipped benchmark graphs: shapes and figures of the published ones, prompts that the simulator can tell apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm.domain.expectation import JsonFields, Keywords, Number, PythonCode, YesNo
from pytest_swarm.scoring.sandbox.run_cases import run_cases
from pytest_swarm.workloads.graph_files import load_graph

GRAPHS = {path.stem: load_graph(path) for path in (Path(__file__).parents[2] / "benchmarks" / "graphs").glob("*.toml")}

PUBLISHED = {
    "wb1": {
        "s0": ("extraction", 200, 1.5, (), JsonFields(fields={"A": 3, "B": 4})),
        "s1": ("math", 150, 2.0, ("s0",), Number(value=25)),
        "s2": ("code", 350, 2.0, ("s1",), "hyp_sq"),
    },
    "wb2": {
        "s0": ("code", 450, 3.0, (), "fib"),
        "s1": ("math", 120, 2.0, ("s0",), Number(value=55)),
        "s2": ("summarize", 180, 2.0, ("s0",), Keywords(words=("fib", "previous", "sum"))),
    },
    "wb3": {
        "s0": ("extraction", 180, 1.5, (), JsonFields(fields={"date": "2026-02-21"})),
        "s1": ("reasoning", 120, 2.5, ("s0",), YesNo(value=True)),
        "s2": ("summarize", 120, 1.5, ("s1",), Keywords(words=("saturday",))),
    },
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_workflowbench_is_as_published(name):
    graph = GRAPHS[name]
    assert graph.name == name
    read = {
        task.id: (
            task.type,
            task.estimated_tokens,
            task.difficulty,
            graph.parents(task.id),
            task.expected.entry_point if isinstance(task.expected, PythonCode) else task.expected,
        )
        for task in graph.tasks
    }
    assert read == PUBLISHED[name]


def test_the_other_benchmarks_have_their_shapes():
    assert len(GRAPHS["code_math_mix"]) == 8
    assert GRAPHS["code_math_mix"].edges == ()
    agentic = GRAPHS["agentic_bench"]
    assert agentic.name == "ab1"
    assert [agentic.task(each).type for each in agentic.order] == ["reasoning", "code", "math", "summarize"]
    assert agentic.edges == (("s0", "s1"), ("s1", "s2"), ("s2", "s3"))


def test_every_prompt_is_unique_over_all_shipped_graphs():
    prompts = [task.prompt for graph in GRAPHS.values() for task in graph.tasks]
    assert len(set(prompts)) == len(prompts) == 21


SOLUTIONS = {
    "hyp_sq": "def hyp_sq(a, b): return a * a + b * b",
    "fib": "def fib(n):\n    a, b = 0, 1\n    for _ in range(n): a, b = b, a + b\n    return a",
    "add": "def add(a, b): return a + b",
    "is_palindrome": "def is_palindrome(t):\n    s = [c for c in t.lower() if c.isalnum()]\n    return s == s[::-1]",
    "primes_below": "def primes_below(n): return [k for k in range(2, n) if all(k % d for d in range(2, k))]",
    "to_roman": (
        "def to_roman(n):\n    out = ''\n    for v, s in zip((1000,900,500,400,100,90,50,40,10,9,5,4,1),"
        "'M CM D CD C XC L XL X IX V IV I'.split()):\n        out += s * (n // v)\n        n %= v\n    return out"
    ),
    "missing_share": "def missing_share(r, c): return (r - c) / r if r else 0",
}


def test_the_cases_of_every_code_task_are_right():
    tasks = [
        task.expected for graph in GRAPHS.values() for task in graph.tasks if isinstance(task.expected, PythonCode)
    ]
    assert {expected.entry_point for expected in tasks} == set(SOLUTIONS)
    for expected in tasks:
        assert len(expected.cases) >= 3
        assert set(run_cases(SOLUTIONS[expected.entry_point], expected).faults) == {None}
