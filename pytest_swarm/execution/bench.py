"""Bench: runs cases one after the other on one backend. The way in for everybody, with pytest or without.

with Bench(backend=backend, fleet=load_fleet("heavy")) as bench:
    record = bench.run(Case(graph=graph, key=CaseKey(mode="milp", horizon=3, vram_budget_gb=8)))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, Self, TypeAlias

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.errors import OptionError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.auxiliary_models import auxiliary_model
from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.execution.build_view import Moment, build_view
from pytest_swarm.execution.case import run_case
from pytest_swarm.execution.case_context import CaseContext, RunSettings
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.residency import ResidencyContext, ResidencyManager
from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup, Weights
from pytest_swarm.routing.registry import make_router
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import ListSink, Sink

Carryover: TypeAlias = Literal["case", "group"]
NEEDS_TRUTH: Final = "oracle"  # the one mode that plans with realised scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BenchSettings:
    """What stays the same over all cases of a bench.

    `planner` and `judge` are Ollama tags; without a planner the `llm` mode cannot be used, without a judge its
    expectations stay unscored. `code_eval` runs answered code, in a sandbox. `solve_limit_s` bounds exact solvers.
    """

    weights: Weights = field(default_factory=Weights)
    concurrency: int = 4
    seed: int = 0
    planner: str | None = None
    judge: str | None = None
    code_eval: bool = False
    solve_limit_s: float | None = None
    routers: Mapping[str, RouterFactory] = field(default_factory=dict)


class _Lane:
    """One loop, one connection and what was learned on it; lives for a case, or for a group of cases."""

    def __init__(self, backend: Backend, fleet: Fleet) -> None:
        self.backend = backend
        self.runner = asyncio.Runner(loop_factory=backend.new_loop)
        self.connection: Connection = self.runner.run(_in_loop(backend))
        self.estimator = Estimator(fleet)
        self.keeper = ResidencyManager(self.connection.client, fleet)
        self.fresh = True

    def close(self) -> None:
        """Close the connection and the loop."""
        self.runner.run(self.connection.client.aclose())
        self.runner.close()


async def _in_loop(backend: Backend) -> Connection:
    return backend.connect()


async def _clock_in_loop(backend: Backend) -> JobClock:
    return JobClock(virtual=backend.virtual)


class Bench:
    """Runs cases on one backend, one at a time.

    With carryover "case" every case meets an empty GPU and the fleet file's priors; with "group" residency and learned
    estimates live on over the jobs of one mode, horizon, budget and repeat that are run in a row.
    """

    def __init__(
        self, *, backend: Backend, fleet: Fleet, settings: BenchSettings | None = None, gpu: GpuMeter | None = None
    ) -> None:
        self.backend = backend
        self.fleet = fleet
        self.settings = settings or BenchSettings()
        self.gpu = gpu
        self._routers: dict[str, Router] = {}
        self._lane: _Lane | None = None
        self._lane_key: CaseKey | None = None

    def run(self, case: Case, *, carryover: Carryover = "case", sink: Sink | None = None) -> JobRecord:
        """Run one case to its end; its events go to `sink` as they happen."""
        lane, sink = self._enter_lane(case, carryover), sink or ListSink()
        lane.connection.register_graph(case.graph)
        journal, loop = lane.connection.listener, lane.runner.get_loop()
        if journal is not None:
            journal.begin(case, now_s=loop.time())
        engine = self._engine(case, lane, sink)
        lane.fresh = False
        record = lane.runner.run(run_case(case, engine))
        if journal is not None:
            for sentence in journal.finish(now_s=loop.time()):
                sink.emit(encode_note(case, sentence, record.started_ts_ms))
        return record

    @contextmanager
    def decision(self, case: Case) -> Iterator[Callable[[], Plan]]:
        """The router's first decision of a case, to be timed: each call plans the same view again, and runs nothing.

        It has a connection of its own, so that what a group of cases has learned and loaded stays as it is.
        """
        lane, before = _Lane(self.backend, self.fleet), (self._lane, self._lane_key)
        self._lane, self._lane_key = lane, None
        try:
            lane.connection.register_graph(case.graph)
            seed = request_seed(self.settings.seed, case.key.repeat)
            clock = lane.runner.run(_clock_in_loop(self.backend))
            budget_gb = case.key.vram_budget_gb
            lane.keeper.begin(
                ResidencyContext(vram_budget_gb=budget_gb, seed=seed, clock=clock, on_switch=lambda _: None)
            )
            graph = case.graph.flattened() if case.key.horizon == "flat" else case.graph
            moment = Moment(step=0, graph=graph, finished=frozenset(), resident=frozenset())
            view = build_view(
                moment, case.key, estimator=lane.estimator, weights=self.settings.weights, seed=self.settings.seed
            )
            router = self._router(case, lane)
            yield lambda: lane.runner.run(router.route(view))
        finally:
            lane.close()
            self._lane, self._lane_key = before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; a later `run` opens it again."""
        if self._lane is not None:
            self._lane.close()
            self._lane = self._lane_key = None

    def _enter_lane(self, case: Case, carryover: Carryover) -> _Lane:
        if self._lane is None or carryover == "case" or self._lane_key != case.key:
            self.close()
            backend = self.backend if self.backend.for_case is None else self.backend.for_case(case)
            self._lane, self._lane_key = _Lane(backend, self.fleet), case.key
        return self._lane

    def _engine(self, case: Case, lane: _Lane, sink: Sink) -> CaseContext:
        s = self.settings
        judge = None if s.judge is None else auxiliary_model(s.judge, self.fleet, self._keeper)
        return CaseContext(
            router=self._router(case, lane),
            keeper=lane.keeper,
            estimator=lane.estimator,
            scorers=Scorers(run_code=s.code_eval, judge=judge, threads=not lane.backend.virtual),
            sink=sink,
            watcher=lane.connection.probe_client,
            gpu=self.gpu if lane.backend.is_local else None,
            settings=RunSettings(
                weights=s.weights,
                concurrency=s.concurrency,
                seed=s.seed,
                fresh=lane.fresh,
                simulated=lane.backend.simulated,
                virtual_time=lane.backend.virtual,
            ),
        )

    def _router(self, case: Case, lane: _Lane) -> Router:
        """The mode's router; kept over cases, because it may hold compiled programs, unless it knows a case's truth."""
        mode = case.key.mode
        if mode in self._routers:
            return self._routers[mode]
        realised = None
        if mode == NEEDS_TRUTH:
            realised = lane.connection.realised(case.graph, request_seed(self.settings.seed, case.key.repeat))
            if realised is None:
                raise OptionError("mode 'oracle' needs realised scores, which only the simulator knows; leave it out")
        planner = self.settings.planner
        setup = RouterSetup(
            fleet=self.fleet,
            planner=None if planner is None else auxiliary_model(planner, self.fleet, self._keeper),
            solve_limit_s=self.settings.solve_limit_s,
            realised=realised,
        )
        router = make_router(mode, setup, self.settings.routers)
        if mode != NEEDS_TRUTH:
            self._routers[mode] = router
        return router

    def _keeper(self) -> ResidencyManager:
        assert self._lane is not None, "only asked while a case is running"
        return self._lane.keeper
