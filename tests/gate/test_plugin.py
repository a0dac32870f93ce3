"""The gate as a user meets it: options, files, exit status, tables."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import INI, SUITE, Reports, refuses

HOUSE = """
from pytest_swarm import Assignment, Origin, Plan, PlanStatus

class House:
    name = "house"
    async def route(self, view):
        tag = {model!r} if {when} else "qwen2.5-coder:7b"
        return Plan(assignments=tuple(Assignment(task=t.id, model=tag, origin=Origin.RULE) for t in view.tasks),
                    residency=(frozenset({{tag}}),), status=PlanStatus.HEURISTIC)

def pytest_swarm_routers():
    return {{"house": lambda setup: House()}}
"""
NEVER = HOUSE.format(model="phi4:14b", when="False")
LEAKS_ONCE = HOUSE.format(model="phi4:14b", when="view.step == 1 and view.seed % 2 == 0")
BASE = "--swarm-baseline=base.json"


def stored(suite: pytest.Pytester) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((suite.path / "base.json").read_text())
    return loaded


WRITTEN: dict[tuple[str, ...], str] = {}
"""The baselines that were written, by their suite and arguments: one run for all tests that begin with the same."""


def write(suite: pytest.Pytester, *args: str) -> str:
    """Write the baseline of this suite under these arguments, and return it."""
    sources = (path.read_text() for path in sorted(suite.path.glob("*.*")) if path.name != "base.json")
    known, file = (*args, *sources), suite.path / "base.json"
    if known in WRITTEN:
        file.write_text(WRITTEN[known])
    else:
        suite.runpytest(BASE, "--swarm-update-baseline", *args).assert_outcomes(passed=suite_size(suite, args))
        WRITTEN[known] = file.read_text()
    return WRITTEN[known]


def suite_size(suite: pytest.Pytester, args: tuple[str, ...]) -> int:
    values = dict(arg.split("=", 1) for arg in args if "=" in arg)
    cases = len(values.get("--swarm-compare", "lp").split(",")) * int(values.get("--swarm-repeat", "1"))
    return cases * len(list(suite.path.glob("test_*.py")))


def test_an_equal_run_passes_and_says_so_everywhere(suite: pytest.Pytester, reports: Reports) -> None:
    args = ("--swarm-compare=lp,milp", "--swarm-repeat=2")
    write(suite, *args)
    result = suite.runpytest(
        BASE, *args, "--junitxml=j.xml", "--swarm-report=json", "--swarm-report=md:o.md", "--swarm-report=html:o.html"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*pytest-swarm gate*", "ok * MILP * score:-2.5%@95 *", "Gate: ok against *2 ok."])
    assert reports.report["gate"]["verdict"] == "ok"
    assert "Gate: ok against" in (suite.path / "o.md").read_text()
    assert '<section id="gate">' in (suite.path / "o.html").read_text()
    found = [
        each.get("value")
        for each in ET.parse(suite.path / "j.xml").iter("property")
        if each.get("name") == "swarm.verdict"
    ]
    assert found == ["ok"] * 4


@pytest.mark.parametrize(
    ("option", "failed", "said"),
    [
        ("--swarm-incomparable=fail", True, "FAILED gate: not comparable: nothing was compared*"),
        ("--swarm-incomparable=warn", False, "WARNING gate: not comparable: nothing was compared*"),
        ("--swarm-update-baseline=all", False, "the baseline was left as it is, because no benchmark was run"),
        ("--swarm-gate=off", False, None),
    ],
)
def test_a_run_whose_tests_are_all_skipped_is_never_taken_for_well(
    suite: pytest.Pytester, option: str, failed: bool, said: str | None
) -> None:
    before = write(suite, "--swarm-compare=lp")
    suite.makeconftest("import pytest\n@pytest.fixture(autouse=True)\ndef skipping(): pytest.skip('no models today')")
    result = suite.runpytest(BASE, "--swarm-compare=lp", option)
    result.assert_outcomes(skipped=1)
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if failed else pytest.ExitCode.OK)
    if said is None:
        assert " gate" not in result.stdout.str()
    else:
        result.stdout.fnmatch_lines([said])
    assert (suite.path / "base.json").read_text() == before


def test_a_router_that_leaks_once_fails_the_run_and_the_step_is_named(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(NEVER)
    args = ("--swarm-compare=house", "--swarm-repeat=4")
    write(suite, *args)
    suite.makeconftest(LEAKS_ONCE)
    result = suite.runpytest(BASE, *args)
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "house violations:+0: invoice ?house-h0-8GB? r*, step 1: planned 12.5 GB (phi4:14b) of 8 GB",
            "FAILED gate: house/violations:+0: REGRESSED",
        ]
    )
    assert suite.runpytest(BASE, *args, "--swarm-gate=warn").ret == pytest.ExitCode.OK
    assert suite.runpytest(BASE, *args, "--swarm-gate=off").ret == pytest.ExitCode.OK
    assert "gate" not in reports.report


def test_a_loss_in_every_repeat_fails_the_run(suite: pytest.Pytester) -> None:
    suite.makeconftest(HOUSE.format(model="qwen2.5-coder:7b", when="True"))
    args = ("--swarm-compare=house", "--swarm-repeat=20")
    write(suite, *args)
    suite.makeconftest(HOUSE.format(model="gemma2:2b", when="True"))
    result = suite.runpytest(BASE, *args, "--swarm-fail=score:-2%")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED gate: house/score:-2%: REGRESSED"])


def test_a_baseline_of_the_ini_file_is_read_before_any_test_as_well(suite: pytest.Pytester) -> None:
    suite.makeini(INI + "swarm_baseline = base.json\n")
    refuses(suite, says="swarm_baseline (tox.ini): baseline base.json: there is no such file; *")


def test_a_renamed_test_a_removed_case_and_a_new_one(suite: pytest.Pytester, reports: Reports) -> None:
    other = SUITE.replace('"invoice"', '"second"').replace("test_invoice", "test_second")
    suite.makepyfile(test_second=other)
    suite.runpytest(BASE, "--swarm-update-baseline").assert_outcomes(passed=2)
    suite.makepyfile(test_second=other.replace('"second"', '"third"'))
    (suite.path / "test_invoice.py").write_text(SUITE.replace("def test_invoice", "def test_bill"))
    suite.runpytest(BASE).stdout.fnmatch_lines(["WARNING gate: 1 case missing"])
    found = {case["job"]: (case["verdict"], case["note"]) for case in reports.report["gate"]["cases"]}
    assert found == {
        "invoice": ("ok", "renamed, was test_invoice.py::test_invoice"),
        "second": ("missing", "is in the baseline, but was not run"),
        "third": ("new", "is not in the baseline"),
    }
    result = suite.runpytest(BASE, "--swarm-incomparable=fail", "--swarm-gate=warn")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED gate: 1 case missing"])


@pytest.mark.parametrize(
    ("narrowed", "deselected"),
    [(("-k", "invoice"), 1), (("test_invoice.py",), 0), (("test_invoice.py::test_invoice",), 0)],
)
def test_a_narrowed_run_misses_nothing_and_drops_nothing(
    suite: pytest.Pytester, reports: Reports, narrowed: tuple[str, ...], deselected: int
) -> None:
    suite.makepyfile(test_second=SUITE.replace('"invoice"', '"second"').replace("test_invoice", "test_second"))
    write(suite)
    suite.runpytest(BASE, *narrowed)
    gate = reports.report["gate"]
    assert (gate["counts"], gate["cases_elsewhere"]) == ({"ok": 1}, 1)
    suite.runpytest(BASE, "--swarm-update-baseline=all", *narrowed).assert_outcomes(passed=1, deselected=deselected)
    assert [case["job"] for case in stored(suite)["cases"]] == ["invoice", "second"]


def test_update_new_only_adds(suite: pytest.Pytester) -> None:
    first = write(suite, "--swarm-compare=lp")
    result = suite.runpytest(BASE, "--swarm-update-baseline=new", "--swarm-compare=lp,greedy")
    result.stdout.fnmatch_lines(["wrote baseline base.json (2 cases: 1 added, 1 kept)"])
    assert (
        next(line for line in first.splitlines() if '"case":' in line).rstrip(",")
        in (suite.path / "base.json").read_text()
    )
    refuses(
        suite,
        BASE,
        "--swarm-update-baseline=new",
        "--swarm-seed=9",
        says="baseline base.json: nothing can be added to it (other seed: 0 then, 9 now)*",
    )


def test_another_fleet_is_not_comparable(suite: pytest.Pytester) -> None:
    suite.makefile(
        ".toml",
        own="[[model]]\nname = 'gemma2:2b'\nvram_gb = 3\nload_time_ms = 600\ncost_per_token = 0.4\nmax_ctx = 8192\n",
    )
    write(suite, "--swarm-compare=lp")
    result = suite.runpytest(BASE, "--swarm-fleet=own.toml")
    assert result.ret == pytest.ExitCode.OK
    told = ["swarm: this run cannot be compared with baseline base.json: other fleet: heavy *"]
    result.stdout.fnmatch_lines([*told, "Not comparable: other fleet: heavy *", "Gate: not-comparable against*"])
    assert "not-comparable invoice" not in result.stdout.str()  # the reason of all cases is said once
    strict = suite.runpytest(BASE, "--swarm-fleet=own.toml", "--swarm-incomparable=fail")
    assert strict.ret == pytest.ExitCode.TESTS_FAILED


def test_a_marker_makes_one_test_stricter(suite: pytest.Pytester, reports: Reports) -> None:
    marker = '@pytest.mark.swarm_gate("switches:+0", "decision_ms:+9%", gate="warn")'
    suite.makepyfile(test_invoice=SUITE.replace("def test_invoice", f"{marker}\ndef test_invoice"))
    write(suite, "--swarm-compare=lp")
    result = suite.runpytest(BASE)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["swarm: decision_ms:+9%: will not be comparable: wall times of one run *", "*100%*"])
    rows = [(row["test"], row["expression"], row["gate"]) for row in reports.report["gate"]["rows"]]
    name = "test_invoice.py::test_invoice"
    assert rows == [(name, "switches:+0", "warn"), (name, "decision_ms:+9%", "warn")]


def test_a_marker_leaves_to_that_of_its_module_what_it_does_not_say(suite: pytest.Pytester, reports: Reports) -> None:
    module = SUITE.replace("def test_invoice", '@pytest.mark.swarm_gate(gate="warn")\ndef test_invoice')
    suite.makepyfile(test_invoice=f'{module}\npytestmark = pytest.mark.swarm_gate("switches:+0", gate="off")\n')
    write(suite, "--swarm-compare=lp")
    suite.runpytest(BASE).assert_outcomes(passed=1)
    rows = [(row["test"], row["expression"], row["gate"]) for row in reports.report["gate"]["rows"]]
    assert rows == [("test_invoice.py::test_invoice", "switches:+0", "warn")]


def test_a_server_that_dies_is_an_error_and_the_old_samples_stay(suite: pytest.Pytester) -> None:
    before = write(suite, "--swarm-compare=lp")
    result = suite.runpytest(BASE, "--swarm-fault=refuse", "--swarm-incomparable=ignore")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert before == (suite.path / "base.json").read_text()


def test_no_numpy_of_ours_without_a_gate(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_modules="""
        import subprocess, sys

        def test_modules():
            code = "import sys, pytest_swarm.plugin.gate_settings; print({'numpy', 'scipy'} & set(sys.modules))"
            assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
        """
    )
    suite.runpytest("test_modules.py").assert_outcomes(passed=1)


def test_repeats_stop_when_the_gate_has_decided(suite: pytest.Pytester) -> None:
    args = ("--swarm-compare=lp,milp", "--swarm-repeat=auto:10")
    suite.runpytest(BASE, "--swarm-update-baseline", *args).assert_outcomes(passed=20)
    result = suite.runpytest(BASE, *args, "-rs")
    result.assert_outcomes(passed=12, skipped=8)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["SKIPPED*decided without this repeat: no difference in 6 repeats"])


def test_a_case_that_the_baseline_lacks_is_run_once(suite: pytest.Pytester) -> None:
    args = ("--swarm-repeat=auto:10",)
    suite.runpytest(BASE, "--swarm-update-baseline", "--swarm-compare=lp", *args).assert_outcomes(passed=10)
    suite.runpytest(BASE, "--swarm-compare=lp,greedy", *args).assert_outcomes(passed=7, skipped=13)


def test_the_examples_pass_and_notice_a_leak(pytester: pytest.Pytester) -> None:
    example = Path(__file__).parents[2] / "examples" / "ci"
    for file in example.iterdir():
        if file.suffix in (".py", ".ini", ".json"):
            (pytester.path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    plain = ("-p", "no:randomly", "-p", "no:cacheprovider")
    result = pytester.runpytest(*plain)
    result.assert_outcomes(passed=27)
    result.stdout.fnmatch_lines(["Gate: ok against*9 ok."])
    conftest = pytester.path / "conftest.py"
    fits = "if model.vram_gb <= view.vram_budget_gb"
    assert fits in conftest.read_text()
    conftest.write_text(conftest.read_text().replace(fits, fits + " or view.step == 2"))
    result = pytester.runpytest(*plain, "-k", "house")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED gate: house/violations:+0: REGRESSED"])


def test_keys_of_the_gate_in_the_ini_file_without_a_baseline_are_said(suite: pytest.Pytester) -> None:
    suite.makeini(INI + "swarm_fail = score:-1%\nswarm_gate = warn\n")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["swarm: without a baseline the ini file's swarm_fail and swarm_gate have no effect; *"]
    )
    assert "no effect" not in suite.runpytest(BASE, "--swarm-update-baseline").stdout.str()


def test_a_gate_that_fails_costs_no_report(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("float division by zero")

    write(suite, "--swarm-compare=lp")
    monkeypatch.setattr("pytest_swarm.plugin.gate_session.evaluate", fail)
    result = suite.runpytest(BASE, "--swarm-compare=lp", "--swarm-report=json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: the gate failed, so this run was not judged: ZeroDivisionError: *"])
    assert reports.report["cases"]


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        ("pytest_swarm.report.outputs.render_html", "--swarm-report=html: failed"),
        ("pytest_swarm.report.outputs.write_json", "--swarm-report=json: failed"),
        ("pytest_swarm.report.outputs.write_csv", "--swarm-report=csv: failed"),
        ("pytest_swarm.report.outputs.write_markdown", "--swarm-report=md: failed"),
        ("pytest_swarm.report.markdown.gate_lines", "--swarm-report=md: failed"),
        ("pytest_swarm.plugin.reporting.terminal_summary", "the summary in the terminal failed"),
        ("pytest_swarm.plugin.reporting.terminal_lines", "the summary in the terminal failed"),
    ],
)
def test_a_report_that_fails_costs_no_other_one(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, broken: str, lost: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("float division by zero")

    write(suite, "--swarm-compare=lp")
    monkeypatch.setattr(broken, fail)
    result = suite.runpytest(
        BASE,
        "--swarm-compare=lp",
        *(f"--swarm-report={each}" for each in ("html:o.html", "json:o.json", "csv:o.csv", "md:o.md")),
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"ERROR: {lost}: ZeroDivisionError: float division by zero"])
    kind = lost.removeprefix("--swarm-report=").partition(":")[0]
    files = {"html", "json", "csv", "md"}
    assert {each for each in files if (suite.path / f"o.{each}").exists()} == files - {kind}


def test_an_end_that_fails_as_a_whole_says_what_is_kept(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pytest_swarm.plugin.reporting.build_report", fail)
    result = suite.runpytest("--swarm-compare=lp")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"swarm: ERROR: the reports failed (MemoryError); *report {reports.folder}`"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_run_is_appended_to_a_baseline(suite: pytest.Pytester) -> None:
    for seed in (0, 1):
        result = suite.runpytest(BASE, "--swarm-update-baseline=append", "--swarm-compare=lp", f"--swarm-seed={seed}")
        result.assert_outcomes(passed=1)
    samples = stored(suite)["cases"][0]["samples"]
    assert len({each["run"] for each in samples}) == len(samples) == 2
    result.stdout.fnmatch_lines(["wrote baseline base.json (1 case: 1 with a further run)"])


def test_a_run_is_appended_to_the_baseline_as_it_is_at_the_end(suite: pytest.Pytester) -> None:
    """Two runs append to one file at once: the later one must not write over the other with what it began from."""
    suite.runpytest(BASE, "--swarm-update-baseline", "--swarm-compare=lp")
    text = (suite.path / "base.json").read_text()
    suite.runpytest(BASE, "--swarm-update-baseline=append", "--swarm-compare=lp", "--swarm-seed=1")
    (suite.path / "base.json").rename(suite.path / "other.json")
    (suite.path / "base.json").write_text(text)
    suite.makepyfile(test_other="import os\ndef test_other(): os.replace('other.json', 'base.json')")
    suite.runpytest(BASE, "--swarm-update-baseline=append", "--swarm-compare=lp", "--swarm-seed=2")
    assert len({each["run"] for each in stored(suite)["cases"][0]["samples"]}) == 3


@pytest.mark.parametrize("left_out", ["--ignore=test_second.py", "--ignore-glob=*second*", "--deselect=test_second.py"])
def test_an_update_keeps_the_cases_of_a_test_that_did_not_run(suite: pytest.Pytester, left_out: str) -> None:
    suite.makepyfile(test_second=SUITE.replace('"invoice"', '"second"').replace("test_invoice", "test_second"))
    write(suite)
    suite.runpytest(BASE, "--swarm-update-baseline", left_out)
    assert [case["job"] for case in stored(suite)["cases"]] == ["invoice", "second"]


def test_a_baseline_that_cannot_be_written_is_told_and_costs_no_figure(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_swarm.errors import BaselineError

    def fail(*_: object) -> None:
        raise BaselineError("baseline base.json: cannot be written: read-only")

    monkeypatch.setattr("pytest_swarm.gate.baseline_change.write_baseline", fail)
    result = suite.runpytest(BASE, "--swarm-update-baseline", "--swarm-report=json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*baseline base.json: cannot be written: read-only*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert len(reports.report["cases"]) == 1
