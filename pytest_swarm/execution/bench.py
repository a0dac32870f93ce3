"""The runner of cases: one after the other on one backend. It works with pytest and without.

with Bench(backend=backend, fleet=load_fleet("heavy")) as bench:
    record = bench.run(Case(graph=graph, key=CaseKey(mode="milp", horizon=3, vram_budget_gb=8)))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal, Self, TypeAlias, TypeVar

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.errors import BackendError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.auxiliary_models import auxiliary_model
from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.execution.case import run_case
from pytest_swarm.execution.case_context import CaseContext, Dispatch, RunSettings, set_up_job
from pytest_swarm.execution.planning import Moment, build_view
from pytest_swarm.execution.residency import ResidencyManager
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.router_failures import FailedRouter, router_failures
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel, ResidentEntry
from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup, RoutingError, Weights
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.routing.registry import ModeSpec
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import ListSink, Sink

Carryover: TypeAlias = Literal["case", "group"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BenchSettings:
    """What stays the same over all cases of a bench.

    `planner` and `judge` are Ollama tags; without a planner the `llm` mode cannot be used, without a judge its
    expectations stay unscored. `dispatch` and `replan_after` are as in `RunSettings`.
    `code_eval` runs answered code, in a sandbox; `strict_code_eval` only where the kernel confines it. `solve_limit_s`
    bounds exact solvers.
    """

    weights: Weights = field(default_factory=Weights)
    concurrency: int = 4
    dispatch: Dispatch = "layers"
    replan_after: float = 1
    seed: int = 0
    planner: str | None = None
    judge: str | None = None
    code_eval: bool = False
    strict_code_eval: bool = False
    solve_limit_s: float | None = None
    routers: Mapping[str, RouterFactory | ModeSpec] = field(default_factory=dict)


class _GroupState:
    """One loop, one connection and what was learned on it; lives for a case, or for a group of cases."""

    def __init__(self, backend: Backend, fleet: Fleet, restoration: Restoration) -> None:
        self.backend = backend
        self.runner = asyncio.Runner(loop_factory=backend.new_loop)
        self.connection: Connection = self.runner.run(_in_loop(backend.connect))
        self.estimator = Estimator(fleet)
        self.residency = ResidencyManager(self.connection.client, fleet, restoration=restoration)
        self.fresh = True

    def rehearse(self, case: Case) -> None:
        """Start a decision of a case that is only timed."""
        if self.connection.listener is not None:
            self.connection.listener.rehearse(case, now_s=self.runner.get_loop().time())

    def close(self) -> None:
        """Close the connection and the loop."""
        self.runner.run(self.connection.client.aclose())
        self.runner.close()


def _weights(weights: Weights, case: Case) -> Weights:
    """Return the weights of a case: those of the bench, with its own weight of token cost where a run sweeps it."""
    swept = case.key.lambda_token
    return weights if swept is None else replace(weights, token=swept)


def _record_of(runner: asyncio.Runner, running: Coroutine[None, None, JobRecord]) -> JobRecord:
    """Return the record of a case.

    The task itself has no result, because asyncio makes a text of task and result as it resets the signal handler.
    """
    records: list[JobRecord] = []

    async def keep() -> None:
        records.append(await running)

    runner.run(keep())
    return records[0]


async def _in_loop(make: Callable[[], T]) -> T:
    """Return what must be made while the loop runs."""
    return make()


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
        self._modes = ModeTable(self.settings.routers)
        self._routers: dict[str, Router] = {}
        self._state: _GroupState | None = None
        self._state_key: CaseKey | None = None
        self.restoration = Restoration()

    def check_modes(self, modes: Iterable[str]) -> None:
        """Raise OptionError for the first mode that cannot run here, before any case does."""
        planner, realised = self.settings.planner is not None, self.backend.knows_realised
        for mode in dict.fromkeys(modes):
            self._modes.check(mode, fleet=self.fleet, planner=planner, realised=realised)

    def run(self, case: Case, *, carryover: Carryover = "case", sink: Sink | None = None) -> JobRecord:
        """Run one case to its end, and return its record.

        Args:
            case: The case to run.
            carryover: Whether it starts from nothing, or from what its group has learned and loaded.
            sink: Takes the events as they happen.

        Raises:
            OptionError: The mode cannot run here.
        """
        state, sink = self._enter_state(case, carryover), sink or ListSink()
        state.connection.register_graph(case.graph)
        listener, loop = state.connection.listener, state.runner.get_loop()
        if listener is not None:
            listener.begin(case, now_s=loop.time())
        context = self._context(case, state, sink)
        state.fresh = False
        record = _record_of(state.runner, run_case(case, context))
        if listener is not None:
            for sentence in listener.finish(now_s=loop.time()):
                sink.emit(encode_note(case, sentence, record.started_ts_ms))
        return record

    @contextmanager
    def decision(self, case: Case) -> Iterator[Callable[[], Plan]]:
        """Give a function that makes the router's first decision of a case, to be timed; it runs no task.

        It has a connection of its own, so that what a group of cases has learned and loaded stays as it is.
        """
        state = _GroupState(self.backend, self.fleet, self.restoration)
        before = (self._state, self._state_key)
        self._state, self._state_key = state, None
        try:
            state.connection.register_graph(case.graph)
            state.rehearse(case)
            context = self._context(case, state, ListSink())
            setup = state.runner.run(_in_loop(lambda: set_up_job(case, context, on_switch=lambda _: None)))
            moment = Moment(step=0, graph=setup.graph, finished=frozenset(), resident=frozenset())
            view = build_view(moment, case, context)

            def decide() -> Plan:
                state.rehearse(case)
                return state.runner.run(context.router.route(view))

            yield decide
        finally:
            state.close()
            self._state, self._state_key = before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def look(self) -> tuple[ResidentEntry, ...]:
        """Return what was resident on a real server before the first case; BackendError where it does not answer.

        Nothing on a server in this process, which ends with its connection.
        """
        if self.backend.live:
            self._at_the_server(self.restoration.look)
        return self.restoration.found or ()

    def resident_now(self) -> tuple[ResidentEntry, ...]:
        """Return what is resident on a real server; BackendError where it does not answer."""
        return self._at_the_server(lambda client: client.resident_entries())

    def installed_now(self) -> tuple[ListedModel, ...]:
        """Return the models that a real server has installed; BackendError where it does not answer."""
        return self._at_the_server(lambda client: client.installed())

    def leave(self) -> tuple[str, ...]:
        """Close what is open, and leave a real server as it was found; a sentence for what could not be restored."""
        self.close()
        if not self.backend.live or self.restoration.found is None:
            return ()
        restoration, self.restoration = self.restoration, Restoration()
        try:
            return self._at_the_server(restoration.restore)
        except BackendError as error:
            return (f"the server was not left as it was found: {error}",)

    def _at_the_server(self, work: Callable[[OllamaClient], Coroutine[None, None, T]]) -> T:
        """Return the result of work on a connection of its own, which belongs to no case."""

        async def done() -> T:
            client = self.backend.connect().client
            try:
                return await work(client)
            finally:
                await client.aclose()

        with asyncio.Runner(loop_factory=self.backend.new_loop) as runner:
            return runner.run(done())

    def close(self) -> None:
        """Close what is open; a later `run` opens it again."""
        if self._state is not None:
            self._state.close()
            self._state = self._state_key = None

    def _enter_state(self, case: Case, carryover: Carryover) -> _GroupState:
        if self._state is None or carryover == "case" or self._state_key != case.key:
            self.close()
            backend = self.backend if self.backend.for_case is None else self.backend.for_case(case)
            if backend.live:
                with suppress(BackendError):  # the case itself reports a server that does not answer
                    self.look()
            self._state, self._state_key = _GroupState(backend, self.fleet, self.restoration), case.key
        return self._state

    def _context(self, case: Case, state: _GroupState, sink: Sink) -> CaseContext:
        s = self.settings
        judge = None if s.judge is None else auxiliary_model(s.judge, self.fleet, self._residency)
        return CaseContext(
            router=self._router(case, state),
            residency=state.residency,
            estimator=state.estimator,
            scorers=Scorers(
                run_code=s.code_eval, judge=judge, threads=not state.backend.virtual, strict=s.strict_code_eval
            ),
            sink=sink,
            probe_client=state.connection.probe_client,
            gpu=self.gpu if state.backend.is_local else None,
            measured=state.connection.measured(case.graph),
            settings=RunSettings(
                weights=_weights(s.weights, case),
                concurrency=s.concurrency,
                dispatch=s.dispatch,
                replan_after=s.replan_after,
                seed=s.seed,
                fresh=state.fresh,
                simulated=state.backend.simulated,
                virtual_time=state.backend.virtual and not state.backend.live,  # a recording waits in real time
            ),
        )

    def _router(self, case: Case, state: _GroupState) -> Router:
        """Return the mode's router; kept over cases for its compiled programs, unless it knows a case's scores."""
        mode = case.key.mode
        if mode in self._routers:
            return self._routers[mode]
        per_case = "realised" in self._modes.spec(mode).needs
        seed = request_seed(self.settings.seed, case.key.repeat)
        planner = self.settings.planner
        setup = RouterSetup(
            fleet=self.fleet,
            planner=None if planner is None else auxiliary_model(planner, self.fleet, self._residency),
            solve_limit_s=self.settings.solve_limit_s,
            realised=state.connection.realised(case.graph, seed) if per_case else None,
        )
        try:
            with router_failures(mode):
                router = self._modes.make(mode, setup)
        except RoutingError as error:
            router = FailedRouter(mode, error)
        if not per_case:
            self._routers[mode] = router
        return router

    def _residency(self) -> ResidencyManager:
        assert self._state is not None, "only asked while a case is running"
        return self._state.residency
