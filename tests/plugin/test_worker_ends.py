"""The end of xdist's workers, which goes on while the reports are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.errors import ServerDownError
from pytest_swarm.execution.restoration import INTERRUPTED
from pytest_swarm.plugin.hooks import SwarmHooks
from pytest_swarm.plugin.worker_ends import end_workers_at_work, ending_workers, leave_for_killed_workers


@dataclass
class Distribution:
    """Stands in for xdist's own plugin: its workers end once the report is written."""

    session_finished: bool
    report_written: Event = field(default_factory=Event)
    ended: bool = False

    @property
    def nodemanager(self) -> SimpleNamespace:
        return SimpleNamespace(teardown_nodes=self.end)

    def end(self) -> None:
        self.ended = self.report_written.wait(timeout=60)


def config_with(distribution: Distribution | None) -> Any:
    return SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin={"dsession": distribution}.get))


def test_workers_end_while_the_block_runs_and_before_it_is_left() -> None:
    distribution = Distribution(session_finished=True)
    with ending_workers(config_with(distribution)):
        distribution.report_written.set()  # never reached, were their end awaited first
    assert distribution.ended


def test_workers_end_where_the_block_fails() -> None:
    distribution = Distribution(session_finished=True)
    distribution.report_written.set()
    with pytest.raises(ValueError, match="report"), ending_workers(config_with(distribution)):
        raise ValueError("report")
    assert distribution.ended


@pytest.mark.parametrize("distribution", [Distribution(session_finished=False), None], ids=["at work", "no xdist"])
def test_workers_that_are_at_work_are_left_to_xdist(distribution: Distribution | None) -> None:
    with ending_workers(config_with(distribution)):
        pass
    assert distribution is None or not distribution.ended


@pytest.mark.parametrize(
    ("distribution", "ended"),
    [(Distribution(session_finished=False), True), (Distribution(session_finished=True), False), (None, False)],
    ids=["at work", "done", "no xdist"],
)
def test_workers_that_are_at_work_when_the_run_ends_are_ended_first(
    distribution: Distribution | None, ended: bool
) -> None:
    if distribution is not None:
        distribution.report_written.set()
    assert end_workers_at_work(config_with(distribution)) == ended
    assert distribution is None or distribution.ended == ended


class DeadServer:
    """The resources of a run whose server has died."""

    settings = SimpleNamespace(hosts=("http://user:secret@box:1",), leave_loaded=False)

    def __init__(self) -> None:
        self.remarks: list[str] = []

    @property
    def called(self) -> Any:
        """Fail, as the first call does."""
        raise ServerDownError("no Ollama server answers")


def test_the_server_is_named_that_could_not_be_left_for_killed_workers() -> None:
    (remark,) = leave_for_killed_workers(DeadServer())  # type: ignore[arg-type]
    assert remark == "what killed workers may have left at http://box:1 was not unloaded: no Ollama server answers"


def test_another_xdist_ends_its_workers_itself() -> None:
    entered = False
    with ending_workers(SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _: SimpleNamespace()))):  # type: ignore[arg-type]
        entered = True
    assert entered


class Run(SimpleNamespace):
    """Stands in for a run at no server, as its controller has it."""

    def __init__(self) -> None:
        super().__init__(remarks=[], settings=SimpleNamespace(hosts=()), close=lambda: None)
        self.remark, self.resources = self.remarks.append, self
        self.taken: list[str] = []
        self.folder = SimpleNamespace(trouble=None, take=self.taken.append, shipped=lambda: "the case in hand")


def hooks_with(config: Any, **session: Any) -> SwarmHooks:
    is_worker = not session
    own: Any = SimpleNamespace(process=SimpleNamespace(is_worker=is_worker), tell=print, **session)
    nobody: Any = None
    return SwarmHooks(config, own, nobody)


def test_what_a_worker_could_not_restore_after_ctrl_c_is_told_and_the_events_of_its_case_are_kept() -> None:
    theirs, run, worker = Run(), Run(), SimpleNamespace(workeroutput={})
    theirs.remark("not put back")
    theirs.remark(f"{INTERRUPTED} was being left as it was found")  # which the controller does in its place
    xdist = SimpleNamespace(
        nodemanager=SimpleNamespace(
            teardown_nodes=lambda: hooks_with(worker)._write_reports(theirs, None, 2)  # type: ignore[arg-type]
        )
    )
    hooks = hooks_with(config_with(xdist), workers=[worker], run=run)  # type: ignore[arg-type]
    assert hooks._close(run)  # type: ignore[arg-type]
    assert (hooks._at_the_end, run.taken) == (["not put back"], ["the case in hand"])
