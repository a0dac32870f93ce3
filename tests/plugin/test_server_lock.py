"""The lock of a real server: one for each address, for several users, and its owner is named to those who wait."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.plugin import server_lock
from pytest_swarm.plugin.server_lock import ProcessAtServer, ServerLock, ServerNotes, lock_path
from tests.plugin.conftest import SUITE, Reports

HOST = "http://127.0.0.1:11434"
HOLDER = """
import sys
from pathlib import Path
from pytest_swarm.plugin import server_lock
from pytest_swarm.plugin.server_lock import ServerLock
with ServerLock(sys.argv[1], tell=print, folder=Path(sys.argv[2])).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


def lock(folder: Path, told: list[str] | None = None) -> ServerLock:
    return ServerLock(HOST, tell=([] if told is None else told).append, folder=folder)


def test_a_server_has_one_lock_however_it_is_written(tmp_path: Path) -> None:
    same = ["http://localhost:11434", "http://[::1]:11434", "HTTP://127.0.0.1:11434/", HOST]
    assert {lock_path(host, tmp_path) for host in same} == {lock_path(HOST, tmp_path)}
    others = ["http://127.0.0.1:11435", "http://box:11434", "http://127.0.0.1:11434/ollama"]
    assert len({lock_path(host, tmp_path) for host in (HOST, *others)}) == 4


def test_the_file_stays_for_everybody_and_names_the_owner_while_it_is_held(tmp_path: Path) -> None:
    a_lock = lock(tmp_path)
    with a_lock.held():
        owner = a_lock.notes().owner
        assert owner is not None
        assert owner.pid == os.getpid()
    assert stat.S_IMODE(a_lock.path.stat().st_mode) == 0o666
    inode = a_lock.path.stat().st_ino
    with a_lock.held():
        assert a_lock.path.stat().st_ino == inode
    with lock(tmp_path).held():
        pass


def test_who_waits_is_told_for_whom(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, HOST, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []

        def tell(sentence: str) -> None:
            told.append(sentence)
            holder.stdin.write("\n")  # only now does the other process go on
            holder.stdin.flush()

        with ServerLock(HOST, tell=tell, folder=tmp_path).held():
            pass
    assert len(told) == 1
    assert told[0].startswith(f"waiting for the server at {HOST}: process {holder.pid} of user ")


def test_a_lock_that_waits_at_every_case_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs on one store or server take turns; a sentence at each turn would tear up the progress."""
    monkeypatch.setattr(server_lock, "lock_at_once", lambda _: False)
    told: list[str] = []
    waiting = ServerLock("file:///s6", tell=told.append, folder=tmp_path, name="the answer store s6")
    for _ in range(3):
        with waiting.held():
            pass
    [sentence] = told
    assert sentence.startswith("waiting for the answer store s6: ")


def test_a_lock_is_waited_for_no_longer_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept_s: list[float] = []
    clock = SimpleNamespace(
        monotonic=lambda: sum(slept_s),
        sleep=slept_s.append,
        time=time.time,
        strftime=time.strftime,
        localtime=time.localtime,
    )
    monkeypatch.setattr(server_lock, "time", clock)
    owner, waiting = lock(tmp_path), lock(tmp_path)
    assert owner.take_at_once()
    with pytest.raises(TimeoutError):
        waiting.held(limit_s=8.0).__enter__()
    assert sum(slept_s) == pytest.approx(8.0, abs=0.1)
    owner.give_back()
    with waiting.held(limit_s=0.0):
        assert waiting.notes().owner is not None


def test_what_processes_found_is_kept_where_one_of_them_or_all_were_killed(tmp_path: Path) -> None:
    found = (ResidentEntry(tag="m", size_bytes=1, size_vram_bytes=1, num_ctx=8, left_s=None),)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    ended, me = ProcessAtServer(pid=child.pid, started=1), ProcessAtServer.this()
    a_lock = lock(tmp_path)
    with a_lock.held():
        a_lock.write(ServerNotes(processes=(ended, me), found=found, used=("a:latest",)))
        assert (a_lock.notes().processes, a_lock.notes().found) == ((me,), found)
        a_lock.write(ServerNotes(processes=(ended,), found=found, used=("a:latest",)))
        assert a_lock.notes() == ServerNotes(found=found, used=("a:latest",))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell when a process began")
@pytest.mark.parametrize("pid", [1, os.getpid()], ids=["another-users", "mine"])
def test_a_killed_process_whose_id_was_given_to_another_one_is_not_waited_for(tmp_path: Path, pid: int) -> None:
    a_lock = lock(tmp_path)
    with a_lock.held():
        a_lock.write(ServerNotes(processes=(ProcessAtServer(pid=pid, started=-1),), used=("a:latest",)))
        assert a_lock.notes().processes == ()


def test_notes_are_whole_where_a_process_was_killed_before_it_had_cut_the_older_ones_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = ServerLock("http://box:1", tell=print, folder=tmp_path)
    with lock.held():
        lock.write(ServerNotes(run="r", used=tuple(f"a{number}:latest" for number in range(9))))
        monkeypatch.setattr("os.ftruncate", lambda *_: None)
        lock.write(ServerNotes(run="r", used=("b:latest",)))
        assert lock.notes() == ServerNotes(run="r", used=("b:latest",))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"not json",
        b'{"processes": "all"}',
        b'{"processes": [{"pid": 99999999999999999999, "started": 1}]}',
        b'{"owner": {"pid": 1, "user": "a", "since_s": 1e300}}',
    ],
)
def test_a_file_that_is_not_whole_counts_as_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    told: list[str] = []
    a_lock = lock(tmp_path, told)
    a_lock.path.write_bytes(text)
    monkeypatch.setattr(server_lock, "lock_at_once", lambda _: False)
    with a_lock.held():
        assert a_lock.notes().processes == ()
    assert told == [f"waiting for the server at {HOST}: another process uses it (lock {a_lock.path})"]


@pytest.mark.parametrize(
    "make", [Path.mkdir, getattr(os, "mkfifo", Path.mkdir), lambda path: path.symlink_to("nowhere/there")]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    a_lock = lock(tmp_path)
    make(a_lock.path)
    for use in (a_lock.check, a_lock.take_at_once, lambda: a_lock.held().__enter__()):
        with pytest.raises(OptionError, match=r"cannot be used \(.+\); delete it, or set TMPDIR"):
            use()


TAKEN_AWAY = """
from pathlib import Path

def test_invoice(swarm_run, dag):
    swarm_run(dag)
    path = Path({path!r})
    path.unlink()
    path.mkdir()
"""


def test_a_lock_that_cannot_be_used_ends_a_run_before_its_first_test_and_costs_no_report(
    suite: pytest.Pytester, reports: Reports, fast_server: str
) -> None:
    path = lock_path(fast_server)
    at_server = ("--swarm-backend=ollama", f"--swarm-host={fast_server}")
    path.unlink(missing_ok=True)  # an earlier server at this port may have left one
    path.mkdir()
    try:
        result = suite.runpytest(*at_server)
        path.rmdir()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [f"ERROR: lock {path} of the server cannot be used (no regular file); delete it, *"]
        )
        suite.makepyfile(test_invoice=SUITE.replace("def test_invoice", "def no") + TAKEN_AWAY.format(path=str(path)))
        suite.runpytest(*at_server).assert_outcomes(passed=1)
    finally:
        path.rmdir()
    [note] = reports.report["notes"]
    assert note.startswith(f"the server was not left as it was found, look at `ollama ps`: lock {path}")
