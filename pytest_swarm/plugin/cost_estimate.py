"""What cases would cost on a real server: each is played on the answers that are known, and on imagined ones else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.domain.text_tokens import counted_tokens
from pytest_swarm.execution.bench import Bench, Carryover
from pytest_swarm.execution.imagined_answers import (
    NO_LIMIT_S,
    USUAL_TOKENS_PER_S,
    ImaginedAnswers,
    imagined_world,
    is_imagined,
)
from pytest_swarm.execution.playing_backend import Played, playing_backend
from pytest_swarm.execution.reference_matrix import ReferenceMatrix
from pytest_swarm.execution.scored_once import with_custom_scorers
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.speed_calibration import calibration_tokens
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.server.hardware import MAX_LOADED_MODELS
from pytest_swarm.units import BYTES_PER_GB, format_duration, plural

if TYPE_CHECKING:
    from pytest_swarm.domain.graph import TaskGraph
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.execution.backends import Backend, RealisedScores
    from pytest_swarm.execution.playing_transport import PlayingTransport
    from pytest_swarm.ollama.answers.answer_store import AnswerStore
    from pytest_swarm.ollama.answers.questions import ModelIdentity

_MATRIX_STEP: Final = -1  # the questions of --swarm-complete come before those of the cases


def counted(calls: int, loads: int, tokens: int) -> str:
    """Return such as `26 calls, 1 load, 7,572 tokens`."""
    return ", ".join((plural(calls, "call"), plural(loads, "load"), plural(tokens, "token")))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCost:
    """What would be asked of the server: answers, loads, tokens, and seconds; `known` are the answers that it has."""

    known: int
    calls: int
    loads: int
    tokens: int
    seconds: float

    @property
    def text(self) -> str:
        """Such as `26 calls, 5 loads, 7,572 tokens, 37 s of the server`."""
        seconds = format_duration(self.seconds) if self.calls else "0 s"
        return f"{counted(self.calls, self.loads, self.tokens)}, {seconds} of the server"

    @property
    def known_text(self) -> str:
        """Such as `12 answers are known`."""
        return f"{plural(self.known, 'answer')} {'is' if self.known == 1 else 'are'} known"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimateSetup:
    """How costs are estimated.

    Attributes:
        make_bench: Returns a bench for a backend.
        complete: Whether every model is asked every task, as by --swarm-complete.
        seed: The seed of the run.
        verify: The tests whose cases are run for real as well, as by --swarm-verify.
        room_gb: Memory that models may take at the same time while they are asked; None = not known.
        at_once: How many calls at once are timed for each model, besides one.
    """

    make_bench: Callable[[Backend], Bench]
    complete: bool
    seed: int
    verify: frozenset[str] = frozenset()
    room_gb: float | None = None
    at_once: tuple[int, ...] = (2, 4)


@dataclass(slots=True, kw_only=True)
class WholeCost:
    """What cases cost without a store: calls, loads, tokens, and the seconds of all, one after the other."""

    cases: int = 0
    calls: int = 0
    loads: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """Such as `64 calls, 48 loads, 12,672 tokens, 3 min`."""
        return f"{counted(self.calls, self.loads, self.tokens)}, {format_duration(self.seconds)}"

    def add(self, record: JobRecord, *, tokens: int) -> None:
        """Count a case.

        Args:
            record: Its record.
            tokens: The tokens of all its calls.
        """
        self.cases += 1
        self.calls += _calls(record)
        self.loads += sum(switch.action == "load" for switch in record.switches)
        self.tokens += tokens
        self.seconds += record.makespan_s or 0.0


@dataclass(slots=True, kw_only=True, eq=False)
class CostEstimate:
    """Counts the cost of cases. No scorer of a test's own sees an imagined answer, and no code is run.

    Attributes:
        answers: The answers that are known, and imagined ones.
        setup: How costs are estimated.
        whole: What the cases cost without a store.
        verified: What those of them cost that are run for real as well.
    """

    answers: ImaginedAnswers
    setup: EstimateSetup
    whole: WholeCost = field(default_factory=WholeCost)
    verified: WholeCost = field(default_factory=WholeCost)
    _transports: list[PlayingTransport] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _uses: dict[tuple[str, int, str], None] = field(default_factory=dict)
    _made: Bench | None = None
    _loaded: frozenset[str] = frozenset()
    _timed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        store = self.answers.store
        self._loaded = frozenset(load.digest for load in store.loads())
        self._timed = frozenset(speed.digest for speed in store.speeds())

    @property
    def _bench(self) -> Bench:
        if self._made is None:
            world, realised = self.answers.world, self._realised
            played = Played(known=self.answers, world=world, detail="imagined", realised=realised)
            bench = self.setup.make_bench(playing_backend(played, on_connect=self._transports.append))
            settings = replace(bench.settings, code_eval=False, imagined=True)
            self._made = Bench(backend=bench.backend, fleet=bench.fleet, settings=settings)
        return self._made

    def add(self, case: Case, *, carryover: Carryover = "case") -> str | None:
        """Count a case; return why it would not complete, None where it would as far as that is known.

        Args:
            case: The case.
            carryover: Whether it starts from nothing, or from what its group has loaded.
        """
        self.answers.register(case.graph)
        test = base_node_id(case.test)
        if self.setup.complete:
            seed = request_seed(self.setup.seed, case.key.repeat)
            for (_, tag), question in self._matrix.questions(case.graph, seed):
                self.answers.answer(question)
                if question.key in self.answers.imagined:
                    self._uses[test, _MATRIX_STEP, tag] = None
        for transport in self._transports:
            transport.used.clear()
        record = self._bench.run(without_own_scorers(case), carryover=carryover)
        used = [answer for transport in self._transports for answer in transport.used.items()]
        del self._transports[:-1]  # the last one goes on in a group
        if record.status is not JobStatus.COMPLETED:
            return record.error or record.status.value
        tokens = sum((each.prompt_tokens or 0) + counted_tokens(each.completion_tokens, each.text) for _, each in used)
        for cost in (self.whole, self.verified) if case.test in self.setup.verify else (self.whole,):
            cost.add(record, tokens=tokens)
        self._known |= {key for key, _ in used} - self.answers.imagined.keys()
        self._uses |= dict.fromkeys(_first_uses(record, test))
        return None

    @property
    def _matrix(self) -> ReferenceMatrix:
        return ReferenceMatrix(known=self.answers, fleet=self._bench.fleet)

    def _realised(self, graph: TaskGraph, seed: int) -> RealisedScores:
        """Return the scores of known answers; with --swarm-complete, those that the fleet states for the rest."""
        fleet, scores = self._bench.fleet, dict[tuple[str, str], float]()
        for (task, tag), question in self._matrix.questions(graph, seed):
            known = ServerAnswers.answer(self.answers, question)
            if known is not None:
                scores[task, tag] = score_text(graph.task(task).expected, known.text).value or 0.0
            elif self.setup.complete:
                scores[task, tag] = fleet[tag].capability(graph.task(task).type)
        return scores

    @property
    def verified_texts(self) -> tuple[str, ...]:
        """Such as `3 cases for real as well: about 9 calls, ...`, alone; empty where no case is."""
        cost = self.verified
        return (f"{plural(cost.cases, 'case')} for real as well: about {cost.text}",) if cost.cases else ()

    @property
    def new(self) -> NewCost:
        """What would be asked of the server for the cases that were counted."""
        asked = [answer for _, answer in self.answers.imagined.values()]
        loads, load_s = self._loads()
        return NewCost(
            known=len(self._known),
            calls=len(asked),
            loads=loads,
            tokens=sum((each.prompt_tokens or 0) + (each.completion_tokens or 0) for each in asked),
            seconds=sum(each.total_s or 0.0 for each in asked) + load_s,
        )

    @property
    def without_speed(self) -> tuple[str, ...]:
        """The models that would be asked, and whose speed is assumed: neither store nor fleet file tell it."""
        figures, asked = self.answers.world.models, (question.model for question, _ in self.answers.imagined.values())
        return tuple(sorted({model.tag for model in asked if not figures[model.digest].decode_tokens_per_s}))

    def _loads(self) -> tuple[int, float]:
        """Return the loads to ask what is new, and their seconds: what has room stays, and a first load is made twice.

        The seconds have the time in which a model is timed with several calls at once.
        """
        figures, measured, timed = self.answers.world.models, set(self._loaded), set(self._timed)
        digests = {model.tag: model.digest for model in self.answers.models.values()}
        resident: dict[str, float] = {}
        count, seconds = 0, 0.0
        for _, _, tag in self._uses:
            digest = digests.get(tag)
            if digest is None:
                continue
            if digest in resident:
                resident[digest] = resident.pop(digest)  # used last
                continue
            figure = figures[digest]
            resident[digest] = max(figure.footprints.values()) / BYTES_PER_GB
            while len(resident) > 1 and not self._has_room(resident):
                del resident[next(iter(resident))]
            times = 1 if digest in measured else 2
            count += times
            seconds += times * figure.load_s
            measured.add(digest)
            if digest not in timed:
                timed.add(digest)
                seconds += calibration_tokens(self.setup.at_once) / (figure.decode_tokens_per_s or USUAL_TOKENS_PER_S)
        return count, seconds

    def _has_room(self, resident: dict[str, float]) -> bool:
        room_gb = self.setup.room_gb
        return len(resident) <= MAX_LOADED_MODELS and (room_gb is None or sum(resident.values()) <= room_gb)

    def close(self) -> None:
        """Close the bench."""
        if self._made is not None:
            self._made.close()


def estimate_with(
    store: AnswerStore, models: Mapping[str, ModelIdentity], fleet: Fleet, *, setup: EstimateSetup
) -> CostEstimate:
    """Return what counts the cost of cases.

    Args:
        store: The answers that are known.
        models: Full tag -> the model.
        fleet: The fleet, whose figures stand for what was not measured.
        setup: How costs are estimated.
    """
    from pytest_swarm.calibration.measured_world import measured_world

    world = imagined_world(measured_world(store), models, fleet)
    answers = ImaginedAnswers(store=store, models=models, timeout_s=NO_LIMIT_S, world=world)
    return CostEstimate(answers=answers, setup=setup)


def without_own_scorers(case: Case) -> Case:
    """Return a case whose custom scorers leave every answer unscored: they are a test's own code."""
    return with_custom_scorers(case, lambda _: lambda _: None)


def _calls(record: JobRecord) -> int:
    """Return the calls of tasks, planner and judge."""
    tasks = sum(outcome.model is not None for outcome in record.outcomes)
    judged = sum(outcome.judge_reply is not None for outcome in record.outcomes)
    return tasks + judged + sum(len(step.planner_calls) for step in record.steps)


def _first_uses(record: JobRecord, test: str) -> Iterator[tuple[str, int, str]]:
    """Yield test, step and model of each task whose answer was imagined."""
    for outcome in record.outcomes:
        if outcome.model is not None and is_imagined(outcome.answer):
            yield test, outcome.step or 0, outcome.model
