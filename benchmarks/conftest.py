"""The shipped graphs as fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.workloads.load import load_graph

GRAPHS = Path(__file__).parent / "graphs"


@pytest.fixture
def wb1() -> TaskGraph:
    return load_graph(GRAPHS / "wb1.toml")


@pytest.fixture
def wb2() -> TaskGraph:
    return load_graph(GRAPHS / "wb2.toml")


@pytest.fixture
def wb3() -> TaskGraph:
    return load_graph(GRAPHS / "wb3.toml")


@pytest.fixture
def code_math_mix() -> TaskGraph:
    return load_graph(GRAPHS / "code_math_mix.toml")


@pytest.fixture
def agentic_bench() -> TaskGraph:
    return load_graph(GRAPHS / "agentic_bench.toml")
