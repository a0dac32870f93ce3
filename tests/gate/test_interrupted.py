"""Runs that do not come to their end: the baseline stays whole, and nothing is judged that was not run."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.gate.test_plugin import BASE
from tests.plugin.conftest import SUITE, Reports, refuses, usual_signals

ARGS = ("--swarm-compare=milp,best-single,greedy", "--swarm-repeat=2")
DEADLY = """
import os, pytest
from test_invoice import dag

def test_deadly(swarm_run, dag):
    swarm_run(dag)
    if swarm_run.key.mode == "greedy" and os.path.exists("armed"):
        {death}
"""


def arm(suite: pytest.Pytester, death: str) -> str:
    """A suite of one deadly test, its baseline written while it was still harmless."""
    suite.makepyfile(test_deadly=DEADLY.format(death=death))
    suite.runpytest("test_deadly.py", BASE, "--swarm-update-baseline", *ARGS).assert_outcomes(passed=6)
    (suite.path / "armed").touch()
    return (suite.path / "base.json").read_text()


def test_two_workers_judge_like_one(suite: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    suite.runpytest(BASE, "--swarm-update-baseline", *ARGS).assert_outcomes(passed=6)
    strict = SUITE.replace("def test_invoice", '@pytest.mark.swarm_gate("switches:+0")\ndef test_invoice')
    suite.makepyfile(test_invoice=strict)
    one = suite.runpytest(BASE, *ARGS, "--junitxml=j.xml")
    two = suite.runpytest("-n2", BASE, *ARGS, "--junitxml=j.xml")
    tables = [[line for line in each.outlines if "switches" in line or line.startswith("Gate:")] for each in (one, two)]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 4  # a row for each mode, and the headline
    verdicts = [each for each in ET.parse(suite.path / "j.xml").iter("property") if each.get("name") == "swarm.verdict"]
    assert len(verdicts) == 6


def test_a_killed_worker_loses_only_what_it_was_running(suite: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    before = arm(suite, "os._exit(9)")
    result = suite.runpytest("-n1", "test_deadly.py", BASE, "--swarm-update-baseline", *ARGS)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "Gate: ok against *. Cases: 2 ok; 1 case of the baseline not run.",
            "the baseline was left as it is, because the run did not come to its end",
        ]
    )
    assert (suite.path / "base.json").read_text() == before
    gate = Reports(suite.path).report["gate"]
    assert {case["mode"]: case["verdict"] for case in gate["cases"]} == {"milp": "ok", "best-single": "ok"}
    assert gate["cases_elsewhere"] == 1


@pytest.mark.parametrize(
    ("death", "args", "status"),
    [
        ("assert False", ("--maxfail=1",), pytest.ExitCode.TESTS_FAILED),
        ("raise KeyboardInterrupt", (), pytest.ExitCode.INTERRUPTED),
    ],
)
def test_a_run_that_stops_early(
    suite: pytest.Pytester, death: str, args: tuple[str, ...], status: pytest.ExitCode
) -> None:
    before = arm(suite, death)
    result = suite.runpytest("test_deadly.py", BASE, "--swarm-update-baseline", *args, *ARGS, no_reraise_ctrlc=True)
    assert result.ret == status
    assert (suite.path / "base.json").read_text() == before
    reports = Reports(suite.path)
    assert len(reports.of("job_dag_summary")) == 5
    assert reports.of("run_end")[0]["complete"] is False
    gate = reports.report["gate"]
    assert set(gate["counts"]) == {"ok"}
    assert not [case for case in gate["cases"] if case["verdict"] == "missing"]


def test_a_damaged_file_ends_a_distributed_run_before_any_test(suite: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    (suite.path / "base.json").write_text("{")
    refuses(suite, "-n1", BASE, says="baseline base.json: is not a baseline of pytest-swarm, and is not valid JSON: *")


def test_ctrl_c_while_a_job_runs_ends_the_run_with_its_reports(suite: pytest.Pytester) -> None:
    """A real SIGINT, in the middle of the third job: what was run before is reported, judged and whole."""
    suite.makeconftest(
        """
        import os, signal
        from pytest_swarm import Assignment, Origin, Plan, PlanStatus

        class Interrupting:
            name = "house"
            async def route(self, view):
                if os.path.exists("armed") and view.seed % 2:
                    os.kill(os.getpid(), signal.SIGINT)
                tag = "gemma2:2b"
                return Plan(assignments=tuple(Assignment(task=t.id, model=tag, origin=Origin.RULE) for t in view.tasks),
                            residency=(frozenset({tag}),), status=PlanStatus.HEURISTIC)

        def pytest_swarm_routers():
            return {"house": lambda setup: Interrupting()}
        """
    )
    args = ("--swarm-compare=house", "--swarm-repeat=6", "--swarm-report=json", "--swarm-report=csv")
    suite.runpytest(BASE, "--swarm-update-baseline", *args).assert_outcomes(passed=6)
    (suite.path / "armed").touch()
    with usual_signals():  # a shell starts what runs in the background with SIGINT ignored
        result = suite.runpytest(BASE, *args, no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    reports = Reports(suite.path)
    assert reports.of("run_end")[0]["complete"] is False
    assert len(reports.report["cases"]) == len(reports.of("job_dag_summary")) < 6
    assert list((suite.path / "reports").rglob("*.csv"))
    assert "Traceback" not in result.stderr.str()
