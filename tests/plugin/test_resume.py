"""--swarm-resume goes on where a run was cut off, and refuses what would not be the same run."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Reports


@pytest.mark.parametrize("cut", [1, 2, 37, 120])
def test_a_torn_last_line_costs_only_that_line(suite: pytest.Pytester, reports: Reports, cut: int) -> None:
    suite.runpytest("--swarm-compare=lp,greedy", "-k", "lp").assert_outcomes(passed=1, deselected=1)
    events = reports.folder / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-cut])
    result = suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume")
    result.assert_outcomes(passed=2)
    assert "Traceback" not in result.stdout.str()
    assert {case["mode"] for case in reports.report["cases"]} == {"lp", "greedy"}
    suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume").assert_outcomes(passed=2)


def test_the_latest_run_is_the_one_that_began_last(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    old = reports.folder.rename(reports.root / "zzz")
    (reports.root / "zzzz").mkdir()
    (reports.root / "zzzz" / "events.jsonl").write_text('{"event":"run_st')
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    before = (old / "events.jsonl").read_bytes()
    suite.runpytest("--swarm-compare=lp,milp", "--swarm-resume").assert_outcomes(passed=2)
    assert (old / "events.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--swarm-lambda-token=5", "*was made with swarm_lambda_token = its default, and this one has 5*"),
        ("--swarm-code-eval", "*swarm_code_eval*"),
        ("--swarm-carryover=group", "*swarm_carryover*"),
        ("--swarm-seed=3", "*was made with another fleet or seed*"),
    ],
)
def test_another_experiment_is_refused(suite: pytest.Pytester, option: str, sentence: str) -> None:
    suite.runpytest().assert_outcomes(passed=1)
    result = suite.runpytest("--swarm-resume", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --swarm-resume: run {sentence}"])


def test_a_group_cannot_be_picked_up_in_the_middle(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-carryover=group").assert_outcomes(passed=1)
    result = suite.runpytest("--swarm-resume", "--swarm-carryover=group")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *carries over from job to job (group)*"])
