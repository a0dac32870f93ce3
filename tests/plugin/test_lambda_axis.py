"""--swarm-lambda-token=0,0.25,1: the weight of token cost as an axis of the parametrization."""

from __future__ import annotations

import csv
import json

import pytest

from tests.plugin.conftest import Reports
from tests.plugin.test_parametrization import collect

SWEEP = "--swarm-lambda-token=0,5,0"


def test_an_ini_file_sweeps_in_a_comparison_only(suite: pytest.Pytester, reports: Reports) -> None:
    ini = suite.path / "tox.ini"
    ini.write_text(ini.read_text() + "\nswarm_lambda_token = 2, 3\n")
    assert collect(suite, "--swarm-compare=lp") == ["lp-h0-8GB-t2", "lp-h0-8GB-t3"]
    suite.runpytest().assert_outcomes(passed=1)
    assert {each["lambda_token"] for each in reports.of("plan_step")} == {2}


def test_each_case_plans_with_its_own_weight(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=milp", SWEEP, "--swarm-report=csv", "--swarm-report=json").assert_outcomes(
        passed=2
    )
    cases = {each["case"]: each["lambda_token"] for each in reports.of("dag_structure")}
    assert sorted(cases.values()) == [0, 5]
    assert all(each["lambda_token"] == cases[each["case"]] for each in reports.of("plan_step"))
    for row in (row for step in reports.of("plan_step") for row in step["estimates"]):
        assert row["utility"] <= row["quality"]
    report = reports.report
    assert [each["lambda_token"] for each in report["cases"]] == [0, 5]
    assert [each["lambda_token"] for each in report["modes"]["milp"]["by_setting"]] == [0, 5]
    assert report["modes"]["milp"]["lambda_token"] is None
    with (reports.folder / "jobs.csv").open(newline="") as file:
        assert [row["lambda_token"] for row in csv.DictReader(file)] == ["0.0", "5.0"]


def test_modes_are_compared_at_the_same_weight(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp,milp", SWEEP).assert_outcomes(passed=4)
    whole, *parts = reports.report["comparisons"]
    assert (whole["pairs"], whole["incomplete"], whole["lambda_token"]) == (2, 0, None)
    assert [(each["pairs"], each["lambda_token"]) for each in parts] == [(1, 0), (1, 5)]


def test_a_sweep_goes_on_where_it_was_cut_off(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=milp", SWEEP, "-k", "t0").assert_outcomes(passed=1, deselected=1)
    suite.runpytest("--swarm-compare=milp", SWEEP, "--swarm-resume").assert_outcomes(passed=2)
    assert [each["lambda_token"] for each in reports.of("dag_structure")] == [0, 5]
    result = suite.runpytest("--swarm-compare=milp", "--swarm-lambda-token=5", "--swarm-resume")
    result.stderr.fnmatch_lines(["*was made with --swarm-lambda-token=0,5,0, and this one has 5*"])


def test_the_gate_pairs_a_case_with_the_one_of_its_weight(suite: pytest.Pytester, reports: Reports) -> None:
    base = ("--swarm-compare=milp", "--swarm-baseline=base.json")
    suite.runpytest(*base, SWEEP, "--swarm-update-baseline").assert_outcomes(passed=2)
    stored = json.loads((suite.path / "base.json").read_text())
    assert [each["lambda_token"] for each in stored["cases"]] == [0, 5]
    result = suite.runpytest(*base, SWEEP)
    assert result.ret == 0
    gate = reports.report["gate"]
    assert [(each["lambda_token"], each["verdict"]) for each in gate["cases"]] == [(0, "ok"), (5, "ok")]
    suite.runpytest(*base, "--swarm-lambda-token=0,1")
    verdicts = {each["lambda_token"]: each["verdict"] for each in reports.report["gate"]["cases"]}
    assert verdicts == {0: "ok", 1: "new"}


def test_a_baseline_of_one_weight_names_none(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-baseline=base.json", "--swarm-update-baseline").assert_outcomes(passed=1)
    assert "lambda_token" not in json.loads((suite.path / "base.json").read_text())["cases"][0]
