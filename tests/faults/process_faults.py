"""Rows of the fault matrix: processes that are killed, or that want the same file. Real processes, in real time.

They wait for each other through named pipes, never for so many seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from tests.faults.fault_case import FaultCase, Place, Workshop
from tests.faults.session_faults import MODES, WHOLE_LINES, resumed, suite

LIMIT_S = 120  # of a process that should have ended long before
HERE_AND_WAIT = """with open("here" + os.environ["WHO"], "w"): pass
            with open("go" + os.environ["WHO"]): pass"""


def started(workshop: Workshop, *options: str, who: str = "") -> subprocess.Popen[str]:
    """A session in a process of its own; `who` names its pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=workshop.pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"WHO": who},
    )


def output_of(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in output, output
    return output


def pipes(*names: str) -> None:
    """Named pipes of each process: its router says through one that it is there, and waits at the other."""
    for who in names:
        os.mkfifo(f"here{who}")
        os.mkfifo(f"go{who}")


def meet(who: str) -> None:
    """Wait until the router of a process is there."""
    with Path(f"here{who}").open():
        pass


def let_go(who: str) -> None:
    """Let the router of a process go on."""
    with Path(f"go{who}").open("w"):
        pass


def killed(workshop: Workshop) -> None:
    reports = suite(workshop, action="os.kill(os.getpid(), signal.SIGKILL)")
    process = started(workshop, MODES)
    output_of(process)
    assert process.returncode == -signal.SIGKILL
    resumed(workshop, reports, (reports.folder / "events.jsonl").read_bytes())


def two_resumes(workshop: Workshop) -> None:
    reports = suite(workshop)
    Path("armed").unlink()
    workshop.pytester.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    name = reports.folder.name
    reports = suite(workshop, action=HERE_AND_WAIT)
    pipes("1")
    first = started(workshop, MODES, f"--swarm-resume={name}", who="1")
    meet("1")
    second = started(workshop, MODES, f"--swarm-resume={name}")
    refused = output_of(second)
    assert second.returncode == 4
    assert f"run {name} is being written by process {first.pid} " in refused
    third = started(workshop, MODES, "--swarm-resume")
    assert "is being written" in output_of(third)
    let_go("1")
    meet("1")  # the router plans two steps
    let_go("1")
    assert "3 passed" in output_of(first)
    before = b"".join(
        line for line in (reports.folder / "events.jsonl").read_bytes().splitlines(True) if b"run_end" not in line
    )
    assert before.count(b'"job_dag_summary"') == 3


def two_recorders(workshop: Workshop) -> None:
    suite(workshop, action=HERE_AND_WAIT)
    pipes("1", "2")
    recorded = ("--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-profile=a40")
    processes = [
        started(workshop, *recorded, "--swarm-compare=lp,stop", f"--swarm-horizon={who}", who=who) for who in "12"
    ]
    for _ in range(2):  # both are in the middle of a case at the same time, at each of its two steps
        for act in (meet, let_go):
            for who in "12":
                act(who)
    assert all("2 passed" in output_of(each) for each in processes)
    labels = sorted(take.label for take in read_cassette(Path("c.jsonl")).takes)
    assert labels == [f"invoice [{mode}-h{n}-8GB]" for mode in ("lp", "stop") for n in (1, 2)]


def dead_worker(workshop: Workshop) -> None:
    reports = suite(workshop, action="os.kill(os.getpid(), signal.SIGKILL)")
    process = started(workshop, MODES, "-n1", "--max-worker-restart=0")
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0
    assert "a worker of xdist died" in output
    assert sorted(each["mode"] for each in reports.report["cases"]) == ["greedy", "lp"]


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    given = {
        "kill -9 while the third job runs": (killed, "the run goes on where it was"),
        "two resumes of one run at once": (two_resumes, "the second is refused, with the first one's process id"),
        "two recordings into one cassette at once": (two_recorders, "one waits for the other; both are in the file"),
        "a worker of xdist is killed": (dead_worker, "the report says so, exit status 1"),
    }
    return tuple(
        FaultCase(
            name=name, place=Place.PROCESS, expected=expected, kept=WHOLE_LINES, carry_out=carry_out, processes=True
        )
        for name, (carry_out, expected) in given.items()
    )
