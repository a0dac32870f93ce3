"""What the harness costs beside the routers, on the simulator:  python -m benchmarks.performance.harness [PART...]

Parts: `processes` (2,000 jobs in one and in two processes), `memory` (the growth from 1,000 to 10,000 jobs, in one and
in two processes), `share` (seconds a job: of its router, the simulated server and the harness), `hosts` (two servers
over HTTP that really wait).
Without an argument all of them. `processes` and `share` are of chains of three tasks, and of generated workflows as
benchmarks/ ships them. Each run of pytest is a process of its own, and its figures come from its events and from the
system's accounts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.performance import server_time

MODES: Final = ("lp", "milp", "greedy")
JOBS: Final = 2_000
FEW: Final = 1_000
MANY: Final = 10_000
HOST_JOBS: Final = 12
SPEED: Final = 5.0  # how much faster than an A40 the servers of `hosts` are
CHAINS: Final = """
import os
import pytest
from pytest_swarm import Number, Task, TaskGraph

KINDS = ("extraction", "math", "code")

def workflow(number):
    tasks = [
        Task(id=f"t{n}", type=kind, prompt=f"Workflow {number}, task {n}: how much is 20 + 22?", estimated_tokens=100,
             difficulty=1 + n, expected=Number(value=42))
        for n, kind in enumerate(KINDS)
    ]
    return TaskGraph(name=f"workflow{number:05d}", tasks=tuple(tasks), edges=(("t0", "t1"), ("t1", "t2")))

@pytest.mark.parametrize("number", range(int(os.environ["WORKFLOWS"])))
def test_workflow(swarm_run, number):
    swarm_run(workflow(number))
"""

GENERATED: Final = """
import os
import pytest
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

JOBS = generate_jobs(int(os.environ["WORKFLOWS"]), seed=1)

@pytest.mark.parametrize("graph", [job.graph for job in JOBS], ids=lambda graph: graph.name)
def test_workflow(swarm_run, graph):
    swarm_run(graph)
"""

WORKFLOWS: Final = {"chains of three tasks": CHAINS, "generated workflows": GENERATED}

EMPTY: Final = """
import os
import pytest

@pytest.mark.parametrize("number", range(int(os.environ["WORKFLOWS"])))
def test_nothing(number):
    pass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The times and the memory of one run of pytest; `others_s` is CPU time of other work on this machine meanwhile."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    others_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Used):
    """One run of pytest, and the events of its jobs; `server_s` is what the simulated server took, if timed."""

    events: tuple[dict[str, Any], ...]
    server_s: float | None

    @property
    def jobs(self) -> int:
        """The number of jobs that ended."""
        return sum(each["event"] == "job_dag_summary" for each in self.events)

    @property
    def loop_s(self) -> float:
        """Seconds from the start of the first job to the end of the last one."""
        at_ms = [each["ts_ms"] for each in self.events if each["event"] in ("dag_structure", "job_dag_summary")]
        return (max(at_ms) - min(at_ms)) / 1000

    @property
    def routing_s(self) -> float:
        """Seconds that the routers took."""
        return sum(each["decision_ms"] for each in self.events if each["event"] == "plan_step") / 1000


def measure(
    workflows: int,
    *arguments: str,
    modes: tuple[str, ...] = MODES,
    source: str = CHAINS,
    conftest: str = "",
) -> Measured:
    """Run a benchmark in a process of its own.

    Args:
        workflows: Their number; each is run once under each mode.
        arguments: Further arguments of pytest.
        modes: The routing modes.
        source: The module of tests.
        conftest: The conftest.py beside it.
    """
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "test_workflow.py").write_text(source, encoding="ascii")
        (folder / "pytest.ini").write_text("[pytest]\nswarm_vram = 8GB\n", encoding="ascii")
        (folder / "conftest.py").write_text(conftest, encoding="ascii")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        command += [f"--swarm-compare={','.join(modes)}", "--swarm-report=json", *arguments]
        used = used_by(command, folder, workflows)
        (file,) = folder.glob("reports/*/events.jsonl")
        kept = ("dag_structure", "job_dag_summary", "plan_step")
        with file.open(encoding="ascii") as lines:
            events = tuple(
                {name: event.get(name) for name in ("event", "ts_ms", "decision_ms", "host")}
                for event in map(json.loads, lines)
                if event["event"] in kept
            )
        told = folder / server_time.FILE
        server_s = float(told.read_text(encoding="ascii")) if told.exists() else None
    return Measured(
        wall_s=used.wall_s,
        cpu_s=used.cpu_s,
        peak_mb=used.peak_mb,
        others_s=used.others_s,
        events=events,
        server_s=server_s,
    )


def used_by(command: list[str], folder: Path, tests: int) -> Used:
    """Run pytest in a folder, and return what it and its workers have used.

    Args:
        command: Its command line.
        folder: Where it is run.
        tests: What the tests there read of the environment: how many workflows, or how many tests, there are.
    """
    started_s, busy_s = time.perf_counter(), _busy_s()
    process = subprocess.Popen(command, cwd=folder, env=_environment(tests), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
    if process.returncode:
        raise SystemExit(f"pytest ended with exit status {process.returncode}")
    wall_s, cpu_s = time.perf_counter() - started_s, used.ru_utime + used.ru_stime
    others_s = max(0.0, _busy_s() - busy_s - cpu_s)
    return Used(wall_s=wall_s, cpu_s=cpu_s, peak_mb=used.ru_maxrss / 1024, others_s=others_s)


def _busy_s() -> float:
    """Return the CPU seconds of all processes since the machine was started, those of other containers too (Linux)."""
    kinds = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, kinds[:8])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")


def _environment(workflows: int) -> dict[str, str]:
    """The environment of a run, in which modules are compiled once, as users have it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "WORKFLOWS": str(workflows)}


def processes() -> None:
    """Print the times of one and two processes, and those of pytest alone, after a run that compiles the modules."""
    measure(1, "--swarm-backend=sim", "-n2")
    for name, source in WORKFLOWS.items():
        _print_processes(name, source)


def _print_processes(name: str, source: str) -> None:
    """Print them for one kind of workflows."""
    print(f"\n{JOBS} jobs ({','.join(MODES)}) of {name}, and pytest alone: as many empty tests without this plugin\n")
    print("| what | processes | wall | CPU | other work | tests a second |\n|---|---|---|---|---|---|")
    walls_s, alone_s = [], []
    for number, arguments in ((1, ()), (2, ("-n2",))):
        run = measure(round(JOBS / len(MODES)), "--swarm-backend=sim", *arguments, source=source)
        alone = empty_run(JOBS, *arguments)
        walls_s.append(run.wall_s)
        alone_s.append(alone.wall_s)
        for what, used, tests in (("jobs", run, run.jobs), ("pytest alone", alone, JOBS)):
            times = f"{used.wall_s:.1f} s | {used.cpu_s:.1f} s | {used.others_s:.1f} s | {tests / used.wall_s:.0f}"
            print(f"| {what} | {number} | {times} |", flush=True)
    halved_s = alone_s[1] + (walls_s[0] - alone_s[0]) / 2
    apart_s = separate_runs_s(round(JOBS / 2 / len(MODES)), source)
    print(f"\nTwo processes are {walls_s[0] / walls_s[1]:.2f} times as fast. Were all but pytest alone shared without")
    print(f"any loss, starts, imports and reports too, it would be {walls_s[0] / halved_s:.2f}.")
    print(
        f"Two separate runs of half the jobs each, at the same time, take {apart_s:.1f} s, which is "
        f"{walls_s[0] / apart_s:.2f} times as fast\nas one process: what this machine gives where nothing is shared."
    )


def separate_runs_s(workflows: int, source: str) -> float:
    """Return the wall seconds of the longer of two runs at the same time, each in a process and a folder of its own.

    Args:
        workflows: Their number in each run.
        source: The module of tests.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(measure, workflows, "--swarm-backend=sim", source=source) for _ in range(2)]
        return max(run.result().wall_s for run in runs)


def memory() -> None:
    """Print the peak memory of a few and of many jobs, and the growth for each job, of one and of two processes."""
    print(f"\n{FEW} and {MANY} jobs ({','.join(MODES)}); the peak is that of the largest process\n")
    print("| processes | jobs | peak memory |\n|---|---|---|")
    grown: list[str] = []
    for number, arguments in ((1, ()), (2, ("-n2",))):
        peaks_mb = []
        for jobs in (FEW, MANY):
            run = measure(round(jobs / len(MODES)), "--swarm-backend=sim", *arguments)
            peaks_mb.append(run.peak_mb)
            print(f"| {number} | {run.jobs} | {run.peak_mb:.0f} MB |", flush=True)
        grown.append(f"{1024 * (peaks_mb[1] - peaks_mb[0]) / (MANY - FEW):.1f} kB")
    print(f"\nEach job adds {grown[0]} in one process, and {grown[1]} in two.")


def share() -> None:
    """Print the milliseconds of a job: of its router, of the simulated server, and of the harness, the rest."""
    print(f"\nOf the harness, pytest itself takes {1000 * floor_s():.2f} ms a test (CPU time).", flush=True)
    print("\n| workflows | mode | a job | its router | simulated server | harness | ratio | with the server |")
    print("|---|---|---|---|---|---|---|---|")
    for name, source in WORKFLOWS.items():
        for mode in MODES:
            _print_share(name, source, mode)


def _print_share(name: str, source: str, mode: str) -> None:
    """Print the row of one mode; the ratios are to the router."""
    conftest = Path(server_time.__file__).read_text(encoding="ascii")
    run = measure(round(JOBS / len(MODES)), "--swarm-backend=sim", modes=(mode,), source=source, conftest=conftest)
    assert run.server_s is not None, "it was timed"
    job_s, router_s, server_s = (each / run.jobs for each in (run.loop_s, run.routing_s, run.server_s))
    rest_s = job_s - router_s
    times = " | ".join(f"{1000 * each:.1f} ms" for each in (job_s, router_s, server_s, rest_s - server_s))
    print(f"| {name} | {mode} | {times} | {(rest_s - server_s) / router_s:.2f} | {rest_s / router_s:.2f} |", flush=True)


def floor_s() -> float:
    """Return the CPU seconds that pytest alone takes for an empty parametrized test, with pytest-benchmark loaded."""
    return (empty_run(JOBS).cpu_s - empty_run(1).cpu_s) / (JOBS - 1)


def empty_run(tests: int, *arguments: str) -> Used:
    """Run empty parametrized tests without this plugin, in a process of its own.

    Args:
        tests: Their number.
        arguments: Further arguments of pytest.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text(EMPTY, encoding="ascii")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        return used_by([*command, "-p", "no:swarm", *arguments], Path(folder), tests)


@contextmanager
def server() -> Iterator[str]:
    """A simulated server over HTTP, in real time, some times as fast as an A40."""
    from pytest_swarm.simulator.http_server import serve_in_thread
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.simulated_world import SimulatedWorld

    profile = load_profile("a40")
    models = tuple(
        replace(
            each,
            load_s=each.load_s / SPEED,
            first_load_s=None,
            prefill_tokens_per_s=each.prefill_tokens_per_s * SPEED,
            decode_tokens_per_s=each.decode_tokens_per_s * SPEED,
        )
        for each in profile.server_spec.models
    )
    spec = replace(profile.server_spec, models=models)
    with serve_in_thread(SimulatedWorld(profile=profile).server(spec=spec)) as url:
        yield url


def hosts() -> None:
    """Print the time of two workers on one server, and on two."""
    print(f"\n{HOST_JOBS} jobs (greedy) over HTTP, two workers\n\n| servers | wall from first to last job |\n|---|---|")
    walls_s = []
    for number in (1, 2):
        with ExitStack() as stack:
            urls = [stack.enter_context(server()) for _ in range(number)]
            addresses = (f"--swarm-host={url}" for url in urls)
            run = measure(HOST_JOBS, "-n2", "--swarm-backend=ollama", *addresses, modes=("greedy",))
        walls_s.append(run.loop_s)
        print(f"| {number} | {run.loop_s:.1f} s |", flush=True)
    print(f"\nTwo servers are {walls_s[0] / walls_s[1]:.2f} times as fast as one.")


PARTS: Final = {"processes": processes, "memory": memory, "share": share, "hosts": hosts}

if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in PARTS]
    if unknown:
        raise SystemExit(f"{unknown[0]}: is no part; name some of {', '.join(PARTS)}, or none for all of them")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
