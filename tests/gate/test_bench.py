"""A router's decision under pytest-benchmark, and without it."""

from __future__ import annotations

import json

import pytest

from tests.plugin.conftest import INI, SUITE, Reports
from tests.plugin.test_resume import FLAKY

TIMED = SUITE.replace("def test_invoice(swarm_run, dag):", "def test_invoice(swarm_run, dag, benchmark):").replace(
    "    assert 0 <= result.score <= 1", "    swarm_run.bench(benchmark)"
)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=TIMED)
    return pytester


def test_decisions_are_timed_and_the_job_s_figures_filed(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytest_benchmark")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # pytest-benchmark does not time in a worker
    result = suite.runpytest("--swarm-compare=milp,greedy,llm", "--benchmark-json=b.json", "--benchmark-max-time=0.05")
    result.assert_outcomes(passed=3)
    rows = json.loads((suite.path / "b.json").read_text())["benchmarks"]
    info = {row["extra_info"]["mode"]: row["extra_info"] for row in rows}
    assert set(info) == {"milp", "greedy", "llm"}
    assert info["milp"].keys() == {"job", "mode", "horizon", "vram_budget_gb", "score", "violations"}
    assert (info["milp"]["violations"], info["milp"]["vram_budget_gb"]) == (0, 8.0)
    assert all(row["stats"]["median"] > 0 for row in rows)


def test_timing_leaves_no_trace_in_the_run(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-compare=greedy", "--swarm-carryover=group", "--benchmark-disable").assert_outcomes(
        passed=1
    )
    assert len(Reports(suite.path).of("plan_step")) == 2


def test_without_pytest_benchmark_nothing_breaks(suite: pytest.Pytester) -> None:
    suite.runpytest("-p", "no:benchmark", "--swarm-compare=milp,greedy").assert_outcomes(passed=2)


def test_the_decision_of_no_job_cannot_be_timed(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_early="def test_early(swarm_run, benchmark): swarm_run.bench(benchmark)")
    result = suite.runpytest("test_early.py", "-p", "no:benchmark")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["swarm_run.bench(benchmark) times the decision of a job: call swarm_run(dag) first"])


def test_a_decision_that_cannot_be_timed_fails_its_test(suite: pytest.Pytester) -> None:
    suite.makeconftest(FLAKY)
    suite.makepyfile(
        test_invoice=TIMED.replace("    swarm_run.bench(", "    open('armed', 'w').close()\n    swarm_run.bench(")
    )
    result = suite.runpytest("--swarm-compare=flaky", "--benchmark-disable")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["swarm_run.bench(benchmark) cannot time the decision: *out of order*"])
