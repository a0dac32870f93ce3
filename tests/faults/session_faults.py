"""Rows of the fault matrix: a whole session that is interrupted, or whose disk is full."""

from __future__ import annotations

import gc
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.fault_case import FaultCase, Place, Workshop
from tests.plugin.conftest import INI, SUITE, Reports, usual_signals

SESSION_CPU_S = 60.0  # a few whole runs of pytest in one process, while tracemalloc notes each allocation
WHOLE_LINES = "events.jsonl holds whole lines; a resumed run has every case once"
STOPPING = """
import asyncio, os, signal
from pytest_swarm.routing.greedy import GreedyRouter

class Stopping(GreedyRouter):
    async def route(self, view):
        if os.path.exists("armed"):
            {action}
        return await super().route(view)

def pytest_swarm_routers(config):
    return {{"stop": lambda setup: Stopping()}}
"""
AGAIN = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt():
    os.kill(os.getpid(), signal.SIGINT)
"""
MODES = "--swarm-compare=lp,greedy,stop"
SIGNALS = {
    "Ctrl-C": "os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(1)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); await asyncio.sleep(1)",
    "SIGHUP": "os.kill(os.getpid(), signal.SIGHUP); await asyncio.sleep(1)",
    "Ctrl-C twice": "os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(1)",
    "Ctrl-C that a router swallows": (
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "            try:\n"
        "                await asyncio.sleep(1)\n"
        "            except BaseException: pass"
    ),
}


def suite(workshop: Workshop, *, action: str = "pass") -> Reports:
    """A folder with one benchmark, and a router that does something while the file `armed` is there."""
    workshop.pytester.makeini(INI)
    workshop.pytester.makepyfile(test_invoice=SUITE)
    workshop.pytester.makeconftest(STOPPING.format(action=action))
    Path("armed").touch()
    return Reports(workshop.pytester.path)


def resumed(workshop: Workshop, reports: Reports, before: bytes) -> None:
    """Assert that the run goes on from what it had, and has every case once."""
    Path("armed").unlink(missing_ok=True)
    result = workshop.pytester.runpytest(MODES, "--swarm-resume", f"--rootdir={workshop.pytester.path}")
    result.assert_outcomes(passed=3)
    events = (reports.folder / "events.jsonl").read_bytes()
    assert events.startswith(before)
    ends = [json.loads(line) for line in events.splitlines() if b'"job_dag_summary"' in line]
    assert sorted(each["mode"] for each in ends if each["status"] == "completed") == ["greedy", "lp", "stop"]


def interrupted(action: str, *, conftest: str = "") -> Callable[[Workshop], None]:
    def carry_out(workshop: Workshop) -> None:
        reports = suite(workshop, action=action)
        with Path("conftest.py").open("a") as file:
            file.write(conftest)
        with usual_signals():
            result = workshop.pytester.runpytest(MODES, no_reraise_ctrlc=True)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert "Traceback" not in result.stdout.str() + result.stderr.str()
        assert [each["mode"] for each in reports.report["cases"]] == ["lp", "greedy"]
        before = b"".join(line for line in _lines(reports) if b'"run_end"' not in line)
        resumed(workshop, reports, before)

    return carry_out


def _lines(reports: Reports) -> list[bytes]:
    return (reports.folder / "events.jsonl").read_bytes().splitlines(keepends=True)


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as a full disk does."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def full_disk(share: float, *options: str) -> Callable[[Workshop], None]:
    """Return what runs a suite on a disk that has room for so many of its three jobs; 0: not for the first event."""

    def carry_out(workshop: Workshop) -> None:
        reports = suite(workshop)
        Path("armed").unlink()
        workshop.pytester.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
        lines = _lines(reports)
        room = int(len(b"".join(lines)) * share) if share else len(lines[0]) - 100
        first = {path.name for path in reports.root.iterdir()}
        with no_file_beyond(room):
            result = workshop.pytester.runpytest(MODES, *options)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        output = result.stdout.str() + result.stderr.str()
        assert "Traceback" not in output
        assert "cannot be written" in output
        for path in reports.root.glob("*/events.jsonl"):
            assert path.parent.name in first or path.read_bytes().endswith(b"\n")
        assert not list(workshop.pytester.path.rglob("*.tmp"))

    return carry_out


def unwritable(*options: str) -> Callable[[Workshop], None]:
    """Return what asks for a file below one that is no folder."""

    def carry_out(workshop: Workshop) -> None:
        reports = suite(workshop)
        Path("armed").unlink()
        Path("file").write_text("no folder")
        result = workshop.pytester.runpytest(MODES, *options, "--swarm-report=json")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        output = result.stdout.str() + result.stderr.str()
        assert "Traceback" not in output
        assert "cannot be written" in output
        assert len(reports.report["cases"]) == 3
        assert Path("file").read_text() == "no folder"

    return carry_out


def no_reports_folder(workshop: Workshop) -> None:
    suite(workshop)
    Path("reports").write_text("no folder")
    result = workshop.pytester.runpytest(MODES)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no run can be written there" in result.stderr.str()


LEAKING = """
import contextlib
@pytest.fixture(autouse=True)
def leak(request):
    left = []
    if os.path.exists("armed") and "greedy" in request.node.name:
        with contextlib.suppress(OSError):
            while True:
                left.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(8):
            os.close(left.pop())
    yield
    for each in left:
        os.close(each)
"""


@contextmanager
def few_open_files(count: int) -> Iterator[None]:
    """Let this process open so many files beside those that are open."""
    gc.collect()  # what it would close meanwhile
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = {int(each.name) for each in Path("/dev/fd").iterdir()}
    free = (number for number in range(soft) if number not in opened)  # the limit is of numbers, which have gaps
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, count, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def no_files_to_open(workshop: Workshop) -> None:
    suite(workshop)
    with few_open_files(40):
        result = workshop.pytester.runpytest(MODES)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "this process cannot open 64 more files (Too many open files)" in result.stderr.str()


def leaking_fixture(workshop: Workshop) -> None:
    reports = suite(workshop)
    with Path("conftest.py").open("a") as file:
        file.write("\nimport pytest\n" + LEAKING)
    with few_open_files(100):
        result = workshop.pytester.runpytest(MODES)
    result.assert_outcomes(passed=2, failed=1)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["*this process cannot open 16 more files (Too many open files)*"])
    assert [each["mode"] for each in reports.report["cases"]] == ["lp", "stop"]
    resumed(workshop, reports, b"")


def no_memory_for_reports(workshop: Workshop) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    reports = suite(workshop)
    Path("armed").unlink()
    with workshop.patch.context() as patch:
        patch.setattr("pytest_swarm.plugin.reporting.build_report", exhausted)
        result = workshop.pytester.runpytest(MODES)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines([f"swarm: ERROR: the reports failed (MemoryError); *report {reports.folder}`"])
    assert not (reports.folder / "run.lock").exists()
    resumed(workshop, reports, b"")


def left_behind(workshop: Workshop) -> None:
    """A lock and a file beside a report, as a killed process leaves them."""
    reports = suite(workshop)
    Path("armed").unlink()
    workshop.pytester.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    (reports.folder / "run.lock").write_text('{"pid": 1, "machine": "gone", "since_s": 0}')
    (reports.folder / ".report.json.1-abc.tmp").write_text('{"half')
    workshop.pytester.runpytest(MODES, "--swarm-resume").assert_outcomes(passed=3)
    assert len(reports.report["cases"]) == 3


def damaged_events(damage: Callable[[bytes], bytes], *, ran: int | None = None) -> Callable[[Workshop], None]:
    """Return what resumes a run whose events were damaged, and has every case in the end.

    Args:
        damage: What happens to the events.
        ran: How many jobs run again; None where that is not asked.
    """

    def carry_out(workshop: Workshop) -> None:
        reports = suite(workshop)
        Path("armed").unlink()
        workshop.pytester.runpytest(MODES).assert_outcomes(passed=3)
        path = reports.folder / "events.jsonl"
        damaged = damage(path.read_bytes())
        path.write_bytes(damaged)
        result = workshop.pytester.runpytest(MODES, "--swarm-resume")
        result.assert_outcomes(passed=3)
        begun = path.read_bytes().count(b'"dag_structure"') - damaged.count(b'"dag_structure"')
        assert ran is None or begun == ran
        assert sorted(each["mode"] for each in reports.report["cases"]) == ["greedy", "lp", "stop"]
        assert all(each["status"] == "completed" for each in reports.report["cases"])

    return carry_out


def _torn(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"task_result"' in line and b'"greedy"' in line)
    return b"".join((*lines[:number], lines[number][:50], *lines[number + 1 :]))


def _second_result(data: bytes) -> bytes:
    """The data with another result of a task, as from another run."""
    lines = data.splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"task_result"' in line and b'"greedy"' in line)
    strange = lines[number].replace(b'"ts_ms":', b'"ts_ms":1')
    return b"".join((*lines[: number + 1], strange, *lines[number + 1 :]))


def _moved(data: bytes) -> bytes:
    """The data with the end of the job in the middle before its beginning."""
    lines = data.splitlines(keepends=True)
    first, end = (
        next(n for n, line in enumerate(lines) if kind in line and b'"greedy"' in line)
        for kind in (b'"dag_structure"', b'"job_dag_summary"')
    )
    return b"".join((*lines[:first], lines[end], *lines[first:end], *lines[end + 1 :]))


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    stops = [
        FaultCase(
            name=name,
            place=Place.PROCESS,
            expected="exit status 2, reports of what was finished, no traceback",
            kept=WHOLE_LINES,
            carry_out=interrupted(action, conftest=conftest),
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        )
        for name, (action, conftest) in {
            **{name: (action, "") for name, action in SIGNALS.items()},
            "Ctrl-C again while pytest tells the first one": (SIGNALS["Ctrl-C"], AGAIN),
        }.items()
    ]
    disks = {
        "full while the second job runs": (full_disk(1.5), WHOLE_LINES),
        "full from the first event on": (full_disk(0), "no run is left that seems to be one"),
        "full for the recording": (
            full_disk(2.2, "--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-profile=a40"),
            "the recorded cases stay; what was measured is in the events",
        ),
        "a report that cannot be written": (
            unwritable("--swarm-report=html:file/a.html"),
            "the other reports are there",
        ),
        "a baseline that cannot be written": (
            unwritable("--swarm-update-baseline=all", "--swarm-baseline=file/b.json"),
            "the reports are there",
        ),
    }
    full = [
        FaultCase(
            name=name,
            place=Place.DISK,
            expected="one sentence, exit status 1",
            kept=kept,
            carry_out=carry_out,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        )
        for name, (carry_out, kept) in disks.items()
    ]
    rerun, copied = "the jobs of the damage run again", "each line counts once, and no job runs again"
    resumes = {
        "events with a torn line in the middle, then a resume": (rerun, damaged_events(_torn)),
        "events with a torn last line, then a resume": (rerun, damaged_events(lambda data: data[:-37])),
        "events with a byte order mark, then a resume": (rerun, damaged_events(lambda data: b"\xef\xbb\xbf" + data)),
        "events with two results of one task, then a resume": (rerun, damaged_events(_second_result)),
        "events out of order, then a resume": (rerun, damaged_events(_moved)),
        "events that are there twice, then a resume": (copied, damaged_events(lambda data: data + data, ran=0)),
        "events whose second half is there twice, then a resume": (
            copied,
            damaged_events(lambda data: data + data[data.index(b"\n", len(data) // 2) + 1 :], ran=0),
        ),
    }
    again = [
        FaultCase(
            name=name,
            place=Place.FILE,
            expected=expected,
            kept="every case is completed in the end",
            carry_out=carry_out,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        )
        for name, (expected, carry_out) in resumes.items()
    ]
    return (*stops, *full, *again, *_folders())


def _folders() -> tuple[FaultCase, ...]:
    return (
        FaultCase(
            name="a file in place of the reports folder",
            place=Place.DISK,
            expected="one sentence before any test, exit status 4",
            kept="nothing was measured",
            carry_out=no_reports_folder,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        ),
        FaultCase(
            name="no memory is left for the reports",
            place=Place.PROCESS,
            expected="one sentence with the command that writes them, exit status 1",
            kept=WHOLE_LINES,
            carry_out=no_memory_for_reports,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        ),
        FaultCase(
            name="no files are left to open, before the first test",
            place=Place.PROCESS,
            expected="one sentence, exit status 4",
            kept="nothing was measured",
            carry_out=no_files_to_open,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        ),
        FaultCase(
            name="a fixture leaves no file to open for one test",
            place=Place.PROCESS,
            expected="one sentence in that test; the others run",
            kept=WHOLE_LINES,
            carry_out=leaking_fixture,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        ),
        FaultCase(
            name="a lock and half a file that a killed process left",
            place=Place.PROCESS,
            expected="the run goes on; who is dead holds nothing",
            kept=WHOLE_LINES,
            carry_out=left_behind,
            memory_mb=120.0,
            cpu_s=SESSION_CPU_S,
        ),
    )
