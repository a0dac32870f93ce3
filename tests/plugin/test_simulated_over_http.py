"""Figures of a simulated server that is called by its address are marked as simulated wherever they are shown."""

from __future__ import annotations

import csv
import json

import pytest

from pytest_swarm.gate.run_context import reproducible, run_context_of, seeded, virtual_clock
from pytest_swarm.telemetry.reader import read_run
from tests.plugin.conftest import Reports

pytest.importorskip("uvicorn")
from tests.plugin.test_hosts import arguments, served

MARK = "no model was run; every figure comes from a simulated server."


def test_a_simulated_server_at_an_address_is_marked_in_every_output(suite: pytest.Pytester, reports: Reports) -> None:
    with served() as url:
        kinds = [f"--swarm-report={each}" for each in ("json", "html", "md", "csv:out.csv")]
        result = suite.runpytest(*arguments(url), "--swarm-decide", "--swarm-update-baseline", *kinds)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"swarm: SIMULATED Ollama at {url} (*", f"SIMULATED: {MARK}", "*figures are SIMULATED.*"]
    )
    assert reports.report["run"]["simulated"]
    assert all(case["simulated"] for case in reports.report["cases"])
    for kind in ("html", "md"):
        text = next(reports.folder.glob(f"*.{kind}")).read_text(encoding="utf-8")
        assert MARK in text
    with (suite.path / "out.csv").open(newline="") as file:
        assert [row["simulated"] for row in csv.DictReader(file)] == ["true"]
    stored = json.loads((suite.path / "swarm-baseline.json").read_text())
    assert '"simulated": true' in json.dumps(stored)


def test_its_clock_and_seed_are_its_own(suite: pytest.Pytester, reports: Reports) -> None:
    with served() as url:
        suite.runpytest(*arguments(url)).assert_outcomes(passed=1)
    there = run_context_of(read_run(reports.folder / "events.jsonl").info)
    suite.runpytest("--swarm-compare=greedy").assert_outcomes(passed=1)
    here = run_context_of(read_run(reports.folder / "events.jsonl").info)
    for told in (reproducible, seeded, virtual_clock):
        assert (told(there, there), told(here, here)) == (False, True)
