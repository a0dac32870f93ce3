"""TaskGraph: what is valid, what comes next, and the horizon that a router may weigh."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import JsonFields, Number, PythonCode, Regex
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError
from tests.workloads.graphs import graphs


def task(name: str, **changes) -> Task:
    fields = {"id": name, "type": TaskType.MATH, "prompt": f"do {name}", "estimated_tokens": 10} | changes
    return Task(**fields)


def graph(edges: str, names: str = "abcd") -> TaskGraph:
    return TaskGraph(name="g", tasks=tuple(map(task, names)), edges=tuple((e[0], e[1]) for e in edges.split()))


DIAMOND = graph("ab ac bd cd")


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: TaskGraph(name=" ", tasks=(task("a"),)), "a task graph has an empty name"),
        (lambda: TaskGraph(name="g", tasks=()), "graph 'g' is empty: it has no tasks"),
        (lambda: graph("ab", "aab"), "graph 'g': duplicate id: task 'a' appears twice"),
        (lambda: graph("ax"), "graph 'g': dangling edge a -> x: there is no task 'x'"),
        (lambda: graph("ab bc ca"), "has a cycle: a -> b -> c -> a; a workflow must not wait for itself"),
        (lambda: graph("ab bc cb cd"), "has a cycle: b -> c -> b;"),
        (lambda: graph("aa"), "has a cycle: a -> a;"),
        (lambda: replace(DIAMOND, version=-1), "version is -1, but must be at least 0"),
        (lambda: replace(DIAMOND, context="some"), "context is 'some', but must be one of 'parents', 'full', 'none'"),
        (lambda: task(""), "a task has an empty id"),
        (lambda: task("a", type=" "), "task 'a': ' ' is no task type; write a word of 1 to 60 characters"),
        (lambda: task("a", type="*"), "task 'a': '*' is no task type"),
        (lambda: task("a", type="a\nb"), "task 'a': 'a\\nb' is no task type"),
        (lambda: task("a", type=3), "task 'a': type must be a text, found 3"),
        (lambda: task("a", prompt=" "), "task 'a': the prompt is empty"),
        (lambda: task("a", estimated_tokens=0), "task 'a': estimated_tokens is 0, but must be at least 1"),
        (lambda: task("a", estimated_tokens=10**400), "but must be at most 1,000,000,000,000"),
        (lambda: task("a", estimated_tokens=10**5000), "int (too long to show), but must be at most"),
        (lambda: task("a", difficulty=5.5), "task 'a': difficulty is 5.5, but must be from 1 to 5"),
        (lambda: task("a", difficulty=float("nan")), "task 'a': difficulty is nan"),
        (lambda: JsonFields(fields={}), "expected json: no fields given"),
        (lambda: JsonFields(fields={"x": float("inf")}), "expected json: field 'x' is inf"),
        (lambda: Number(value=float("nan")), "can never be checked"),
        (lambda: Number(value=1, tolerance=-1), "can never be checked"),
        (lambda: Regex(pattern="("), "expected regex: '(' does not compile"),
        (lambda: PythonCode(entry_point="a b"), "expected code: entry point 'a b' is not a Python name"),
    ],
)
def test_what_is_not_valid_cannot_exist(build, sentence):
    with pytest.raises(GraphError) as raised:
        build()
    assert sentence in str(raised.value)


def test_neighbours_layers_and_descendants():
    assert DIAMOND.parents("d") == ("b", "c")
    assert DIAMOND.children("a") == ("b", "c")
    assert DIAMOND.descendants("b") == ("d",)
    assert DIAMOND.layers() == (("a",), ("b", "c"), ("d",))
    with pytest.raises(GraphError, match="has no task 'z'"):
        DIAMOND.task("z")


def test_an_edge_that_stands_there_twice_counts_once():
    assert graph("ab ab").parents("b") == ("a",)


@pytest.mark.parametrize(
    ("finished", "depth", "horizon"),
    [
        ("", 0, "a"),
        ("", 1, "abc"),
        ("", 2, "abcd"),
        ("", 9, "abcd"),
        ("a", 0, "bc"),
        ("a", 1, "bcd"),
        ("ab", 0, "c"),
        ("ab", 1, "cd"),
        ("abc", 3, "d"),
        ("abcd", 3, ""),
    ],
)
def test_the_horizon_of_a_diamond(finished, depth, horizon):
    assert DIAMOND.horizon(set(finished), depth) == tuple(horizon)


def test_stages_are_the_longest_distance_within_the_horizon():
    assert graph("ab bc ac cd").stages(("a", "b", "c", "d")) == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert DIAMOND.stages(("c", "d")) == {"c": 0, "d": 1}


def test_flattened_has_no_edges_and_another_digest():
    assert DIAMOND.flattened().ready(()) == ("a", "b", "c", "d")
    assert DIAMOND.flattened().digest != DIAMOND.digest
    assert DIAMOND.with_context("none").context == "none"


def test_the_digest_is_of_content():
    assert graph("ab").digest == graph("ab").digest
    assert replace(graph("ab"), version=2).digest != graph("ab").digest
    whole = TaskGraph(name="g", tasks=(task("a", difficulty=2, expected=Number(value=25)),))
    point = TaskGraph(name="g", tasks=(task("a", difficulty=2.0, expected=Number(value=25.0)),))
    assert whole.digest == point.digest


def test_the_family_can_be_declared_later():
    later = replace(graph("ab"), family="orders")
    assert later.digest == graph("ab").digest
    assert later.flattened().family == later.with_context("none").family == "orders"


@pytest.mark.parametrize("family", ["", " ", 3, ("orders",)])
def test_a_family_is_a_name(family):
    with pytest.raises(GraphError, match=r"graph 'g': family is .*, but must be the name of the template"):
        replace(graph("ab"), family=family)


@given(graphs(), st.data(), st.integers(0, 4))
def test_a_run_through_any_graph_meets_every_task_once(any_graph, data, depth):
    finished: set[str] = set()
    while len(finished) < len(any_graph):
        ready = any_graph.ready(finished)
        horizon = any_graph.horizon(finished, depth)
        stages = any_graph.stages(horizon)
        assert ready
        assert not finished & set(horizon)
        assert set(ready) == {each for each, stage in stages.items() if stage == 0}
        assert set(horizon) <= set(any_graph.horizon(finished, depth + 1))
        for child in horizon:
            for parent in any_graph.parents(child):
                assert parent in finished or parent not in horizon or stages[parent] < stages[child]
        finished.add(data.draw(st.sampled_from(ready)))
    assert any_graph.horizon(finished, depth) == ()


@given(graphs())
def test_layers_hold_every_task_once_and_parents_come_before(any_graph):
    layers = any_graph.layers()
    place = {each: number for number, layer in enumerate(layers) for each in layer}
    assert len(place) == sum(map(len, layers)) == len(any_graph)
    assert all(place[parent] < place[child] for parent, child in any_graph.edges)
    assert tuple(sorted(any_graph.order)) == tuple(sorted(each.id for each in any_graph.tasks))
