"""What a session makes late, because it is heavy: fleet, backend, bench, GPU and the lock of a real server."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_swarm.errors import OptionError

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.confinement import Confinement
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec
    from pytest_swarm.telemetry.nvml import GpuMeter


class Resources:
    """Each part is made when it is first asked for.

    Args:
        settings: The session's settings.
        routers: The routers of third parties, by mode.
        process: Which process of the session this is.
    """

    def __init__(
        self, settings: Settings, *, routers: Mapping[str, RouterFactory | ModeSpec], process: Process
    ) -> None:
        self._settings = settings
        self._routers = routers
        self._process = process
        self.budgets_gb: frozenset[float] = frozenset()
        """The budgets of the cases to run, once they are collected."""

    @property
    def in_worker(self) -> bool:
        """Whether this process is a worker of xdist."""
        return self._process.worker is not None

    @cached_property
    def gpu(self) -> GpuMeter | None:
        """The machine's GPUs by NVML."""
        from pytest_swarm.telemetry.nvml import open_gpu

        return open_gpu()

    def gpu_gb(self) -> float:
        """Return the VRAM of the machine's GPU in GB; OptionError where there is none."""
        from pytest_swarm.units import bytes_to_gb

        if self.gpu is None:
            raise OptionError("no VRAM budget: NVML finds no NVIDIA GPU here, so give one, such as --swarm-vram=8GB")
        return bytes_to_gb(self.gpu.total_bytes)

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        from pytest_swarm.workloads.fleet import load_fleet

        return load_fleet(self._settings.fleet)

    @cached_property
    def backend(self) -> Backend:
        """Where calls go."""
        from pytest_swarm.plugin.backend_choice import choose_backend

        return choose_backend(self._settings, self.fleet, worker=self._process.worker, run=self._process.run_name)

    @cached_property
    def bench(self) -> Bench:
        """What runs the cases."""
        from pytest_swarm.execution.bench import Bench, BenchSettings
        from pytest_swarm.routing.base import Weights

        s = self._settings
        settings = BenchSettings(
            weights=Weights(token=s.lambda_token, switch=s.lambda_switch, latency=s.lambda_latency),
            concurrency=s.concurrency,
            seed=s.seed,
            planner=s.planner or self._default_planner(),
            judge=s.judge,
            code_eval=s.code_eval is not None,
            strict_code_eval=s.code_eval == "strict",
            solve_limit_s=s.solve_limit_s,
            routers=self._routers,
        )
        gpu = self.gpu if self.backend.is_local else None
        return Bench(backend=self.backend, fleet=self.fleet, settings=settings, gpu=gpu)

    def header(self, *, quiet: bool) -> list[str]:
        """Return the lines before the first test; with `quiet`, only a warning."""
        lines = [] if quiet else [f"swarm: {self.backend.detail}"]
        warning = self.confinement.warning if self.confinement else None
        return lines if warning is None else [*lines, f"swarm: {warning}"]

    @cached_property
    def confinement(self) -> Confinement | None:
        """What confines answered code here; None where none is run."""
        from pytest_swarm.plugin.confinement import Confinement

        return Confinement.found(strict=self._settings.code_eval == "strict") if self._settings.code_eval else None

    def _default_planner(self) -> str:
        """The fleet's best reasoner that fits the smallest budget, given or of a case; the first of equals."""
        from pytest_swarm.domain.task import TaskType

        given = self._settings.cli.budgets or self._settings.ini.budgets or ()
        budgets_gb = (*self.budgets_gb, *(each for each in given if each != "auto"))
        smallest_gb = min(budgets_gb, default=math.inf)
        fitting = [model for model in self.fleet if model.vram_gb <= smallest_gb] or [self.fleet.smallest]
        return max(fitting, key=lambda model: model.capability(TaskType.REASONING)).tag

    @contextmanager
    def exclusive(self) -> Iterator[None]:
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

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A simulated server over real HTTP; gives its base URL."""
        from pytest_swarm.plugin.backend_choice import simulated_server
        from pytest_swarm.simulator.http_server import serve_in_thread

        with serve_in_thread(simulated_server(self._settings)) as url:
            yield url

    def close(self) -> None:
        """Close the bench, if there is one."""
        if "bench" in self.__dict__:
            self.bench.close()
