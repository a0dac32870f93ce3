"""--swarm-backend=measure: the cases of a test are measured together, then each is taken from what was played."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import BackendError
from pytest_swarm.execution.answer_broker import AnswerBroker
from pytest_swarm.execution.asked_server import AskSettings
from pytest_swarm.execution.model_loading import Room
from pytest_swarm.execution.playing_backend import Played, playing_backend
from pytest_swarm.execution.reference_matrix import ReferenceMatrix
from pytest_swarm.execution.server_answers import ServerAnswers, identities, served_models, stored_models
from pytest_swarm.execution.waves import (
    Measured,
    Measurer,
    NothingAsked,
    NotMeasured,
    ToldFirst,
    WaveReport,
    WaveResult,
    Waves,
)
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel
from pytest_swarm.ollama.answers.answers_export import open_answers
from pytest_swarm.plugin.lazy_parts import made
from pytest_swarm.plugin.measured_results import (
    OFFLINE,
    cost_sentence,
    ended_sentence,
    lacking_time,
    measured_test,
    played_record,
    unmeasured_error,
    unmeasured_sentence,
)
from pytest_swarm.plugin.server_lock import ServerLock
from pytest_swarm.telemetry.measured_events import encode_measured_test
from pytest_swarm.units import bytes_to_gb, now_ms

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.plugin.cost_estimate import CostEstimate
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.telemetry.sink import Sink


class Measuring:
    """Measures what the cases of a test lack, once for all of them.

    Args:
        resources: The session's settings, benches, GPU and real server, and the models that the run needs.
        inner: The server that is measured; None offline.
    """

    def __init__(self, resources: Resources, inner: Backend | None) -> None:
        self._settings = resources.settings
        self._resources = resources
        self._demand = resources.demand
        self.inner = inner
        self._since_ms = resources.inputs.process.started_ts_ms
        gpu = resources.inputs.gpu.meter if inner is not None and inner.is_local else None
        self._gpu_bytes = None if gpu is None else gpu.total_bytes
        self._room_gb = None if self._gpu_bytes is None else bytes_to_gb(self._gpu_bytes)
        """What may be resident while answers are asked. The budgets of the cases have no say in it: they are played."""
        self._results: dict[tuple[str, str], WaveResult] = {}
        self.unmeasured: list[str] = []
        """The cases that could not be played, each with what it lacks."""

    @property
    def simulated(self) -> bool:
        """Whether the answers are those of a simulated server: in this process, over HTTP, or measured earlier."""
        inner = self.inner is not None and self.inner.simulated
        return inner or any(self.known.models[key].simulated for key in map(full_tag, self._demand.tags))

    @cached_property
    def store(self) -> AnswerStore:
        """The answer store; a dry run reads what there is, and makes no file."""
        path = self._settings.answers
        if self.inner is None:
            return open_answers(path, writable=False)
        if not self._settings.dry_run:
            return AnswerStore(path)
        there = path.exists() and path.stat().st_size > 0
        return AnswerStore(path if there else None, writable=False)

    @cached_property
    def _known_before(self) -> frozenset[str]:
        """The keys of the answers that are known before the first test.

        Only a worker that replaces another one goes by their times, because a clock may step back.
        """
        before_ms = self._since_ms if self._resources.inputs.process.replaces else math.inf
        return self.store.known_keys(self._settings.timeout_s, before_ms=before_ms)

    @cached_property
    def known(self) -> ServerAnswers:
        """What is known of the models that the run needs."""
        if self.inner is None:
            models = stored_models(self.store, self._demand.tags)
        else:
            models = served_models(self.inner)
            for model in () if self._settings.dry_run else models:
                self.store.see(SeenModel(model=model, seen_ts_ms=now_ms()))
        _ = self._known_before
        return ServerAnswers(store=self.store, models=identities(models), timeout_s=self._settings.timeout_s)

    @cached_property
    def _played(self) -> Played:
        where = "no server (--swarm-offline)" if self.inner is None else self.inner.detail
        count = self.known.store.count()
        detail = (
            f"answers measured once, kept in {self._settings.answers} ({count} now); times are predicted from measured "
            f"ones; {where}"
        )
        return Played(
            known=self.known,
            detail=detail,
            simulated=self.simulated,
            realised=self._matrix.realised,
        )

    @cached_property
    def _matrix(self) -> ReferenceMatrix:
        return ReferenceMatrix(known=self.known, fleet=self._demand.fleet)

    @cached_property
    def backend(self) -> Backend:
        """The backend that plays the answers."""
        return playing_backend(self._played)

    @cached_property
    def _broker(self) -> AnswerBroker | None:
        if self.inner is None:
            return None
        s, fleet = self._settings, self._demand.fleet
        settings = AskSettings(
            room=Room(gb=self._room_gb, sizes_gb={model.tag.lower(): model.vram_gb for model in fleet}),
            parallel=s.ask_parallel,
            at_once=self._at_once,
            limit_s=s.max_time_s,
            run_s=self._run_s if self.inner.live else None,
            guard=self._asking,
            tell=self._resources.inputs.announcer.progress,
            restoration=self._resources.server_bench.restoration,
        )
        return AnswerBroker(self.inner, self.known, settings)

    def estimate(self) -> CostEstimate:
        """Return what counts what cases would cost, with the answers that are known now."""
        from pytest_swarm.plugin.cost_estimate import EstimateSetup, estimate_with

        setup = EstimateSetup(
            make_bench=self._resources.bench_of,
            complete=self._settings.complete,
            seed=self._settings.seed,
            verify=self._resources.to_verify,
            room_gb=self._room_gb,
            at_once=self._at_once,
        )
        return estimate_with(self.store, self.known.models, self._demand.fleet, setup=setup)

    @property
    def _at_once(self) -> tuple[int, ...]:
        """How many calls at once are timed for each model."""
        return tuple(sorted({2, 4, max(2, self._settings.concurrency)}))

    @cached_property
    def lock(self) -> ServerLock:
        """The lock of the store: two runs on one store take turns, wave by wave."""
        store = self._settings.answers
        tell = self._resources.inputs.announcer.tell
        return ServerLock(store.absolute().as_uri(), tell=tell, name=f"the answer store {store}")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Let one process at a time ask for the answers of a store, and use a real server; none after the time limit.

        Raises:
            TimeoutError: --swarm-max-time is over, and another process still has the store or the server.
        """
        with self.lock.held(limit_s=self._left_s()), self._resources.exclusive(limit_s=self._left_s()):
            yield

    def _run_s(self) -> float:
        return (now_ms() - self._since_ms) / 1000.0

    def _left_s(self) -> float | None:
        """Return the seconds that --swarm-max-time leaves; None = there is no limit."""
        limit_s = self._settings.max_time_s
        return None if limit_s is None else max(0.0, limit_s - self._run_s())

    def run(self, case: Case, others: Callable[[], Sequence[Case]], *, sink: Sink) -> JobRecord:
        """Return the record of a case; its test's other cases are measured with it.

        Args:
            case: The case.
            others: Returns all cases of its test and graph that are still to be run, itself among them.
            sink: Takes its events.

        Raises:
            AnswersError: The case lacks answers.
        """
        key = _key(case)
        if key not in self._results:
            cases = {each.digest: each for each in (case, *others())}
            with self._told_where_ended(case):
                measured = self.measure(tuple(cases.values()))
            test = measured_test(case, measured, known_before=self._known_before)
            sink.emit(encode_measured_test(test, now_ms()))
            self._results |= {_key(cases[digest]): result for digest, result in measured.cases.items()}
        result = self._results.pop(key)
        if isinstance(result, NotMeasured):
            self.unmeasured.append(unmeasured_sentence(case, result))
            raise unmeasured_error(case, result, answers=self._settings.answers)
        return played_record(result, sink)

    @contextmanager
    def _told_where_ended(self, case: Case) -> Iterator[None]:
        """Keep a sentence where the test is ended while its answers are asked, as pytest-timeout does."""
        try:
            yield
        except (pytest.fail.Exception, pytest.exit.Exception, SystemExit) as stop:
            self.unmeasured.append(ended_sentence(case, stop))
            raise

    def measure(self, cases: Sequence[Case]) -> Measured:
        """Return the cases of a test, each played or with what it lacks."""
        from pytest_swarm.calibration.measured_world import measured_world

        broker = self._broker
        measurer: Measurer = NothingAsked(OFFLINE) if broker is None else ToldFirst(broker, lambda: self._tell(cases))
        waves = Waves(
            self._played,
            world=lambda: measured_world(self.store, self._gpu_bytes),
            measurer=measurer,
            make_bench=self._resources.bench_of,
        )
        first = self._complete(cases, measurer)
        modes = self._resources.inputs.modes
        all_needed = [case for case in cases if "realised" in modes.spec(case.key.mode).needs]
        lacking = lacking_time(all_needed, first, matrix=self._matrix, run_seed=self._settings.seed)
        measured = waves.play([case for case in cases if case.digest not in lacking])
        return replace(measured, cases={**measured.cases, **lacking}, waves=(*first, *measured.waves))

    def cost(self, cases: Sequence[Case]) -> str:
        """Return what cases will ask of the server, as far as that can be told."""
        return cost_sentence(cases, self.estimate())

    def _tell(self, cases: Sequence[Case]) -> None:
        """Say what a test will ask, before its first question."""
        self._resources.inputs.announcer.cost(cases[0].job, f"{cases[0].job}: {self.cost(cases)}")

    def _complete(self, cases: Sequence[Case], measurer: Measurer) -> tuple[WaveReport, ...]:
        """With --swarm-complete, have every model answer every task on right inputs."""
        if not self._settings.complete:
            return ()
        repeats = sorted({case.key.repeat for case in cases})
        needs = self._matrix.needs(cases[0].graph, run_seed=self._settings.seed, repeats=repeats)
        return (measurer.measure(needs, cases[0], wave=0),) if needs else ()

    def replaced(self) -> list[str]:
        """Return a sentence for each model that the server has replaced since the run began; it is asked for them."""
        if self._broker is None:
            return []
        with suppress(BackendError):  # a server that has gone away has said so where it was needed
            self._broker.look()
        return self._broker.replaced.remarks()

    def close(self) -> list[str]:
        """Close the connection to the server, and the store; return what was replaced or could not be played."""
        try:
            replaced = [] if made(self, Measuring.known) is None else self.replaced()
        finally:  # also where a Ctrl-C gives up asking the server
            self._close_parts()
        return [*replaced, *self.unmeasured]

    def _close_parts(self) -> None:
        with ExitStack() as end:
            for part in (made(self, Measuring.store), made(self, Measuring._broker)):
                if part is not None:
                    end.callback(part.close)


def _key(case: Case) -> tuple[str, str]:
    return case.digest, case.test
