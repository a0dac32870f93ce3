"""A model that is replaced on the server while a run measures: nothing of another file is kept under its digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

import httpx
import pytest

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.waves import NotMeasured
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import A40, HEAVY, PLANNER, backend, graph, wired
from tests.execution.measuring import Lab, cases_of, models_of

VERSION = f"0.33.0-simulated{SimulatedWorld(profile=A40).build}"
TAG = "gemma2:2b"
OLD = models_of(server=VERSION)[TAG].digest
NEW = "ab" * 32


@dataclass
class Change:
    """What becomes of a server once it has been sent so many requests of a kind."""

    after: int
    path: str = "/api/chat"
    digest: str | None = NEW
    version: str = VERSION
    silent: bool = False
    back_after: int | None = None
    seen: int = field(default=0, init=False)
    lists: int = field(default=0, init=False)

    @property
    def made(self) -> bool:
        return self.seen >= self.after and (self.back_after is None or self.lists < self.back_after)


class ChangingTransport(httpx.AsyncBaseTransport):
    """Passes requests on, and lists a model as another one after the change."""

    def __init__(self, inner: httpx.AsyncBaseTransport, change: Change) -> None:
        self._inner = inner
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        change, path = self._change, request.url.path
        body = json.loads(await request.aread() or b"{}")
        own = body.get("model") == TAG and "Write the numbers" not in str(body.get("messages"))
        change.seen += path == change.path and own and body.get("keep_alive") != 0
        if not change.made and change.seen < change.after:
            return await self._inner.handle_async_request(request)
        if change.silent and path in ("/api/tags", "/api/version"):
            raise httpx.ConnectError("refused")
        change.lists += path == "/api/tags"
        if path == "/api/tags" and change.made:
            response = await self._inner.handle_async_request(request)
            rows = json.loads(await response.aread())["models"]
            kept = [row for row in rows if row["name"] != TAG]
            changed = [] if change.digest is None else [{"name": TAG, "model": TAG, "digest": change.digest}]
            return httpx.Response(200, json={"models": [*kept, *changed]})
        if path == "/api/ps":  # of a server that tells no digests of resident models
            response = await self._inner.handle_async_request(request)
            rows = [{**row, "digest": ""} for row in json.loads(await response.aread())["models"]]
            return httpx.Response(200, json={"models": rows})
        if path == "/api/version" and change.made:
            return httpx.Response(200, json={"version": change.version})
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def changing(change: Change) -> Backend:
    """A server of several processes, as a real one, that is changed while it is asked."""
    return replace(wired(backend(), lambda own: ChangingTransport(own, change)), live=True)


def lab_of(inner: Backend, store: AnswerStore, digest: str = OLD) -> Lab:
    models = models_of(server=VERSION)
    models[TAG] = ModelIdentity(tag=TAG, digest=digest, server=VERSION)
    return Lab(inner, store=store, models=models)


@pytest.fixture
def store() -> Iterator[AnswerStore]:
    with AnswerStore(None) as opened:
        yield opened


CASES = cases_of(graph(ids="a b c d e f"), (f"single:{TAG}", "single:llama3.1:8b"))


def digests(store: AnswerStore) -> list[str]:
    return [question.model.digest for question, _ in store.entries() if question.model.tag == TAG]


@pytest.mark.parametrize("after", [1, 2, 4, 6])
def test_an_answer_during_which_a_model_was_replaced_is_not_kept(store: AnswerStore, after: int) -> None:
    with closing((lab := lab_of(changing(Change(after)), store)).broker):
        replaced, other = lab.play(CASES).cases.values()
    assert isinstance(replaced, NotMeasured)
    assert f"{TAG} was replaced on the server during this run (digest {OLD[:12]} before, {NEW[:12]} now)" in (
        replaced.reason
    )
    assert "run again" in replaced.reason
    assert not isinstance(other, NotMeasured), "the other model is as it was"
    assert digests(store) == [OLD] * (after - 1)
    [remark] = lab.broker.replaced.remarks()
    assert "1 reply was not kept" in remark


def test_the_next_run_asks_the_new_model_and_keeps_what_the_old_one_has_answered(store: AnswerStore) -> None:
    change = Change(3)
    with closing((lab := lab_of(changing(change), store)).broker):
        lab.play(CASES)
    with closing((again := lab_of(changing(change), store, NEW)).broker):
        again.records(CASES)
    assert sorted(digests(store)) == sorted([OLD] * 2 + [NEW] * 6)
    assert len(again.counts.bodies) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(2, digest=None), f"{TAG} was removed from the server during this run; pull it"),
        (Change(2, digest=OLD, version="0.34.0"), f"changed from version {VERSION} to 0.34.0 during this run"),
        (Change(2, silent=True), "refuses the connection"),
        (Change(1, path="/api/generate"), "was replaced on the server"),
        (Change(2, back_after=2), "was replaced on the server"),
    ],
    ids=["removed", "version", "no answer afterwards", "while it was loaded", "and put back"],
)
def test_whatever_makes_it_uncertain_is_not_kept(store: AnswerStore, change: Change, said: str) -> None:
    with closing((lab := lab_of(changing(change), store)).broker):
        replaced, _ = lab.play(CASES).cases.values()
    assert isinstance(replaced, NotMeasured)
    assert said in replaced.reason
    loading = change.path == "/api/generate"
    assert digests(store) == ([] if loading else [OLD])
    assert [load for load in store.loads() if load.digest == OLD] == [] or not loading


def test_a_job_of_the_server_itself_that_used_a_replaced_model_is_an_error() -> None:
    """Without a store, and also where the model was replaced between two jobs: their scores would be mixed."""
    change = Change(10**6)
    with Bench(backend=changing(change), fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as own:
        before = own.run(CASES[0])
        change.after = 0
        replaced, other = (own.run(each) for each in CASES)
    assert before.status is other.status is JobStatus.COMPLETED
    assert replaced.status is JobStatus.ERROR
    assert replaced.error == (
        f"{TAG} was replaced on the server during this run (digest {OLD[:12]} before, {NEW[:12]} now); "
        "jobs of both would be mixed: run again from the start"
    )


def test_a_model_that_is_replaced_during_a_job_is_noticed_and_one_that_is_not_asked_does_no_harm() -> None:
    with Bench(backend=changing(Change(2)), fleet=HEAVY, settings=BenchSettings(planner=TAG)) as own:
        replaced, other = (own.run(each) for each in CASES)
    assert (replaced.status, other.status) == (JobStatus.ERROR, JobStatus.COMPLETED)
    assert len(replaced.outcomes) == 6, "what was measured stays in the record"


def test_a_model_that_was_replaced_between_two_tests_is_not_loaded(store: AnswerStore) -> None:
    change = Change(10**6)
    inner = changing(change)
    with closing((lab := lab_of(inner, store)).broker):
        lab.records(CASES)
        kept, loads = len(digests(store)), lab.counts.calls["load"]
        change.after = 0
        [later] = lab.play(cases_of(load_graph("benchmarks/graphs/wb1.toml"), (f"single:{TAG}",))).cases.values()
    assert isinstance(later, NotMeasured)
    assert "was replaced" in later.reason
    assert (len(digests(store)), lab.counts.calls["load"]) == (kept, loads)


def test_a_model_that_was_replaced_after_the_last_question_is_told(store: AnswerStore) -> None:
    change = Change(10**6)
    with closing((lab := lab_of(changing(change), store)).broker):
        lab.records(CASES)
        assert lab.broker.replaced.remarks() == []
        change.after = 0
        lab.broker.look()
        [remark] = lab.broker.replaced.remarks()
    assert remark.endswith("what was played before is of the model at the start")


def test_what_was_loaded_under_a_replaced_tag_is_left_alone(store: AnswerStore) -> None:
    """Its tag unloads another file now, so that waiting until it is gone would take as long as the time limit."""
    change = Change(10**6)
    with closing((lab := lab_of(changing(change), store)).broker):
        lab.records(CASES)
        change.after, before = 0, lab.counts.calls["unload"]
        tags = ("qwen2.5-coder:7b", "phi4:14b", "gemma2:2b")
        results = lab.play(cases_of(graph(ids="x"), [f"single:{tag}" for tag in tags], (0,), (16.0,))).cases.values()
        assert lab.broker.replaced.tags == {TAG}
    assert [isinstance(result, NotMeasured) for result in results] == [False, False, True]
    assert TAG not in lab.counts.unloaded[before:]


def test_what_is_foreseen_behind_a_model_that_is_not_asked_ends_the_waves(store: AnswerStore) -> None:
    """A step that needs two models, one of which was replaced, lacks its answers and does not wait for ever."""
    change = Change(10**6)
    with closing((lab := lab_of(changing(change), store)).broker):
        lab.play(cases_of(graph(ids="x y z"), ("random",), (0,), (16.0,), repeats=6))  # every load is known
        change.after = 0
        results = lab.play(cases_of(graph(ids="a b c d e f"), ("random",), (0,), (16.0,), repeats=12)).cases.values()
    assert any(isinstance(result, NotMeasured) and "was replaced" in result.reason for result in results)
