"""Helpers and generated layers give the graphs that their names say."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.build import chain, fork, join, layered


def task(name: str) -> Task:
    return Task(id=name, type=TaskType.MATH, prompt=f"do {name}", estimated_tokens=10)


A, B, C, D = map(task, "abcd")


def test_chain():
    assert chain("g", A, B, C).edges == (("a", "b"), ("b", "c"))
    assert chain("g", A).edges == ()


def test_fork_with_a_single_task_and_a_row():
    graph = fork("g", A, B, (C, D))
    assert graph.edges == (("a", "b"), ("a", "c"), ("c", "d"))
    assert graph.ready(()) == ("a",)
    assert graph.ready({"a"}) == ("b", "c")


def test_join_with_a_single_task_and_a_row():
    graph = join("g", [A, (B, C)], D)
    assert set(graph.edges) == {("a", "d"), ("b", "c"), ("c", "d")}
    assert graph.ready({"a", "b"}) == ("c",)


def test_the_helpers_refuse_what_a_graph_refuses():
    with pytest.raises(GraphError, match="is empty"):
        chain("g")
    with pytest.raises(GraphError, match="duplicate id"):
        fork("g", A, A)


def test_layered_has_its_shape_and_unique_prompts():
    graph = layered("g", 5, 4, seed=1)
    assert [len(layer) for layer in graph.layers()] == [4] * 5
    assert len({each.prompt for each in graph.tasks}) == 20
    assert all(len(graph.parents(each)) == 2 for each in graph.layers()[1])


def test_layered_is_a_function_of_its_seed():
    assert layered("g", 3, 3, seed=1).digest == layered("g", 3, 3, seed=1).digest
    assert layered("g", 3, 3, seed=1).digest != layered("g", 3, 3, seed=2).digest
    with pytest.raises(GraphError, match="needs at least 1 layer"):
        layered("g", 0, 3, seed=1)
