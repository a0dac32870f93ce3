"""Who leaves a server as it was found: the last process of a run, or its controller where that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.plugin.server_lock import ProcessAtServer, ServerLock, ServerNotes, _status_of
from pytest_swarm.plugin.server_visit import ServerVisit, broken_off

HOST = "http://127.0.0.1:11434"
MODELS = (ModelIdentity(tag="ours", digest="d1", server="0.33.0"),)
FOUND = (ResidentEntry(tag="theirs", size_bytes=1, size_vram_bytes=1, num_ctx=8, left_s=None),)
DYING = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class BenchStandIn:
    """A bench at a server that holds nothing, which says what it is to restore."""

    def __init__(self) -> None:
        self.restoration = Restoration()
        self.began: tuple[ModelIdentity, ...] = ()

    def begin_with(self, models: tuple[ModelIdentity, ...]) -> None:
        self.began = self.began or models

    def watch_models(self) -> None:
        self.began = self.began or MODELS

    def look(self) -> None:
        self.restoration.found = ()

    def leave(self, *, loaded: bool) -> tuple[str, ...]:
        assert not loaded
        return (f"{[each.tag for each in self.restoration.found or ()]} {sorted(self.restoration.used)}",)


def visit(folder: Path, run: str) -> ServerVisit:
    return ServerVisit(ServerLock(HOST, tell=print, folder=folder), BenchStandIn(), run=run)  # type: ignore[arg-type]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The folder of a lock that a process of the run `r` held when it was killed."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock = ServerLock(HOST, tell=print, folder=tmp_path)
    with lock.held():
        gone = ProcessAtServer(pid=ended.pid, started=None)
        lock.write(ServerNotes(run="r", processes=(gone,), found=FOUND, used=("ours:latest",)))
    return tmp_path


def test_a_model_is_noted_before_it_is_loaded(tmp_path: Path) -> None:
    stay = visit(tmp_path, "r")
    with stay.case():
        stay._bench.restoration.use("ours")
        assert stay.lock.notes().used == ("ours:latest",)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("at", ["case", "leave"])
def test_what_goes_after_a_case_has_gone_by_itself_unless_another_process_has_run_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool, at: str
) -> None:
    me, other = ProcessAtServer.this(), ProcessAtServer(pid=os.getppid(), started=_status_of(os.getppid())[1])
    stay, lock = visit(tmp_path, "r"), ServerLock(HOST, tell=print, folder=tmp_path)
    with lock.held():
        lock.write(ServerNotes(run="r", processes=(me,), found=FOUND))
    restoration = stay._bench.restoration
    with stay.case():
        restoration.see(FOUND)
    if not alone:
        monkeypatch.setattr(ProcessAtServer, "this", lambda: other)
        theirs = visit(tmp_path, "r")
        with theirs.case():
            pass
        assert theirs.leave(loaded=False) == ()
        monkeypatch.setattr(ProcessAtServer, "this", lambda: me)
    if at == "case":
        with stay.case():
            restoration.see(())
        with lock.held():
            assert lock.notes().found == (() if alone else FOUND)
    else:
        stay.leave(loaded=False)
        restoration.see(())
        assert restoration.found == (() if alone else FOUND)


def test_a_process_of_the_same_run_leaves_for_one_that_was_killed(killed: Path) -> None:
    stay = visit(killed, "r")
    with stay.case():
        stay._bench.restoration.use("mine")
    assert stay.leave(loaded=False) == ("['theirs'] ['mine:latest', 'ours:latest']",)
    assert visit(killed, "r").leave_for_killed(loaded=False) == ()  # that was done


def test_the_controller_leaves_where_no_process_is_left(killed: Path) -> None:
    told = "interrupted while the server at http://127.0.0.1:11434 was being left as it was found; resident before: "
    assert broken_off([HOST], run="r", folder=killed) == [f"{told}theirs (num_ctx 8); look at `ollama ps`"]
    assert visit(killed, "r").leave_for_killed(loaded=False) == ("['theirs'] ['ours:latest']",)
    assert broken_off([HOST], run="r", folder=killed) == []


def test_another_run_knows_nothing_of_one_that_was_killed(killed: Path) -> None:
    assert visit(killed, "other").leave_for_killed(loaded=False) == ()
    assert broken_off([HOST], run="other", folder=killed) == []
    stay = visit(killed, "other")
    with stay.case():
        assert (stay.lock.notes().found, stay.lock.notes().processes) == ((), (ProcessAtServer.this(),))
    assert stay.leave(loaded=False) == ("[] []",)


def test_the_controller_waits_for_a_process_that_is_about_to_end(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ServerLock(HOST, tell=print, folder=killed)
    command = [sys.executable, "-c", DYING, str(lock.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"held\n"
        waiting = visit(killed, "r")
        assert not waiting.lock.take_at_once()
        monkeypatch.setattr(
            "pytest_swarm.plugin.server_visit.time",
            SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: dying.communicate()),
        )
        assert waiting.leave_for_killed(loaded=False) == ("['theirs'] ['ours:latest']",)


def test_the_controller_leaves_a_server_alone_at_which_somebody_works(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_swarm.plugin.server_visit._DYING_S", 0.05)
    stay = visit(killed, "r")
    with stay.case():
        assert visit(killed, "r").leave_for_killed(loaded=False) == ()
    assert visit(killed, "r").lock.take_at_once()


@pytest.mark.parametrize(("run", "digest"), [("r", "d1"), ("other", "d2")], ids=["same-run", "other-run"])
def test_processes_of_one_run_compare_with_the_models_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str, digest: str
) -> None:
    first = visit(tmp_path, "r")
    with first.case():
        pass
    first.leave(loaded=False)
    monkeypatch.setattr(sys.modules[__name__], "MODELS", (replace(MODELS[0], digest="d2"),))
    second = visit(tmp_path, run)
    with second.case():
        assert [each.digest for each in second._bench.began] == [digest]


def test_a_process_that_never_was_at_the_server_does_not_wait_for_who_is_there(tmp_path: Path) -> None:
    with visit(tmp_path, "other").lock.held():
        assert visit(tmp_path, "r").leave(loaded=False) == ()  # such as after Ctrl-C while it waited
