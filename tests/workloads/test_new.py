"""`new` writes an example that works as it stands."""

from __future__ import annotations

import pytest

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.new_benchmark import new_benchmark


def test_the_example_graph_loads_and_hands_data_on(tmp_path):
    test, graph = new_benchmark("orders", tmp_path / "deep" / "folder")
    loaded = load_graph(graph)
    assert loaded.order == ("order", "total", "letter")
    assert loaded.task("total").derive == "order.pieces * order.price"
    assert test.name == "test_orders.py"


def test_the_example_test_runs(pytester):
    new_benchmark("orders", pytester.path)
    result = pytester.runpytest("--swarm-backend=sim", "--swarm-compare=greedy", "--swarm-vram=8GB")
    result.assert_outcomes(passed=1)


def test_nothing_is_overwritten(tmp_path):
    new_benchmark("orders", tmp_path)
    with pytest.raises(GraphError, match="exists already"):
        new_benchmark("orders", tmp_path)


@pytest.mark.parametrize("name", ["", "Orders", "my-test", "1st", "a b", "../x"])
def test_a_name_that_is_no_name(name, tmp_path):
    with pytest.raises(GraphError, match="the name must consist of lower-case letters"):
        new_benchmark(name, tmp_path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GraphError, match="cannot be"):
        new_benchmark("orders", tmp_path / "file")
