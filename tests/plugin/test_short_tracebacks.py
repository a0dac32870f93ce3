"""An error of ours in a test, a fixture or a test module shows the user's line and one sentence."""

from __future__ import annotations

import pytest

FIXTURE = """
import pytest
from pytest_swarm import load_graph
@pytest.fixture
def dag():
    return load_graph("jobs.toml")
def test_it(swarm_run, dag): ...
"""
MODULE = """
from pytest_swarm import load_graph
DAG = load_graph("jobs.toml")
def test_it(swarm_run): ...
"""
OURS = ("graph_files.py", "decode_graph", "The above exception")


@pytest.mark.parametrize("xdist", [(), ("-n1",)])
@pytest.mark.parametrize("test", [FIXTURE, MODULE])
def test_it_shows_their_line_and_the_sentence(suite: pytest.Pytester, test: str, xdist: tuple[str, ...]) -> None:
    suite.makefile(".toml", jobs='nmae = "a"')
    suite.makepyfile(test_invoice=test)
    result = suite.runpytest(*xdist)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*load_graph("jobs.toml")', "E *GraphError: jobs.toml: unknown key 'nmae'; did you*"])
    assert not any(each in result.stdout.str() for each in OURS)


def test_full_trace_shows_all(suite: pytest.Pytester) -> None:
    suite.makefile(".toml", jobs='nmae = "a"')
    suite.makepyfile(test_invoice=FIXTURE)
    result = suite.runpytest("--full-trace")
    assert "graph_files.py" in result.stdout.str()
