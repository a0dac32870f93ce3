"""What a run of benchmarks makes late, because it is heavy: backend, bench, estimates and the visit at a server."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.lazy_parts import made

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.estimate.starting_estimates import EstimateSource
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.backend_choice import ModelDemand
    from pytest_swarm.plugin.collected import Collected
    from pytest_swarm.plugin.host_pool import HostPool
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.server_visit import ServerVisit
    from pytest_swarm.plugin.session_inputs import SessionInputs
    from pytest_swarm.plugin.settings import Settings


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: each part is made when it is first asked for
class Resources:
    """What the collected benchmarks need of a session: each part is made when it is first asked for.

    `remarks` are sentences about the server for the report.
    """

    inputs: SessionInputs
    collected: Collected
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Keep a sentence for the report, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def at(self, host: str) -> Resources:
        """Return the resources of a run on one of several servers."""
        return Resources(inputs=self.inputs.at(host), collected=self.collected)

    @property
    def settings(self) -> Settings:
        """The settings of the session, or of one of its servers."""
        return self.inputs.settings

    @property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        return self.inputs.fleet

    @cached_property
    def backend(self) -> Backend:
        """Where calls go."""
        from pytest_swarm.plugin.backend_choice import choose_backend

        if self.measuring is not None:
            return self.measuring.backend
        return choose_backend(self.settings, self.demand, process=self.inputs.process)

    @cached_property
    def demand(self) -> ModelDemand:
        """The models that the run needs."""
        from pytest_swarm.plugin.backend_choice import ModelDemand

        table = self.inputs.modes
        planning = sorted(mode for mode in self.collected.modes if "planner" in table.spec(mode).needs)
        planners = (table.planner_of(mode, self.settings.planner) for mode in planning)
        return ModelDemand(
            fleet=self.fleet,
            planners=tuple(dict.fromkeys(tag for tag in planners if tag is not None)),
            judge=self.settings.judge,
        )

    @cached_property
    def measuring(self) -> Measuring | None:
        """What measures the answers of --swarm-backend=measure; None for every other backend."""
        if self.settings.backend != "measure":
            return None
        from pytest_swarm.plugin.backend_choice import measured_server
        from pytest_swarm.plugin.measuring import Measuring

        return Measuring(self, measured_server(self.settings, self.demand, process=self.inputs.process))

    @cached_property
    def to_verify(self) -> frozenset[str]:
        """The tests that are run for real as well, by --swarm-verify."""
        from pytest_swarm.plugin.verifying import drawn_tests

        return drawn_tests(self)

    @cached_property
    def hosts(self) -> HostPool | None:
        """The servers that the cases are spread over; None where there is one at most."""
        from pytest_swarm.plugin.host_setup import pool_of_hosts

        return pool_of_hosts(self)

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

        s = self.settings
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
            routers=self.inputs.routers,
            estimates=self.estimates,
            folder=self.inputs.folder,
        )
        gpu = self.inputs.gpu.meter if backend.is_local else None
        return Bench(backend=backend, fleet=self.fleet, settings=settings, gpu=gpu)

    @cached_property
    def estimates(self) -> EstimateSource:
        """Where the estimates of each job start."""
        from pytest_swarm.domain.estimates_info import EstimatesKind
        from pytest_swarm.execution.estimate_sources import estimate_source
        from pytest_swarm.plugin.backend_choice import imported_answers

        choice, learning = self.settings.estimates, self.settings.learning == "on"
        unnamed = choice.path is None and choice.kind is not EstimatesKind.PRIOR
        here = self.backend.simulated and not self.called.live
        imported = imported_answers(self.settings) if unnamed and here else None
        return estimate_source(choice, self.fleet, learning=learning, imported=imported)

    def header(self, *, quiet: bool) -> list[str]:
        """Return the lines before the first test; with `quiet`, only a warning."""
        info = self.estimates.info
        said = [info.sentence] if info.source is not None or not info.learning else []
        lines = [] if quiet else [f"swarm: {text}" for text in (self.backend.detail, *said, *self.remarks)]
        return lines if self.confinement is None else [*lines, f"swarm: {self.confinement}"]

    @cached_property
    def confinement(self) -> str | None:
        """A warning where answered code is run and not confined; None where all is well."""
        from pytest_swarm.plugin.confinement import confinement_warning

        return confinement_warning(strict=self.settings.code_eval == "strict") if self.settings.code_eval else None

    def _default_planner(self) -> str:
        """The fleet's best reasoner that fits the smallest budget, given or of a case; the first of equals."""
        from pytest_swarm.domain.task import TaskType

        given = self.settings.cli.budgets or self.settings.ini.budgets or ()
        budgets_gb = (*self.collected.budgets_gb, *(each for each in given if each != "auto"))
        smallest_gb = min(budgets_gb, default=math.inf)
        fitting = [model for model in self.fleet if model.vram_gb <= smallest_gb] or [self.fleet.smallest]
        return max(fitting, key=lambda model: model.capability(TaskType.REASONING)).tag

    @contextmanager
    def exclusive(self, *, limit_s: float | None = None) -> Iterator[None]:
        """One case at a time on a real server, whoever runs it; TimeoutError where it is not free within the limit."""
        if not self.called.live:
            yield
            return
        with self.visit.case(limit_s=limit_s):
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
            equal_models_remark,
            foreign_remark,
            no_graph_remark,
            one_file_remarks,
            same_weights_remarks,
        )

        self.remarks.extend(one_file_remarks(self.called, self.server_bench.fleet))
        self.remarks.extend(same_weights_remarks(self.planned_fleet))
        self.remarks.extend(equal_models_remark(self.bench.fleet, self.settings.estimates))
        own = tuple(tag for tag in (self.settings.planner, self.settings.judge) if tag)
        if self.measuring is not None and self.measuring.inner is not None:
            self.measuring.lock.check()
        if self.called.live:
            self.visit.lock.check()
            self.remarks.extend(no_graph_remark(self.called))
            self.remarks.extend(apart_remarks(self.server_bench, self.planned_fleet))
            gb, free = self.collected.budgets_gb, self.inputs.gpu.free_vram
            self.remarks.extend(foreign_remark(self.server_bench, own, budgets_gb=gb, free=free))

    def look_at_modes(self) -> None:
        """Keep remarks on options that no mode reads, and on what is other than when a policy was decided."""
        from pytest_swarm.plugin.start_remarks import policy_remarks, unread_remarks

        self.remarks.extend(unread_remarks(self))
        self.remarks.extend(policy_remarks(self, self.settings.given))

    @cached_property
    def model_digests(self) -> dict[str, str]:
        """The digests of the fleet's models by tag: on a real server, or of measured answers; empty where simulated."""
        from pytest_swarm.plugin.start_remarks import fleet_digests

        return {} if self.inputs.process.is_worker else fleet_digests(self)

    @cached_property
    def visit(self) -> ServerVisit:
        """The stay of this process at the real server that is called."""
        from pytest_swarm.plugin.server_lock import ServerLock
        from pytest_swarm.plugin.server_visit import ServerVisit

        assert self.called.host is not None, "every live backend has one"
        return ServerVisit(
            ServerLock(self.called.host, tell=self.inputs.announcer.tell),
            self.server_bench,
            run=self.inputs.process.run_name,
        )

    def close(self) -> None:
        """Close the bench and the answer store, where there are any, and leave a real server as it was found."""
        hosts, measuring = made(self, Resources.hosts), made(self, Resources.measuring)
        bench, visit = made(self, Resources.bench), made(self, Resources.visit)
        if hosts is not None:
            self.remarks.extend(hosts.close())
        if measuring is not None:
            self.remarks.extend(measuring.close())
        if bench is None:  # a controller of xdist only counts what is stored
            return
        bench.close()
        if measuring is not None:
            self.server_bench.close()
        if bench.gpu is not None:
            self.remarks.extend(bench.gpu.troubles)
        if visit is not None:
            try:
                self.remarks.extend(visit.leave(loaded=self.settings.leave_loaded))
            except OptionError as error:  # its lock was taken away while the run used it
                self.remarks.append(f"the server was not left as it was found, look at `ollama ps`: {error}")
