"""A resumed run takes over what was completed, and runs again what ended in an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Reports

ROUTER = """
from pathlib import Path
from pytest_swarm import SwarmError
from pytest_swarm.routing.greedy import GreedyRouter

class Flaky(GreedyRouter):
    async def route(self, view):
        if Path("armed").exists():
            raise SwarmError("out of order")
        return await super().route(view)

def pytest_swarm_routers(config):
    return {"flaky": lambda setup: Flaky()}
"""


def test_a_job_that_ended_in_an_error_runs_again(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(ROUTER)
    Path("armed").touch()
    suite.runpytest("--swarm-compare=flaky").assert_outcomes(failed=1)
    assert [case["status"] for case in reports.report["cases"]] == ["error"]
    Path("armed").unlink()
    suite.runpytest("--swarm-compare=flaky", "--swarm-resume").assert_outcomes(passed=1)
    assert [case["status"] for case in reports.report["cases"]] == ["completed"]
    assert len(reports.of("dag_structure")) == 2


def test_a_job_that_was_completed_does_not_run_again(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    suite.runpytest("--swarm-compare=lp", "--swarm-resume").assert_outcomes(passed=1)
    assert len(reports.of("dag_structure")) == 1
