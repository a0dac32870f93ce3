"""The shipped graphs as fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

DEFAULT_JOBS = 12  # enough for each shape and each level to come up, few enough for a first run
GENERATOR_SEED = 1  # the jobs are part of the benchmark; --swarm-seed moves the models' answers, not the questions
GRAPHS = Path(__file__).parent / "graphs"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("swarm").addoption(
        "--swarm-jobs",
        dest="swarm_jobs",
        type=int,
        default=DEFAULT_JOBS,
        metavar="N",
        help=f"generated jobs of benchmarks/test_workflowgen.py (default: {DEFAULT_JOBS})",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "generated_job" in metafunc.fixturenames:
        jobs = generate_jobs(max(0, metafunc.config.getoption("swarm_jobs")), GENERATOR_SEED)
        metafunc.parametrize("generated_job", [job.graph for job in jobs], ids=[job.graph.name for job in jobs])


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
