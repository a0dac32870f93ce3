"""Measuring over real sockets and in real time, on models that take no time, with what reaches the server counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.execution.backends import Backend, network_backend
from pytest_swarm.execution.server_answers import served_models
from pytest_swarm.execution.waves import NotMeasured
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.simulator.transport import AsgiApp, AsgiTransport, Receive, Scope, Send
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import A40, graph
from tests.execution.measuring import Counts, Lab, cases_of, outcome_facts, plain_records, plan_facts
from tests.tries import THOROUGH

WB1 = load_graph("benchmarks/graphs/wb1.toml")
MODES = ("lp", "milp", "staged", "llm", "greedy", "random")
TAG = "gemma2:2b"


def quick_server() -> SimulatedServer:
    """A server like the A40's whose models load and answer at once."""
    models = tuple(
        replace(spec, prefill_tokens_per_s=1e9, decode_tokens_per_s=1e6, load_s=0.0, first_load_s=None, overhead_s=0.0)
        for spec in A40.server_spec.models
    )
    spec = replace(A40.server_spec, models=models, load_poll_s=0.0, stale_free_memory=False)
    world = SimulatedWorld(profile=replace(A40, server_spec=spec))
    return world.server(world.generator((WB1,)))


@dataclass
class CountingApp:
    """Counts what reaches the server by its kind, and does something after so many questions of a model."""

    inner: AsgiApp
    counts: Counter[str] = field(default_factory=Counter)
    after: int = 0
    then: Callable[[AsgiApp], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[dict[str, object]] = []

        async def received() -> dict[str, object]:
            kept.append(dict(await receive()))
            return kept[-1]

        await self.inner(scope, received, send)
        body = json.loads(b"".join(bytes(each.get("body", b"")) for each in kept) or b"{}")  # type: ignore[call-overload]
        kind = kind_of(str(scope["path"]), body)
        self.counts[kind] += 1
        self.counts[f"{kind} {body.get('model')}"] += 1
        if self.then is not None and self.counts[f"task {TAG}"] == self.after:
            then, self.then = self.then, None
            await then(self.inner)


def kind_of(path: str, body: dict[str, object]) -> str:
    if path == "/api/generate":
        return "unload" if body.get("keep_alive") == 0 else "load"
    if path != "/api/chat":
        return "other"
    if "Write the numbers from" in json.dumps(body["messages"]):
        return "calibration"
    return "planner" if body.get("format") else "task"


@contextmanager
def served(app: CountingApp | None = None) -> Iterator[tuple[Backend, CountingApp]]:
    """Serve a quick server, and yield the backend that calls it, and what counts its requests."""
    server = quick_server()
    counting = app or CountingApp(server.app)
    counting.inner, server.app = server.app, counting
    with serve_in_thread(server) as url:
        yield network_backend(url, why="a test", limits=CallLimits(timeout_s=60.0)), counting


def lab_at(http: Backend, store: AnswerStore | None = None) -> Lab:
    return Lab(http, store=store, models={full_tag(model.tag): model for model in served_models(http)})


@pytest.mark.thorough
def test_played_cases_equal_plain_ones_at_a_fraction_of_the_calls() -> None:
    """A thorough run tries a matrix, in which at most a sixth of the calls and an eighth of the loads are left."""
    whole = cases_of(WB1, MODES, (0, 1, 3), (8.0, 16.0), repeats=2)
    cases = whole if THOROUGH else cases_of(WB1, ("staged", "llm", "greedy"), (0,), (16.0,))
    with served() as (http, server):
        plain = plain_records(cases, Counts(), http)
        without, server.counts = server.counts, Counter()
        with closing((lab := lab_at(http)).broker):
            played = lab.records(cases)
        once, server.counts = server.counts, Counter()
        with closing((again := lab_at(http, lab.store)).broker):
            again.records(cases)
        assert set(server.counts) <= {"other", "other None"}
    for one, other in zip(played, plain, strict=True):
        label = f"{other.case.key}"
        assert (one.status, outcome_facts(one)) == (other.status, outcome_facts(other)), label
        assert plan_facts(one) == plan_facts(other), label
    assert once["task"] + once["planner"] == lab.store.count()
    if THOROUGH:
        print(without, once)
        assert once["task"] <= without["task"] / 6
        assert once["load"] <= without["load"] / 8


def test_a_model_that_is_replaced_in_mid_run_is_asked_again_by_the_next_run() -> None:
    async def replace_model(app: AsgiApp) -> None:
        async with httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://server") as client:
            done = await client.post("/api/copy", json={"source": "tinyllama:latest", "destination": TAG})
            assert done.status_code == httpx.codes.OK

    cases = cases_of(graph(ids="a b c d e f"), (f"single:{TAG}", "single:llama3.1:8b", "random"), (0,), (16.0,))
    with served() as (http, server):
        server.after, server.then = 3, replace_model
        with closing((lab := lab_at(http)).broker):
            old = lab.known.models[TAG].digest
            replaced, other, _ = lab.play(cases).cases.values()
            [remark] = lab.broker.replaced.remarks()
        assert isinstance(replaced, NotMeasured)
        assert f"{TAG} was replaced on the server during this run (digest {old[:12]} before, " in replaced.reason
        assert not isinstance(other, NotMeasured), "the other model is as it was"
        assert "1 reply was not kept" in remark
        assert kept(lab.store) == [old] * 2
        with closing((again := lab_at(http, lab.store)).broker):
            again.records(cases)
            new = again.known.models[TAG].digest
        assert (new != old, kept(lab.store).count(old)) == (True, 2)
        assert kept(lab.store).count(new) >= 6


def kept(store: AnswerStore) -> list[str]:
    return [question.model.digest for question, _ in store.entries() if question.model.tag == TAG]
