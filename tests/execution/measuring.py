"""Measuring against a simulated server that stands in for a real one, with counts of what reaches it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import httpx

from pytest_swarm.calibration.measured_world import measured_world
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.execution.answer_broker import AnswerBroker
from pytest_swarm.execution.asked_server import AskSettings
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.case_player import CompleteCase
from pytest_swarm.execution.model_loading import Room
from pytest_swarm.execution.playing_backend import Played
from pytest_swarm.execution.server_answers import ServerAnswers, identities
from pytest_swarm.execution.waves import Measured, Waves
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.model_library import digest_of
from tests.execution.lab import A40, HEAVY, PLANNER, backend, wired

SETTINGS = BenchSettings(planner=PLANNER)
TIMEOUT_S = 120.0


@dataclass(slots=True)
class Counts:
    """What reached a server: calls by kind, and the body of every question."""

    calls: Counter[str] = field(default_factory=Counter)
    bodies: list[str] = field(default_factory=list)
    unloaded: list[str] = field(default_factory=list)

    def count(self, request: httpx.Request, body: dict[str, object]) -> None:
        if request.url.path == "/api/generate":
            self.calls["unload" if body.get("keep_alive") == 0 else "load"] += 1
            if body.get("keep_alive") == 0:
                self.unloaded.append(str(body["model"]))
            return
        messages = body["messages"]
        assert isinstance(messages, list)
        if str(messages[-1]["content"]).startswith("Write the numbers from"):
            self.calls["calibration"] += 1
            return
        self.calls["planner" if body.get("format") else "task"] += 1
        body = {name: value for name, value in body.items() if name not in ("keep_alive", "tools")}
        self.bodies.append(json.dumps(body, sort_keys=True))


class _Counting(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, counts: Counts) -> None:
        self._inner = inner
        self._counts = counts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self._counts.count(request, json.loads(await request.aread()))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def counted(inner: Backend, counts: Counts) -> Backend:
    """A backend whose calls are counted, but for samples and renewals beside a case."""
    return wired(inner, lambda own: _Counting(own, counts))


def models_of(profile: Profile = A40, *, server: str = "0.33.0") -> dict[str, ModelIdentity]:
    specs = profile.server_spec.models
    return identities(ModelIdentity(tag=spec.name, digest=digest_of(spec), server=server) for spec in specs)


def cases_of(
    graph: TaskGraph,
    modes: Iterable[str],
    horizons: Iterable[int] = (0,),
    budgets: Iterable[float] = (8.0,),
    *,
    repeats: int = 1,
) -> list[Case]:
    return [
        Case(graph=graph, key=CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget, repeat=repeat))
        for mode in modes
        for horizon in horizons
        for budget in budgets
        for repeat in range(1, repeats + 1)
    ]


OPENED: list[AnswerStore] = []
"""The stores of labs, which are read after their connections are closed; each test closes those that it made."""


class Lab:
    """A store, and a simulated server in the place of a real one.

    Args:
        inner: The server; None for a new one with the profile a40.
        store: The store; None for one in memory.
        models: The models that the server has.
        wrap: Changes the settings of the broker.
    """

    def __init__(
        self,
        inner: Backend | None = None,
        *,
        store: AnswerStore | None = None,
        models: dict[str, ModelIdentity] | None = None,
        wrap: Callable[[AskSettings], AskSettings] = lambda settings: settings,
        settings: BenchSettings = SETTINGS,
    ) -> None:
        self.counts = Counts()
        self.told: list[str] = []
        self.store = store or AnswerStore(None)
        OPENED.append(self.store)
        self.known = ServerAnswers(store=self.store, models=models or models_of(), timeout_s=TIMEOUT_S)
        self.settings = settings
        room = Room(gb=16.0, sizes_gb={model.tag: model.vram_gb for model in HEAVY})
        self.broker = AnswerBroker(
            counted(inner or backend(), self.counts), self.known, wrap(AskSettings(room=room, tell=self.told.append))
        )
        self.benches = 0

    def play(self, cases: Sequence[Case]) -> Measured:
        played = Played(known=self.known, detail="measured")
        waves = Waves(played, world=lambda: measured_world(self.store), measurer=self.broker, make_bench=self._bench)
        return waves.play(cases)

    def _bench(self, playing: Backend) -> Bench:
        self.benches += 1
        return Bench(backend=playing, fleet=HEAVY, settings=self.settings)

    def records(self, cases: Sequence[Case]) -> list[JobRecord]:
        """The records of cases that must all be complete."""
        return [record_of(result) for result in self.play(cases).cases.values()]


MakeLab = Callable[..., Lab]


def record_of(result: object) -> JobRecord:
    assert isinstance(result, CompleteCase), result
    assert result.record is not None
    return result.record


def plain_records(cases: Sequence[Case], counts: Counts, inner: Backend | None = None) -> list[JobRecord]:
    """The cases as they are run without a store, and what that costs."""
    with Bench(backend=counted(inner or backend(), counts), fleet=HEAVY, settings=SETTINGS) as bench:
        return [bench.run(case) for case in cases]


def outcome_facts(record: JobRecord) -> list[tuple[object, ...]]:
    return [
        (each.task, each.model, each.status, each.answer, each.score, each.prompt_tokens, each.completion_tokens)
        for each in record.outcomes
    ]


def plan_facts(record: JobRecord) -> list[tuple[object, ...]]:
    return [
        (step.executed, step.target_residency, step.resident_before, step.violation, dict(step.planner_failures))
        for step in record.steps
    ]
