"""However a run ends, what was measured is kept, its reports are written, and nobody sees a traceback."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_swarm.execution.loop_tasks import cancel_and_wait
from pytest_swarm.plugin.ending_signals import EndingSignals
from pytest_swarm.plugin.measuring import Measuring
from pytest_swarm.plugin.session import SwarmSession
from tests.plugin.conftest import Reports, mode_that, served, usual_signals
from tests.programs import run_program

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread only"
)


@pytest.fixture(autouse=True)
def handled_signals() -> Iterator[None]:
    with usual_signals():
        yield


LATE = """
def pytest_swarm_report_context(context):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)

def pytest_unconfigure():
    os.kill(os.getpid(), signal.SIGINT)
"""
WAIT = "await asyncio.sleep(1)"
SWALLOW = """
try:
    await asyncio.sleep(1)
except BaseException:
    pass
"""


def stopping(name: str, then: str = WAIT) -> str:
    """A mode that sends its process a signal."""
    return mode_that("stop", f"os.kill(os.getpid(), signal.{name})\n{then}")


def interrupted(suite: pytest.Pytester, reports: Reports) -> str:
    """The output of a run whose second case is interrupted; its first is in the reports."""
    found = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    result = suite.runpytest(
        "--swarm-compare=lp,stop", "--swarm-report=html", "--swarm-report=json", no_reraise_ctrlc=True
    )
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == found
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [(each["mode"], each["status"]) for each in reports.report["cases"]] == [("lp", "completed")]
    assert not reports.report["run"]["complete"]
    assert (reports.folder / "report.html").stat().st_size > 0
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_run_as_ctrl_c_does(suite: pytest.Pytester, reports: Reports, name: str) -> None:
    suite.makeconftest(stopping(name) + LATE)
    assert "invoice [stop-h0-8GB] was still running when the run stopped" in interrupted(suite, reports)


def test_a_job_in_a_thread_is_waited_for(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = SwarmSession.tell

    def told(session: SwarmSession, sentence: str) -> None:
        tell(session, sentence)
        Path("told").touch()

    monkeypatch.setattr(SwarmSession, "tell", told)
    body = """
        Path("begun").touch()
        for _ in range(6000):  # it ends once it is waited for; after a minute in any case
            if Path("told").exists():
                break
            time.sleep(0.01)
    """
    suite.makeconftest(mode_that("slow", body))
    suite.makepyfile(
        test_thread="""
        import os, signal, time
        from concurrent.futures import ThreadPoolExecutor
        from dataclasses import replace
        from pathlib import Path
        from test_invoice import dag

        def test_thread(swarm_run, dag):
            pool = ThreadPoolExecutor(2)
            jobs = [pool.submit(swarm_run, replace(dag, name=f"job{n}")) for n in range(2)]
            while not Path("begun").exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            jobs[0].result()
        """
    )
    result = suite.runpytest("test_thread.py", "--swarm-compare=slow", "--swarm-report=json", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [each["job"] for each in reports.report["cases"]] == ["job0"]
    result.stdout.fnmatch_lines(["swarm: a thread still runs a job, which is waited for; Ctrl-C gives that up"])
    assert "event loop is already running" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_arrives_in_a_finalizer_still_ends_the_run(suite: pytest.Pytester, name: str) -> None:
    suite.makepyfile(
        test_garbage=f"""
        import os, signal, time

        class Garbage:
            def __del__(self):
                os.kill(os.getpid(), signal.{name})

        def test_garbage(swarm_run):
            Garbage()
            time.sleep(1)
        """
    )
    before = sys.unraisablehook
    result = suite.runpytest("test_garbage.py", no_reraise_ctrlc=True)
    assert (result.ret, sys.unraisablehook) == (pytest.ExitCode.INTERRUPTED, before)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_an_interrupt_that_something_swallows_still_ends_the_run(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(stopping("SIGINT", SWALLOW) + LATE)
    interrupted(suite, reports)


def test_a_signal_that_is_ignored_stays_ignored(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(stopping("SIGHUP"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        suite.runpytest("--swarm-compare=lp,stop").assert_outcomes(passed=2)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert reports.report["run"]["complete"]


def test_an_interrupt_is_raised_where_ctrl_c_is_ignored() -> None:
    signals, before = EndingSignals(), signal.signal(signal.SIGINT, signal.SIG_IGN)
    signals.watch()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signals.restore()
        signal.signal(signal.SIGINT, before)


def test_a_further_signal_ends_what_may_be_ended_once() -> None:
    signals = EndingSignals()
    signals.close(interrupted=True)
    try:
        signal.raise_signal(signal.SIGINT)

        def interrupt() -> None:
            with signals.interruptible(lambda: None):
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            interrupt()
        signal.raise_signal(signal.SIGINT)
    finally:
        signals.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_cancellation_while_a_task_is_awaited_is_not_swallowed() -> None:
    async def slow_to_end() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise

    async def main() -> bool:
        task = asyncio.create_task(slow_to_end())
        waiting = asyncio.create_task(cancel_and_wait(task))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await asyncio.wait({task})
        return waiting.cancelled()

    assert asyncio.run(main())


def test_what_a_task_beside_a_case_raised_is_raised() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    async def main() -> None:
        task = asyncio.create_task(broken())
        await asyncio.sleep(0)
        await cancel_and_wait(task)

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(main())


ALARM = """
signal.signal(signal.SIGALRM, lambda *_: pytest.fail("too slow"))
signal.setitimer(signal.ITIMER_REAL, 0.3)
"""


def test_a_test_that_a_signal_ends_while_its_job_waits_is_an_error_and_no_end_of_the_run(
    suite: pytest.Pytester, reports: Reports
) -> None:
    """So does pytest-timeout."""
    pytest.importorskip("uvicorn")
    suite.makeconftest(mode_that("timed", ALARM))
    before = signal.getsignal(signal.SIGALRM)
    try:
        with served("hang:times=1") as url:
            options = ("--swarm-backend=ollama", f"--swarm-host={url}", "--swarm-compare=timed,greedy")
            result = suite.runpytest(*options, "--swarm-report=json")
    finally:
        signal.signal(signal.SIGALRM, before)
    result.assert_outcomes(passed=1, failed=1)
    cases = {each["mode"]: each for each in reports.report["cases"]}
    assert {mode: each["status"] for mode, each in cases.items()} == {"timed": "error", "greedy": "completed"}
    assert cases["timed"]["error"] == "the test was ended while the job ran, by Failed: too slow"
    assert reports.report["run"]["complete"]
    assert "was still running when the run stopped" not in result.stdout.str()


def test_a_test_that_a_signal_ends_inside_a_callback_of_the_loop_is_ended_too(
    suite: pytest.Pytester, reports: Reports
) -> None:
    """What a callback raises reaches nobody: asyncio logs it, and the test would go on without a time limit."""
    late = 'asyncio.get_running_loop().call_later(0.1, pytest.fail, "too slow")\nawait asyncio.sleep(60)'
    suite.makeconftest(mode_that("timed", late))
    suite.runpytest("--swarm-compare=timed,greedy").assert_outcomes(passed=1, failed=1)
    errors = {each["mode"]: each["error"] for each in reports.report["cases"]}
    assert errors == {"timed": "the test was ended while the job ran, by Failed: too slow", "greedy": None}


@pytest.fixture
def disk() -> Iterator[Callable[[int], None]]:
    """A function that lets no file grow beyond so many bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def restored() -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_keeps_what_was_measured_and_says_so(
    suite: pytest.Pytester, reports: Reports, disk: Callable[[int], None]
) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    one_job = (reports.folder / "events.jsonl").stat().st_size
    args = ("--swarm-compare=lp,greedy,milp", "--swarm-report=json")
    disk(one_job + one_job // 2)
    result = suite.runpytest(*args)
    restored()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    folder = reports.folder
    kept = f"--swarm-resume={folder.name} (finished jobs that are kept: 1)"
    result.stdout.fnmatch_lines([f"ERROR: *{folder.name}/events.jsonl: cannot be written: *; * {kept}"])
    result.stdout.fnmatch_lines(["!!!* the run's events cannot be written *!!!"])
    assert "During handling" not in result.stdout.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert (folder / "events.jsonl").read_bytes().endswith(b"\n")
    suite.runpytest(*args, f"--swarm-resume={folder.name}").assert_outcomes(passed=3)
    assert [each["mode"] for each in reports.of("job_dag_summary")] == ["lp", "greedy", "milp"]


def test_a_disk_that_is_full_from_the_start(
    suite: pytest.Pytester, reports: Reports, disk: Callable[[int], None]
) -> None:
    disk(300)
    result = suite.runpytest("--swarm-compare=lp,greedy")
    restored()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "events.jsonl: cannot be written" in result.stdout.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert list(reports.root.glob("*/events.jsonl")) == []


def test_a_full_disk_of_a_controller_stops_its_workers(
    suite: pytest.Pytester, reports: Reports, disk: Callable[[int], None]
) -> None:
    pytest.importorskip("xdist")
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    one_job = (reports.folder / "events.jsonl").stat().st_size
    modes = "lp,greedy,milp,staged,random,best-single"
    disk(one_job + one_job // 2)
    result = suite.runpytest("-n1", f"--swarm-compare={modes}", "--swarm-report=json")
    restored()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *events.jsonl: cannot be written: * (finished jobs that are kept: 1)"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_cassette_on_a_full_disk_costs_no_event(
    suite: pytest.Pytester, reports: Reports, disk: Callable[[int], None]
) -> None:
    args = ("--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-compare=lp,greedy", "--swarm-profile=a40")
    suite.runpytest(*args).assert_outcomes(passed=2)
    whole = Path("c.jsonl").stat().st_size
    assert (reports.folder / "events.jsonl").stat().st_size < whole - 2000
    Path("c.jsonl").unlink()
    disk(whole - 1000)
    result = suite.runpytest(*args)
    restored()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["cassette *c.jsonl: cannot be written: *; what it held is kept, *"])
    assert [each["status"] for each in reports.of("job_dag_summary")] == ["completed", "error"]
    suite.runpytest(*args, "--swarm-resume").assert_outcomes(passed=2)
    assert Path("c.jsonl").stat().st_size == pytest.approx(whole, abs=200)


def test_the_first_signal_of_all_gives_up_no_restoration_and_the_second_does() -> None:
    signals, told = EndingSignals(), []
    signals.close()
    try:
        with signals.interruptible(lambda: told.append("once")):
            signal.raise_signal(signal.SIGINT)
            assert told == ["once"]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        signals.restore()
    assert told == ["once"]


def test_a_signal_after_the_end_of_pytest_leaves_the_exit_status(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
import os, signal

def pytest_configure(config):
    config.add_cleanup(lambda: os.kill(os.getpid(), signal.SIGNUMBER))
""".replace("SIGNUMBER", "SIGHUP" if hasattr(signal, "SIGHUP") else "SIGTERM")
    )
    arguments = ["pytest", "--swarm-compare=lp", "--swarm-report=json"]
    result = run_program(f"import pytest, sys; sys.argv[:] = {arguments}; sys.exit(pytest.console_main())")
    assert result.returncode == pytest.ExitCode.OK, result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("mode", "signals"), [("stop", 1), ("greedy", 1), ("greedy", 2)])
def test_a_restoration_that_is_given_up_is_told_and_is_no_success(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mode: str, signals: int
) -> None:
    """The first signal after all tests gives nothing up."""

    def give_up(_: Measuring) -> list[str]:
        for _ in range(signals):
            signal.raise_signal(signal.SIGTERM)
        return []

    monkeypatch.setattr(Measuring, "replaced", give_up)
    suite.makeconftest(stopping("SIGTERM"))
    options = ("--swarm-backend=measure", "--swarm-answers=a", f"--swarm-compare={mode}", "--swarm-profile=a40")
    result = suite.runpytest(*options, no_reraise_ctrlc=True)
    given_up = (mode, signals) != ("greedy", 1)
    assert result.ret == (pytest.ExitCode.INTERRUPTED if given_up else pytest.ExitCode.OK)
    told = "interrupted while the run was being closed; where it called a server, look at `ollama ps`"
    assert (told in " ".join(result.stdout.str().split())) == given_up


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_folder_that_is_removed_while_the_run_writes_it_costs_no_result(
    suite: pytest.Pytester, reports: Reports
) -> None:
    body = """
        for path in Path("reports").glob("*/events.jsonl"):
            shutil.rmtree(path.parent)
    """
    suite.makeconftest(mode_that("remove", body))
    result = suite.runpytest("--swarm-compare=lp,remove,greedy")
    assert result.ret == pytest.ExitCode.OK
    assert [each["mode"] for each in reports.report["cases"]] == ["lp", "greedy", "remove"]
    (note,) = reports.report["notes"]
    assert note == "events.jsonl was removed or replaced while the run wrote it, and was written again in full"


def test_a_file_of_events_that_is_cut_off_meanwhile_is_one_error(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
import os, pathlib

def pytest_runtest_teardown(item):
    for path in pathlib.Path("reports").glob("*/events.jsonl"):
        os.truncate(path, 0)
"""
    )
    result = suite.runpytest("--swarm-compare=lp")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (error,) = [line for line in result.outlines if line.startswith("ERROR: ")]
    assert "another program cut off" in error
