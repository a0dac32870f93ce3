"""What a session makes late, because it is heavy: fleet, backend, bench, GPU and the lock of a real server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.errors import OptionError
from pytest_swarm.routing.mode_table import ModeTable

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.estimate.starting_estimates import EstimateSource
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.backend_choice import ModelDemand
    from pytest_swarm.plugin.confinement import Confinement
    from pytest_swarm.plugin.free_vram import MachineGpu
    from pytest_swarm.plugin.host_pool import HostPool
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.server_visit import ServerVisit
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec


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
        self.tell = self.tell_progress = tell
        self.tell_cost: Callable[[str, str], None] = lambda _, sentence: tell(sentence)
        self.remarks: list[str] = []
        """Sentences about the server for the report."""
        self.budgets_gb: frozenset[float] = frozenset()
        """The budgets of the cases to run, once they are collected."""
        self.folder: Path | None = None
        """The folder of the ini file."""
        self.modes: frozenset[str] = frozenset()
        """Their routing modes."""
        self.hosts: HostPool | None = None
        """The servers that the cases are spread over; None where there is one at most."""

    def at(self, host: str) -> Resources:
        """Return the resources of a run on one of several servers."""
        settings = self._settings.at(host)
        resources = Resources(settings, routers=self._routers, process=self._process, tell=self.tell)
        resources.budgets_gb, resources.modes, resources.folder = self.budgets_gb, self.modes, self.folder
        return resources

    @property
    def in_worker(self) -> bool:
        """Whether this process is a worker of xdist."""
        return self._process.worker is not None

    @cached_property
    def gpu(self) -> MachineGpu:
        """The GPUs of this machine."""
        from pytest_swarm.plugin.free_vram import MachineGpu

        return MachineGpu(self._settings, told=self._process.free_vram, fleet=lambda: self.fleet)

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        from pytest_swarm.workloads.fleet import load_fleet

        return load_fleet(self._settings.fleet)

    @cached_property
    def backend(self) -> Backend:
        """Where calls go."""
        from pytest_swarm.plugin.backend_choice import choose_backend

        if self.measuring is not None:
            return self.measuring.backend
        return choose_backend(self._settings, self.demand(), process=self._process)

    def demand(self) -> ModelDemand:
        """Return the models that the run needs."""
        from pytest_swarm.plugin.backend_choice import ModelDemand

        table = ModeTable(self._routers)
        planning = sorted(mode for mode in self.modes if "planner" in table.spec(mode).needs)
        planners = (table.planner_of(mode, self._settings.planner) for mode in planning)
        return ModelDemand(
            fleet=self.fleet,
            planners=tuple(dict.fromkeys(tag for tag in planners if tag is not None)),
            judge=self._settings.judge,
        )

    @cached_property
    def measuring(self) -> Measuring | None:
        """What measures the answers of --swarm-backend=measure; None for every other backend."""
        if self._settings.backend != "measure":
            return None
        from pytest_swarm.plugin.backend_choice import measured_server
        from pytest_swarm.plugin.measuring import Measuring

        demand = self.demand()
        server = measured_server(self._settings, demand, process=self._process)
        return Measuring(self._settings, self, demand=demand, server=server, since_ms=self._process.started_ts_ms)

    @cached_property
    def called(self) -> Backend:
        """The backend whose server is really called: with --swarm-backend=measure the one that is measured."""
        return (None if self.measuring is None else self.measuring.inner) or self.backend

    @cached_property
    def server_bench(self) -> Bench:
        """The bench of that backend."""
        return self.bench if self.called is self.backend else self.bench_of(self.called)

    @cached_property
    def bench(self) -> Bench:
        """What runs the cases."""
        return self.bench_of(self.backend)

    def bench_of(self, backend: Backend) -> Bench:
        """Return a bench of a backend with the session's settings."""
        from pytest_swarm.execution.bench import Bench
        from pytest_swarm.execution.bench_settings import BenchSettings
        from pytest_swarm.routing.base import Weights

        s = self._settings
        settings = BenchSettings(
            weights=Weights(token=s.lambda_token_alone, switch=s.lambda_switch, latency=s.lambda_latency),
            concurrency=s.concurrency,
            dispatch=s.dispatch,
            replan_after=s.replan,
            seed=s.seed,
            planner=s.planner or self._default_planner(),
            quality_floor=s.quality_floor,
            judge=s.judge,
            code_eval=s.code_eval is not None,
            strict_code_eval=s.code_eval == "strict",
            solve_limit_s=s.solve_limit_s,
            routers=self._routers,
            estimates=self.estimates,
            folder=self.folder,
        )
        gpu = self.gpu.meter if backend.is_local else None
        return Bench(backend=backend, fleet=self.fleet, settings=settings, gpu=gpu)

    @cached_property
    def estimates(self) -> EstimateSource:
        """Where the estimates of each job start."""
        from pytest_swarm.domain.estimates_info import EstimatesKind
        from pytest_swarm.execution.estimate_sources import estimate_source
        from pytest_swarm.plugin.backend_choice import imported_answers

        choice, learning = self._settings.estimates, self._settings.learning == "on"
        unnamed = choice.path is None and choice.kind is not EstimatesKind.PRIOR
        here = self.backend.simulated and not self.called.live
        imported = imported_answers(self._settings) if unnamed and here else None
        return estimate_source(choice, self.fleet, learning=learning, imported=imported)

    def header(self, *, quiet: bool) -> list[str]:
        """Return the lines before the first test; with `quiet`, only a warning."""
        info = self.estimates.info
        said = [info.sentence] if info.source is not None or not info.learning else []
        lines = [] if quiet else [f"swarm: {text}" for text in (self.backend.detail, *said, *self.remarks)]
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
        if not self.called.live:
            yield
            return
        with self.visit.case():
            yield

    @property
    def planned_fleet(self) -> Fleet:
        """The fleet as the run plans with it, and the tags that others of the same file stand for."""
        planned = self.bench.fleet
        own = (each if each.tag in planned.merged_tags else planned[each.tag] for each in self.fleet)
        return replace(self.fleet, models=tuple(own))

    def look_at_server(self) -> None:
        """Keep remarks on the server: models of others that are resident, and tags of one file; try its lock."""
        from pytest_swarm.plugin.start_remarks import (
            apart_remarks,
            foreign_remark,
            one_file_remarks,
            same_weights_remarks,
        )

        self.remarks += one_file_remarks(self.called, self.server_bench.fleet)
        self.remarks += same_weights_remarks(self.planned_fleet)
        own = tuple(tag for tag in (self._settings.planner, self._settings.judge) if tag)
        if self.measuring is not None and self.measuring.inner is not None:
            self.measuring.lock.check()
        if self.called.live:
            self.visit.lock.check()
            self.remarks += apart_remarks(self.server_bench, self.planned_fleet)
            self.remarks += foreign_remark(self.server_bench, own, budgets_gb=self.budgets_gb, free=self.gpu.free_vram)

    def look_at_policies(self) -> None:
        """Keep remarks on what is other than when a policy of the run was decided."""
        from pytest_swarm.plugin.start_remarks import policy_remarks

        self.remarks += policy_remarks(self, self._settings.given)

    @cached_property
    def model_digests(self) -> dict[str, str]:
        """The digests of the fleet's models by tag: on a real server, or of measured answers; empty where simulated."""
        from pytest_swarm.plugin.start_remarks import fleet_digests

        return {} if self.in_worker else fleet_digests(self)

    @cached_property
    def visit(self) -> ServerVisit:
        """The stay of this process at the real server that is called."""
        from pytest_swarm.plugin.server_lock import ServerLock
        from pytest_swarm.plugin.server_visit import ServerVisit

        assert self.called.host is not None, "every live backend has one"
        return ServerVisit(ServerLock(self.called.host, tell=self.tell), self.server_bench, run=self._process.run_name)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A simulated server over real HTTP; gives its base URL."""
        from pytest_swarm.plugin.backend_choice import simulated_server
        from pytest_swarm.simulator.http_server import serve_in_thread

        with serve_in_thread(simulated_server(self._settings)) as url:
            yield url

    def close(self) -> None:
        """Close the bench and the answer store, where there are any, and leave a real server as it was found."""
        if self.hosts is not None:
            self.remarks += self.hosts.close()
        measuring = self.__dict__.get("measuring")  # a controller of xdist only counts what is stored
        if measuring is not None:
            self.remarks += measuring.close()
        if "bench" not in self.__dict__:
            return
        self.bench.close()
        if measuring is not None:
            self.server_bench.close()
        if self.bench.gpu is not None:
            self.remarks += self.bench.gpu.troubles
        if "visit" in self.__dict__:
            try:
                self.remarks += self.visit.leave(loaded=self._settings.leave_loaded)
            except OptionError as error:  # its lock was taken away while the run used it
                self.remarks.append(f"the server was not left as it was found, look at `ollama ps`: {error}")
