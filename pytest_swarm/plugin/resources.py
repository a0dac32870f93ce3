"""What a session makes late, because it is heavy: fleet, backend, bench, GPU and the lock of a real server."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.errors import OptionError
from pytest_swarm.routing.mode_table import ModeTable

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.confinement import Confinement
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.server_lock import ServerLock
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec
    from pytest_swarm.telemetry.nvml import GpuMeter, NoGpu


class Resources:
    """Each part is made when it is first asked for.

    Args:
        settings: The session's settings.
        routers: The routers of third parties, by mode.
        process: Which process of the session this is.
        tell: Shows a sentence at once, such as that a test waits for the lock of a server.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        routers: Mapping[str, RouterFactory | ModeSpec],
        process: Process,
        tell: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._routers = routers
        self._process = process
        self._tell = tell
        self.remarks: list[str] = []
        """Sentences about the server for the report."""
        self.budgets_gb: frozenset[float] = frozenset()
        """The budgets of the cases to run, once they are collected."""
        self.modes: frozenset[str] = frozenset()
        """Their routing modes."""

    @property
    def in_worker(self) -> bool:
        """Whether this process is a worker of xdist."""
        return self._process.worker is not None

    @cached_property
    def found_gpu(self) -> GpuMeter | NoGpu:
        """The machine's GPUs by NVML, or why they are not measured."""
        from pytest_swarm.telemetry.nvml import find_gpu

        return find_gpu()

    @property
    def gpu(self) -> GpuMeter | None:
        """The machine's GPUs; None where they cannot be measured."""
        from pytest_swarm.telemetry.nvml import GpuMeter

        return self.found_gpu if isinstance(self.found_gpu, GpuMeter) else None

    @cached_property
    def free_gb(self) -> float | None:
        """The VRAM that was free when it was first asked for, in whole tenths of a GB; None where it is not measured.

        The workers of xdist take their controller's, because they must agree on the cases.
        """
        from pytest_swarm.units import bytes_to_gb

        if self.in_worker:
            return self._process.free_gb
        free_bytes = None if self.gpu is None else self.gpu.free_bytes()
        return None if free_bytes is None else math.floor(bytes_to_gb(free_bytes) * 10) / 10

    def gpu_gb(self) -> float:
        """Return the free VRAM of the machine's GPUs in GB; OptionError where none is measured."""
        from pytest_swarm.telemetry.nvml import NoGpu

        if self.free_gb:
            return self.free_gb
        reason = self.found_gpu.reason if isinstance(self.found_gpu, NoGpu) else "no GPU memory is free"
        raise OptionError(f"no VRAM budget: {reason}; give one, such as --swarm-vram=8GB")

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        from pytest_swarm.workloads.fleet import load_fleet

        return load_fleet(self._settings.fleet)

    @cached_property
    def backend(self) -> Backend:
        """Where calls go."""
        from pytest_swarm.plugin.backend_choice import ModelDemand, choose_backend

        table = ModeTable(self._routers)
        plans = any("planner" in table.spec(mode).needs for mode in self.modes)
        planner = self._settings.planner if plans else None
        demand = ModelDemand(fleet=self.fleet, planner=planner, judge=self._settings.judge)
        return choose_backend(self._settings, demand, process=self._process)

    @cached_property
    def bench(self) -> Bench:
        """What runs the cases."""
        from pytest_swarm.execution.bench import Bench, BenchSettings
        from pytest_swarm.routing.base import Weights

        s = self._settings
        settings = BenchSettings(
            weights=Weights(token=s.lambda_token_alone, switch=s.lambda_switch, latency=s.lambda_latency),
            concurrency=s.concurrency,
            dispatch=s.dispatch,
            replan_after=s.replan,
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
        lines = [] if quiet else [f"swarm: {text}" for text in (self.backend.detail, *self.remarks)]
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
        """One case at a time on a real server, whoever runs it: two would fight over its VRAM."""
        if not self.backend.live:
            yield
            return
        with self._server_lock.held():
            self._enter_server()
            try:
                yield
            finally:
                self._note_used()

    def _enter_server(self) -> None:
        """Take over what was resident before the first process that is still at the server, or look and say it."""
        from msgspec.structs import replace

        from pytest_swarm.errors import BackendError

        notes, restoration = self._server_lock.notes(), self.bench.restoration
        if os.getpid() in notes.processes:
            return
        if notes.processes:
            restoration.found = notes.found
        else:
            with suppress(BackendError):  # the case itself reports a server that does not answer
                self.bench.look()
        found = restoration.found or ()
        self._server_lock.write(replace(notes, processes=(*notes.processes, os.getpid()), found=found))

    def _note_used(self) -> None:
        from msgspec.structs import replace

        notes = self._server_lock.notes()
        used = tuple(sorted({*notes.used, *self.bench.restoration.used}))
        self._server_lock.write(replace(notes, used=used))

    def _leave_server(self) -> None:
        """Leave the server as it was found; while other processes of ours are there, the last of them does it."""
        from msgspec.structs import replace

        with self._server_lock.held():
            notes = self._server_lock.notes()
            others = tuple(pid for pid in notes.processes if pid != os.getpid())
            if os.getpid() in notes.processes and not others and not self._settings.leave_loaded:
                self.bench.restoration.found = notes.found
                self.bench.restoration.used.update(notes.used)
                self.remarks += self.bench.leave()
            self._server_lock.write(replace(notes, processes=others))

    def name_foreign_models(self) -> None:
        """Keep remarks on a real server: models of others that are resident, and models of the fleet that are one."""
        from pytest_swarm.errors import BackendError
        from pytest_swarm.execution.backends import one_file_models
        from pytest_swarm.execution.restoration import foreign_models
        from pytest_swarm.units import bytes_to_gb, format_gb

        if not self.backend.live:
            return
        own = (*self.fleet.tags, *(tag for tag in (self._settings.planner, self._settings.judge) if tag))
        with suppress(BackendError):  # the first case reports a server that does not answer
            foreign = foreign_models(self.bench.resident_now(), own)
            if foreign:
                rows = ", ".join(f"{each.tag} ({format_gb(bytes_to_gb(each.size_bytes))})" for each in foreign)
                self.remarks.append(
                    f"resident on the server and not of this run: {rows}; the budget must fit beside them"
                )
            self.remarks += [
                f"{' and '.join(group)} are one model file on the server, which holds it in VRAM once, while plans "
                f"count each of them; leave all but one out of the fleet"
                for group in one_file_models(self.fleet.tags, self.bench.installed_now())
            ]

    @cached_property
    def _server_lock(self) -> ServerLock:
        from pytest_swarm.plugin.server_lock import ServerLock

        assert self.backend.host is not None, "every live backend has one"
        return ServerLock(self.backend.host, tell=self._tell)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A simulated server over real HTTP; gives its base URL."""
        from pytest_swarm.plugin.backend_choice import simulated_server
        from pytest_swarm.simulator.http_server import serve_in_thread

        with serve_in_thread(simulated_server(self._settings)) as url:
            yield url

    def close(self) -> None:
        """Close the bench, if there is one, and leave a real server as it was found."""
        if "bench" not in self.__dict__:
            return
        self.bench.close()
        if self.bench.gpu is not None:
            self.remarks += self.bench.gpu.troubles
        if "_server_lock" in self.__dict__:
            self._leave_server()
