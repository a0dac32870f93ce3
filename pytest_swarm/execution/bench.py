"""The runner of cases: one after the other on one backend. It works with pytest and without.

with Bench(backend=backend, fleet=load_fleet("heavy")) as bench:
    record = bench.run(Case(graph=graph, key=CaseKey(mode="milp", horizon=3, vram_budget_gb=8)))
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias, TypeVar

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.domain.weight_groups import sharing_weights
from pytest_swarm.errors import BackendError, CassetteError, OptionError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.auxiliary_models import AuxiliaryModel
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.case import run_case
from pytest_swarm.execution.case_context import CaseContext, graph_as_run, set_up_job
from pytest_swarm.execution.case_routers import CaseRouters
from pytest_swarm.execution.group_state import GroupState
from pytest_swarm.execution.loop_tasks import result_of
from pytest_swarm.execution.planning import Moment, build_view
from pytest_swarm.execution.residency import ResidencyManager
from pytest_swarm.execution.server_upkeep import ServerUpkeep
from pytest_swarm.open_files import OF_A_CASE, require_open_files
from pytest_swarm.routing.base import RouterSetup, Weights
from pytest_swarm.routing.mode_table import GIVE_SPEEDS, ModeTable, lacks_speeds
from pytest_swarm.routing.policy import fitting_policy, policy_estimator, weights_of
from pytest_swarm.routing.policy_file import PolicyFile
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import ListSink, Sink

Carryover: TypeAlias = Literal["case", "group"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StartedCase:
    """A case that is about to run: what it runs on, the coroutine that gives its record, and what ended its test."""

    state: GroupState
    running: Coroutine[None, None, JobRecord]
    stops: list[BaseException]


class Bench(ServerUpkeep):
    """Runs cases on one backend, one at a time.

    With carryover "case" every case meets an empty GPU and the fleet file's priors; with "group" residency and learned
    estimates live on over the jobs of one mode, horizon, budget and repeat that are run in a row.
    """

    def __init__(
        self, *, backend: Backend, fleet: Fleet, settings: BenchSettings | None = None, gpu: GpuMeter | None = None
    ) -> None:
        super().__init__(backend)
        self.fleet = sharing_weights(fleet.merged(backend.one_file), backend.same_weights)
        self.settings = settings or BenchSettings()
        self.gpu = gpu
        self._modes = ModeTable(self.settings.routers, folder=self.settings.folder)
        self._routers = CaseRouters(self._modes)
        self._state: GroupState | None = None
        self._state_key: CaseKey | None = None
        self._policies: dict[str, PolicyFile] = {}

    def check_modes(self, modes: Iterable[str]) -> None:
        """Raise OptionError for the first mode that cannot run here with its weights, before any case does."""
        planner, realised = self.settings.planner is not None, self.backend.knows_realised
        for mode in dict.fromkeys(modes):
            self._modes.check(mode, fleet=self.fleet, planner=planner, realised=realised)
            policy = self._policy(mode)
            weights, what = self.settings.weights, "--swarm-lambda-latency"
            if policy is not None:
                weights, what = weights_of(policy), f"the weight of seconds in mode {mode!r}"
            slow = lacks_speeds(what, self.fleet) if weights.latency else None
            if slow is not None:
                raise OptionError(f"{slow}; {GIVE_SPEEDS}")

    def run(self, case: Case, *, carryover: Carryover = "case", sink: Sink | None = None) -> JobRecord:
        """Run one case to its end, and return its record.

        Args:
            case: The case to run.
            carryover: Whether it starts from nothing, or from what its group has learned and loaded.
            sink: Takes the events as they happen.

        Raises:
            OptionError: The mode cannot run here.
        """
        sink = sink or ListSink()
        self.watch_models()
        started = self.start(case, carryover=carryover, sink=sink)
        state, listener = started.state, started.state.connection.listener
        record = result_of(state.runner, started.running, stops=started.stops)
        if listener is not None:
            try:
                notes = listener.finish(now_s=state.runner.get_loop().time())
            except CassetteError as error:  # what was measured is kept, and the case is not recorded
                return replace(record, status=JobStatus.ERROR, error=str(error))
            for sentence in notes:
                sink.emit(encode_note(case, sentence, record.started_ts_ms))
        replaced = self.watch_models()
        reason = None if replaced is None else replaced.reason_of(self._called(record))
        return record if reason is None else replace(record, status=JobStatus.ERROR, error=reason)

    def _called(self, record: JobRecord) -> tuple[str, ...]:
        """Return the models that a job has called or loaded, with its planner and judge."""
        mode, planner = record.case.key.mode, None
        if "planner" in self._modes.spec(mode).needs:
            planner = self._modes.planner_of(mode, self.settings.planner)
        others = (planner, self.settings.judge)
        called = (outcome.model for outcome in record.outcomes)
        tags = (*called, *(switch.model for switch in record.switches), *others)
        return tuple(tag for tag in tags if tag is not None)

    def start(self, case: Case, *, carryover: Carryover = "case", sink: Sink) -> StartedCase:
        """Return a case that is about to run, for a caller that runs its loop.

        Args:
            case: The case to run.
            carryover: Whether it starts from nothing, or from what its group has learned and loaded.
            sink: Takes the events as they happen.
        """
        if carryover == "group" and self.settings.estimates.info.kind.per_job:
            raise OptionError(
                "estimates from the answers to all other jobs start anew with each job, and --swarm-carryover=group "
                "keeps what was learned; leave one of them out"
            )
        require_open_files(OF_A_CASE)
        state = self._enter_state(case, carryover)
        state.connection.register_graph(case.graph)
        if state.connection.listener is not None:
            state.connection.listener.begin(case, now_s=state.runner.get_loop().time())
        context = self._context(case, state, sink)
        state.fresh = False
        stops: list[BaseException] = []
        return StartedCase(state=state, running=run_case(case, context, stops=stops), stops=stops)

    @contextmanager
    def decision(self, case: Case) -> Iterator[Callable[[], Plan]]:
        """Give a function that makes the router's first decision of a case, to be timed; it runs no task.

        It has a connection of its own, so that what a group of cases has learned and loaded stays as it is.
        """
        state = GroupState(self.backend, self._estimator(case), self.restoration)
        before = (self._state, self._state_key)
        self._state, self._state_key = state, None
        try:
            state.connection.register_graph(case.graph)
            state.rehearse(case)
            context = self._context(case, state, ListSink())
            state.now(_begin_job(case, context))
            moment = Moment(step=0, graph=graph_as_run(case), finished=frozenset(), resident=frozenset())
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

    def leave(self, *, loaded: bool = False) -> tuple[str, ...]:
        """Close what is open, and leave a real server as it was found; a sentence for what was not restored.

        `loaded`: leave the models of the run loaded, and put nothing back.
        """
        self.close()
        return self.restore(loaded=loaded)

    def close(self) -> None:
        """Close what is open; a later `run` opens it again."""
        if self._state is not None:
            self._state.close()
            self._state = self._state_key = None

    def _enter_state(self, case: Case, carryover: Carryover) -> GroupState:
        if self._state is None or carryover == "case" or self._state_key != case.key:
            self.close()
            backend = self.backend if self.backend.for_case is None else self.backend.for_case(case)
            if backend.live:
                with suppress(BackendError):  # the case itself reports a server that does not answer
                    self.look()
            self._state, self._state_key = GroupState(backend, self._estimator(case), self.restoration), case.key
        return self._state

    def _estimator(self, case: Case) -> Estimator:
        source = self.settings.estimates
        policy = self._policy(case.key.mode)
        if policy is not None:
            return policy_estimator(policy, self.fleet)
        return Estimator(self.fleet, start=source.of_job(case.graph), learning=source.info.learning)

    def _policy(self, mode: str) -> PolicyFile | None:
        """Return the policy file that a mode plays, which has estimates and weights of its own; None without one."""
        argument = self._modes.policy_file(mode)
        if argument is None:
            return None
        if argument not in self._policies:
            self._policies[argument] = fitting_policy(argument, self.fleet, self.settings.folder)
        return self._policies[argument]

    def _weights(self, case: Case) -> Weights:
        """Return the weights of a case: a policy's own, else the bench's with the weight of tokens that is swept."""
        policy, swept = self._policy(case.key.mode), case.key.lambda_token
        if policy is not None:
            return weights_of(policy)
        return self.settings.weights if swept is None else replace(self.settings.weights, token=swept)

    def _measured_gpu(self, state: GroupState) -> GpuMeter | None:
        """The GPUs of a server on this machine; what they draw idle is measured before the first case."""
        if self.gpu is None or not state.backend.is_local:
            return None
        self.gpu.measure_idle()
        return self.gpu

    def _context(self, case: Case, state: GroupState, sink: Sink) -> CaseContext:
        s, weights = self.settings, self._weights(case)
        judge = None if s.judge is None else AuxiliaryModel(tag=s.judge, residency=self._residency)
        return CaseContext(
            router=self._routers.router(case.key.mode, state, lambda: self._setup(case, state)),
            residency=state.residency,
            estimator=state.estimator,
            scorers=Scorers(
                run_code=s.code_eval, judge=judge, threads=not state.backend.virtual, strict=s.strict_code_eval
            ),
            sink=sink,
            gpu=self._measured_gpu(state),
            backend=state.backend,
            connection=state.connection,
            fresh=state.fresh,
            settings=s if weights is s.weights else replace(s, weights=weights),
        )

    def _setup(self, case: Case, state: GroupState) -> RouterSetup:
        """Return what the factory of the case's router may use."""
        mode, s = case.key.mode, self.settings
        planner = self._modes.planner_of(mode, s.planner)
        scored = self._routers.knows_scores(mode)
        seed = request_seed(s.seed, case.key.repeat)
        return RouterSetup(
            fleet=self.fleet,
            planner=None if planner is None else AuxiliaryModel(tag=planner, residency=self._residency),
            solve_limit_s=s.solve_limit_s,
            realised=state.connection.realised(case.graph, seed) if scored else None,
            hindsight=state.connection.hindsight(graph_as_run(case), seed) if scored else None,
            concurrency=s.concurrency,
            quality_floor=s.quality_floor,
        )

    def _residency(self) -> ResidencyManager:
        assert self._state is not None, "only asked while a case is running"
        return self._state.residency


async def _begin_job(case: Case, context: CaseContext) -> None:
    """Set up a job that runs no task, while the loop runs."""
    set_up_job(case, context, on_switch=lambda _: None)
