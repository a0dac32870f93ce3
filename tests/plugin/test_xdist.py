"""Under xdist the controller writes one events.jsonl, and a worker that is killed loses only what it was running."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.plugin.process import worker_number
from pytest_swarm.plugin.worker_messages import EVENTS
from pytest_swarm.plugin.xdist_controller import XdistController
from tests.plugin.conftest import Reports, refuses

pytest.importorskip("xdist")


def test_two_workers_write_one_run(suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers are processes of their own here, with a hash seed each."""
    monkeypatch.setattr("execnet.gateway_base.ThreadExecModel.subprocess", subprocess)
    result = suite.runpytest("-n2", "--swarm-compare=milp,greedy", "--swarm-repeat=2")
    result.assert_outcomes(passed=4)
    assert [event["event"] for event in reports.events[:2]] == ["run_start", "collection"]
    assert len(reports.of("run_start")) == len(reports.of("collection")) == 1
    assert len(reports.of("job_dag_summary")) == 4
    assert len(reports.report["cases"]) == 4
    result.stdout.fnmatch_lines(["*pytest-swarm*"])


def test_no_report_keeps_the_events_that_were_sent_and_written(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(
        """
        from pathlib import Path

        def held(config):
            stats = config.pluginmanager.get_plugin("terminalreporter").stats
            kept = [report for each in stats.values() for report in each]
            return f"{sum('swarm_events' in vars(report) for report in kept)} of {len(kept)} reports hold events"

        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                Path("worker.txt").write_text(held(session.config))

        def pytest_terminal_summary(terminalreporter):
            terminalreporter.write_line(held(terminalreporter.config))
        """
    )
    result = suite.runpytest("-n1", "--swarm-compare=milp,greedy")
    result.stdout.fnmatch_lines(["0 of 6 reports hold events"])
    assert (suite.path / "worker.txt").read_text(encoding="ascii") == "0 of 6 reports hold events"
    assert len(reports.of("job_dag_summary")) == 2


def test_a_killed_worker_loses_only_its_test(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_deadly="""
        import os
        from test_invoice import dag

        def test_deadly(swarm_run, dag):
            swarm_run(dag)
            if swarm_run.key.mode == "greedy":
                os._exit(9)
        """
    )
    result = suite.runpytest("-n1", "test_deadly.py", "--swarm-compare=milp,greedy,random")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {each["mode"] for each in reports.of("job_dag_summary")} == {"milp", "random"}
    assert {case["mode"] for case in reports.report["cases"]} == {"milp", "random"}
    result.stdout.fnmatch_lines(["! a worker of xdist died; *[[]greedy-h0-8GB], which it was running, is not"])


def test_a_worker_that_is_killed_after_its_jobs_have_ended_loses_none(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_deadly="""
        import os, pytest
        from test_invoice import dag

        @pytest.fixture
        def deadly():
            yield
            os._exit(9)

        def test_deadly(deadly, swarm_run, dag):
            swarm_run(dag)
        """
    )
    result = suite.runpytest("-n1", "test_deadly.py", "--swarm-compare=milp")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(reports.report["cases"]) == 1
    assert reports.of("run_end")[0]["complete"]
    result.stdout.no_fnmatch_line("*which it was running*")


def test_a_worker_that_dies_without_a_test_in_hand_loses_nothing() -> None:
    session: Any = SimpleNamespace(lost_workers=0)
    hooks: Any = SimpleNamespace(signals=None, config=None, session=session)
    XdistController(hooks).pytest_testnodedown(node=object(), error="Not properly terminated")
    assert session.lost_workers == 1


def test_a_benchmark_that_another_worker_runs_after_a_crash_is_not_lost() -> None:
    folder = SimpleNamespace(trouble=None, take=lambda _: None)
    run = SimpleNamespace(collected=SimpleNamespace(tests={"test_a.py::test_b[lp]": "lp"}), folder=folder)
    session: Any = SimpleNamespace(run=run, lost_tests={})
    controller = XdistController(SimpleNamespace(signals=None, config=None, session=session))  # type: ignore[arg-type]
    for node_id in ("test_a.py::test_b[lp]", "test_a.py::test_plain"):
        controller.pytest_handlecrashitem(node_id)
    assert [*session.lost_tests] == ["test_a.py::test_b[lp]"]
    report: Any = SimpleNamespace(nodeid="test_a.py::test_b[lp]", when="call")
    report.__dict__[EVENTS] = ""
    controller.pytest_runtest_logreport(report)
    assert not session.lost_tests


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--swarm-carryover=group",),
            "--swarm-carryover=group keeps what was learned in one process; run it without -n",
        ),
        (("-o", "swarm_horizon=x"), "swarm_horizon (-o): 'x' is not a horizon depth*"),
        (("--swarm-fleet=nofile",), "*nofile*"),
        (("--swarm-resume",), "--swarm-resume: there is no earlier run*"),
        (("test_marked.py",), "*unknown mode 'psychic'*"),
    ],
)
def test_what_a_worker_refuses_ends_the_run_with_its_sentence(
    suite: pytest.Pytester, arguments: tuple[str, ...], says: str
) -> None:
    suite.makepyfile(
        test_marked="import pytest\n@pytest.mark.swarm(modes='psychic')\ndef test_marked(swarm_run): ...",
        test_invoice="def test_invoice(swarm_run): ...",
    )
    refuses(suite, "-n1", "test_invoice.py", *arguments, says=says)


def test_workers_may_have_any_id(suite: pytest.Pytester, reports: Reports) -> None:
    args = ("-d", "--tx", "id=alpha//popen", "--swarm-compare=greedy")
    suite.runpytest(*args).assert_outcomes(passed=1)
    assert len(reports.report["cases"]) == 1


@pytest.mark.parametrize(("worker_id", "number"), [("gw0", 0), ("gw12", 12), ("alpha7", 7)])
def test_the_number_of_a_worker_is_that_of_its_id(worker_id: str, number: int) -> None:
    assert worker_number(worker_id) == number
    assert worker_number("alpha") == worker_number("alpha") != worker_number("beta")
