"""--swarm-report and the hooks that shape the page."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Reports


def test_every_type_and_paths_of_ones_own(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "summary.md"))
    args = ["html:out/page.html", "json:out/r.json", "jsonl:out/e.jsonl", "csv:out", "md:out/r.md"]
    args += ["md-append:$GITHUB_STEP_SUMMARY"]
    result = suite.runpytest(*[f"--swarm-report={each}" for each in args], "--swarm-compare=lp,greedy")
    result.assert_outcomes(passed=2)
    names = {path.name for path in (suite.path / "out").iterdir()}
    assert {"page.html", "r.json", "e.jsonl", "r.md"} <= names
    assert sum(name.endswith(".csv") for name in names) == 2
    assert (suite.path / "out" / "e.jsonl").read_text() == (reports.folder / "events.jsonl").read_text()
    assert (suite.path / "summary.md").stat().st_size > 0
    assert not (reports.folder / "report.json").exists()


def test_a_page_of_ones_own_is_found_from_any_folder(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makefile(".j2", page="{{ greeting }} from {{ report.run.info.run }}")
    suite.makeconftest(
        """
        def pytest_swarm_report_template():
            return "page.j2"

        def pytest_swarm_report_context(context):
            context["greeting"] = "Hello"
        """
    )
    monkeypatch.chdir(suite.mkdir("below"))
    args = ("--rootdir=..", "-c", "../tox.ini", "../test_invoice.py")
    suite.runpytest(*args, "--swarm-report=html").assert_outcomes(passed=1)
    assert (reports.folder / "report.html").read_text() == f"Hello from {reports.folder.name}"
