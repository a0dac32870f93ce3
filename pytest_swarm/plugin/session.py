"""SwarmSession: the state of one pytest session, and what is made late because it is heavy: fleet, backend, bench."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.axes import Axes, axes_of_marker
from pytest_swarm.plugin.selection import is_swarm
from pytest_swarm.plugin.settings import Settings, read_settings
from pytest_swarm.routing.registry import DEFAULT_MODES, ModeTable

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.domain.record import Case, CaseKey, JobRecord
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.gate_session import Gating
    from pytest_swarm.plugin.progress import Progress
    from pytest_swarm.plugin.repeating import Repeating
    from pytest_swarm.plugin.run_folder import RunFolder
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec
    from pytest_swarm.telemetry.nvml import GpuMeter

MARKER = "swarm"
SESSION = pytest.StashKey["SwarmSession"]()


def session_of(config: pytest.Config) -> SwarmSession:
    """The session's state, made when it is first needed; OptionError for an option that means nothing."""
    if SESSION not in config.stash:
        config.stash[SESSION] = make_session(config)
    return config.stash[SESSION]


def make_session(config: pytest.Config) -> SwarmSession:
    """The state of a session, with third parties' routers."""
    routers: dict[str, RouterFactory | ModeSpec] = {}
    for named in config.hook.pytest_swarm_routers(config=config):
        routers.update(named)
    return SwarmSession(config, read_settings(config, modes=ModeTable(routers)), routers)


class SwarmSession:
    """Settings, and everything that is made of them when a test first needs it."""

    def __init__(
        self, config: pytest.Config, settings: Settings, routers: Mapping[str, RouterFactory | ModeSpec]
    ) -> None:
        self.config = config
        self.settings = settings
        self.routers = routers
        self.modes = ModeTable(routers)
        self.collected: list[str] = []
        self.notes: list[str] = []

    # --- the axes of a test ------------------------------------------------------------------------------------

    def axes_of(self, item: pytest.Item) -> Axes:
        """What command line, the test's closest marker and ini say together."""
        marker = item.get_closest_marker(MARKER)
        said = Axes() if marker is None else axes_of_marker(marker.args, dict(marker.kwargs), known=self.modes)
        return self.settings.axes(said)

    def case_keys(self, axes: Axes) -> tuple[CaseKey, ...]:
        """Every case of a test: modes x horizons x budgets x repeats."""
        from pytest_swarm.domain.record import CaseKey

        return tuple(
            CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget, repeat=repeat)
            for mode in axes.modes or DEFAULT_MODES
            for horizon in axes.horizons or (0,)
            for budget in self._budgets_gb(axes)
            for repeat in range(1, (axes.repeat or 1) + 1)
        )

    def _budgets_gb(self, axes: Axes) -> tuple[float, ...]:
        """The budgets as numbers; `auto`, also the default, asks the GPU, and never invents one."""
        return tuple(dict.fromkeys(self._gpu_gb if each == "auto" else each for each in axes.budgets or ("auto",)))

    @cached_property
    def _gpu_gb(self) -> float:
        from pytest_swarm.units import bytes_to_gb

        if self.gpu is None:
            raise OptionError("no VRAM budget: NVML finds no NVIDIA GPU here, so give one, such as --swarm-vram=8GB")
        return bytes_to_gb(self.gpu.total_bytes)

    # --- made when first needed --------------------------------------------------------------------------------

    @cached_property
    def gpu(self) -> GpuMeter | None:
        """The machine's GPUs by NVML."""
        from pytest_swarm.telemetry.nvml import open_gpu

        return open_gpu()

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        from pytest_swarm.workloads.fleet import load_fleet

        return load_fleet(self.settings.fleet)

    @cached_property
    def backend(self) -> Backend:
        """Where calls go."""
        from pytest_swarm.plugin.backend_choice import choose_backend

        return choose_backend(self.settings, self.fleet, worker=self._worker_number, run=self.run_name)

    @cached_property
    def bench(self) -> Bench:
        """What runs the cases."""
        from pytest_swarm.execution.bench import Bench, BenchSettings
        from pytest_swarm.routing.base import Weights

        s = self.settings
        weights = Weights(token=s.lambda_token, switch=s.lambda_switch, latency=s.lambda_latency)
        settings = BenchSettings(
            weights=weights,
            concurrency=s.concurrency,
            seed=s.seed,
            planner=s.planner or self._default_planner(),
            judge=s.judge,
            code_eval=s.code_eval,
            solve_limit_s=s.solve_limit_s,
            routers=self.routers,
        )
        gpu = self.gpu if self.backend.is_local else None
        return Bench(backend=self.backend, fleet=self.fleet, settings=settings, gpu=gpu)

    def _default_planner(self) -> str:
        """The fleet's best reasoner among the models that fit the smallest budget given; the first among equals."""
        from pytest_swarm.domain.task import TaskType

        given = self.settings.cli.budgets or self.settings.ini.budgets or ()
        smallest_gb = min((each for each in given if each != "auto"), default=math.inf)
        fitting = [model for model in self.fleet if model.vram_gb <= smallest_gb] or [self.fleet.smallest]
        return max(fitting, key=lambda model: model.capability(TaskType.REASONING)).tag

    @cached_property
    def folder(self) -> RunFolder:
        """Where this run's events and reports go."""
        from pytest_swarm.plugin.run_folder import RunFolder

        return RunFolder(self)

    @cached_property
    def run_name(self) -> str:
        """The name of the run's folder: a worker is told by its controller."""
        from pytest_swarm.plugin.run_folder import new_run_name

        worker: Mapping[str, str] | None = getattr(self.config, "workerinput", None)
        return new_run_name() if worker is None else worker["swarm_run"]

    @cached_property
    def gating(self) -> Gating | None:
        """The gate; None where there is neither a baseline nor one to be written."""
        from pytest_swarm.plugin.gate_session import Gating

        return None if self.settings.gate.file is None else Gating(self)

    @cached_property
    def repeating(self) -> Repeating | None:
        """What decides of further repeats; None where every repeat is run, as it is for a baseline."""
        from pytest_swarm.plugin.repeating import Repeating

        if not self.settings.auto_repeat:
            return None
        if self.gating is None:
            raise OptionError("--swarm-repeat=auto goes on until the gate has decided: give --swarm-baseline=FILE")
        baseline = self.gating.baseline
        if baseline is None or self.gating.settings.update is not None:
            return None
        return Repeating(baseline, self.settings.gate.rule)

    # --- running -----------------------------------------------------------------------------------------------

    def prepare(self, items: list[pytest.Item], *, collect_only: bool) -> None:
        """Make what may fail for a bad file or an absent server, unless nothing will be run."""
        self.collected = [item.nodeid for item in items if is_swarm(item)]
        if self.collected and not collect_only:
            _ = (self.bench, self.repeating)
            self.bench.check_modes(
                mode for item in items if is_swarm(item) for mode in self.axes_of(item).modes or DEFAULT_MODES
            )
            self.folder.claim()
            if self.gating is not None:
                self.gating.prepare(items)

    def finished(self, case: Case) -> JobRecord | None:
        """The case's record, where the run that is resumed has finished it."""
        return self.folder.finished.get(case.digest)

    def run(self, case: Case, item: pytest.Item) -> JobRecord:
        """Run one case, under the lock of its server where that is a real one, and close it in the events."""
        from pytest_swarm.metrics.job_metrics import encode_metrics, job_metrics
        from pytest_swarm.telemetry.events import encode_job_summary

        carryover = self.axes_of(item).carryover or "case"
        if carryover == "group" and self._worker_number is not None:
            raise OptionError("--swarm-carryover=group keeps what was learned in one process; run it without -n")
        with self._exclusive():
            record = self.bench.run(case, carryover=carryover, sink=self.folder.sink)
        metrics = encode_metrics(job_metrics(record))
        self.folder.sink.emit(encode_job_summary(record, self.folder.now_ms(), metrics))
        self.config.hook.pytest_swarm_run_finished(record=record)
        return record

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One case at a time on a real server, whatever xdist does: two would fight over its VRAM."""
        if not self.backend.live:
            yield
            return
        with self._server_lock:
            yield

    @cached_property
    def _server_lock(self) -> BaseFileLock:
        from hashlib import sha256

        from filelock import FileLock

        name = sha256(self.backend.detail.encode()).hexdigest()[:12]
        return FileLock(Path(tempfile.gettempdir()) / f"pytest-swarm-{name}.lock")

    @property
    def _worker_number(self) -> int | None:
        """The number of this xdist worker, None in an ordinary session."""
        worker: Mapping[str, str] | None = getattr(self.config, "workerinput", None)
        return None if worker is None else int(worker["workerid"].removeprefix("gw"))

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A simulated server over real HTTP; gives its base URL."""
        from pytest_swarm.plugin.backend_choice import simulated_server
        from pytest_swarm.simulator.http_server import serve_in_thread

        with serve_in_thread(simulated_server(self.settings)) as url:
            yield url

    @property
    def has_folder(self) -> bool:
        """Whether a test has needed the run's folder, or a worker has sent something for it."""
        return "folder" in self.__dict__

    def status(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Category, letter and verbose word of a benchmark that has ended; None for any other report."""
        from pytest_swarm.plugin.progress import is_benchmark_call

        if not is_benchmark_call(report) or hasattr(report, "wasxfail"):
            return None
        return report.outcome, "." if report.passed else "F", self._progress.word(report)

    @cached_property
    def _progress(self) -> Progress:
        from pytest_swarm.plugin.progress import Progress

        return Progress(total=len(self.collected))

    def lost_worker(self) -> None:
        """A worker of xdist died and took a test with it."""
        self.notes.append("a worker of xdist died; what it was running is not in this run")
        if self.gating is not None:
            self.gating.lost_worker = True

    def close(self) -> None:
        """Close the bench, if there is one."""
        if "bench" in self.__dict__:
            self.bench.close()
