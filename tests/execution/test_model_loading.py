"""Loads of models that are asked: what has room stays, and what the server evicts by itself is noticed."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace

import pytest

from pytest_swarm.execution.model_loading import ModelLoader, Room
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.units import BYTES_PER_GB
from tests.execution.lab import A40, backend, graph
from tests.execution.measuring import Lab, cases_of

TAGS = ("gemma2:2b", "llama3.1:8b", "qwen2.5-coder:7b")
CASES = cases_of(graph(("a", "b"), ("b", "c")), [f"single:{tag}" for tag in TAGS], (0,), (48.0,))
MODEL = ModelIdentity(tag="m:1b", digest="a" * 64, server="0.33.0")
LOAD_S = {spec.name: spec.load_s for spec in A40.server_spec.models}


def with_memory(gb: float) -> Profile:
    return replace(A40, server_spec=replace(A40.server_spec, gpu_bytes=round(gb * BYTES_PER_GB)))


def lab_of(gb: float, *, room_gb: float | None = None) -> Lab:
    return Lab(
        backend(profile=with_memory(gb)), wrap=lambda settings: replace(settings, room=Room(gb=room_gb, sizes_gb={}))
    )


def warm_loads(lab: Lab) -> dict[str, list[float]]:
    tags = {model.digest: model.tag for model in lab.known.models.values()}
    found: dict[str, list[float]] = {}
    for load in lab.store.loads():
        if not load.first:
            found.setdefault(tags[load.digest], []).append(load.load_s)
    return found


def test_models_that_all_fit_are_loaded_once_and_once_more_for_the_time() -> None:
    with closing((lab := lab_of(48.0)).broker):
        measured = lab.play(CASES)
    assert len(measured.waves) == 3
    assert lab.counts.calls["load"] == 2 * len(TAGS)
    assert lab.counts.calls["unload"] == len(TAGS)


@pytest.mark.parametrize("room_gb", [None, 48.0])
def test_a_load_that_made_the_server_evict_a_model_is_made_again(room_gb: float | None) -> None:
    """The GPU has 14 GB, which nobody has told or somebody has told wrong; any two of the three models fit."""
    with closing((lab := lab_of(14.0, room_gb=room_gb)).broker):
        measured = lab.play(CASES)
    assert all(load == pytest.approx(LOAD_S[tag], rel=0.1) for tag, loads in warm_loads(lab).items() for load in loads)
    assert set(warm_loads(lab)) == set(TAGS)
    known = lab_of(14.0, room_gb=14.0)
    with closing(known.broker):
        known.play(CASES)
    extra = lab.counts.calls["load"] - known.counts.calls["load"]
    assert 0 <= extra <= 2, "it learns what fits, and does not try again and again"
    assert sum(wave.loads for wave in measured.waves) == lab.counts.calls["load"]


class Client:
    """A server with one resident model; notes what is loaded and unloaded."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.entry = ResidentEntry(tag=MODEL.tag, size_bytes=1, size_vram_bytes=1, num_ctx=4096, digest=MODEL.digest)

    async def resident_entries(self) -> tuple[ResidentEntry, ...]:
        return (self.entry,)

    async def load(self, tag: str, *, num_ctx: int | None) -> None:
        self.log.append(f"load {tag} {num_ctx}")

    async def unload(self, tag: str, *, digest: str | None) -> None:
        assert digest == MODEL.digest
        self.log.append(f"unload {tag}")


def test_a_model_that_others_have_loaded_is_loaded_anew_because_its_cache_may_hold_the_prompts() -> None:
    async def loads() -> list[int]:
        with AnswerStore(None) as store:
            loader = ModelLoader(client, store, room=Room(gb=None), site="here", keeps=keeps)  # type: ignore[arg-type]
            return [await loader.load(MODEL, 4096, wanted=(), again=False) for _ in range(2)]

    async def keeps(_: ModelIdentity) -> bool:
        return True

    client = Client()
    assert asyncio.run(loads()) == [1, 0]
    assert client.log == ["unload m:1b", "load m:1b 4096"]
