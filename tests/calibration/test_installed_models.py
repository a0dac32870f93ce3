"""A fleet from the installed models of a simulated server gives the server's own values back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest

from pytest_swarm.calibration.installed_models import FleetRequest, InstalledModels, measure_installed_models
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import FleetError, ServerDownError
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.ollama.client import FOREVER, OllamaClient
from pytest_swarm.ollama.messages import ModelInfo
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.simulator.virtual_loop import new_virtual_loop
from tests.execution.lab import A40


def simulated_client(**changes: object) -> OllamaClient:
    spec = replace(A40.server_spec, models=A40.server_spec.models[:2], **changes)  # type: ignore[arg-type]
    server = SimulatedWorld(profile=A40).server(spec=spec)
    return OllamaClient("http://sim:1", transport=server.transport(), timeout_s=600)


def test_a_fleet_from_the_installed_models() -> None:
    told: list[str] = []

    async def measure() -> InstalledModels:
        client = simulated_client()
        found = await measure_installed_models(client, request=FleetRequest(num_ctx=4096), report_progress=told.append)
        assert await client.resident() == ()
        await client.aclose()
        return found

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        found = runner.run(measure())
    tags = [entry.model.tag for entry in found.entries]
    assert sorted(tags) == sorted(A40.tags[:2])
    assert told[0] == "measuring 2 models, each of which is loaded twice; --models=TAG,... measures those alone"
    assert told[1:] == [f"measuring {tag} ({number} of 2)" for number, tag in enumerate(tags, 1)]
    for entry in found.entries:
        true = A40.model(entry.model.tag)
        assert true is not None
        kv_bytes = true.spec.kv_bytes(4096, 1)
        assert entry.model.vram_gb == pytest.approx((true.spec.size_bytes + kv_bytes + 2**29) / 1e9, abs=1e-3)
        assert 0 <= entry.model.load_time_ms / 1000 - true.spec.load_s <= 0.25
        assert entry.model.num_ctx == 4096
        assert entry.model.max_ctx == true.spec.context_length
        billions = float(entry.comments["name"].split()[1].removesuffix("B"))
        assert entry.model.cost_per_token == pytest.approx(0.15 * billions, abs=1e-3)
        assert not entry.model.capabilities


def test_a_server_without_a_gpu_says_that_its_footprints_are_main_memory() -> None:
    async def measure() -> InstalledModels:
        client = simulated_client(gpu_bytes=None)
        found = await measure_installed_models(
            client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None
        )
        await client.aclose()
        return found

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        found = runner.run(measure())
    for entry in found.entries:
        assert entry.model.vram_gb > 1
        assert entry.comments["vram_gb"] == ("measured at num_ctx 4096, all of it main memory: the server uses no GPU")


def test_a_model_of_which_the_server_tells_no_size_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true_resident = OllamaClient.resident

    async def resident(client: OllamaClient) -> Any:
        return tuple(replace(row, size_bytes=0, size_vram_bytes=0) for row in await true_resident(client))

    async def measure() -> None:
        client = simulated_client()
        try:
            await measure_installed_models(client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None)
        finally:
            await client.aclose()

    monkeypatch.setattr(OllamaClient, "resident", resident)
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner, pytest.raises(FleetError, match="a size of 0 bytes"):
        runner.run(measure())


@pytest.mark.parametrize("slow", [0, 1], ids=["from the disk", "stalled"])
def test_the_load_time_is_that_of_the_faster_load(slow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    true_load, loads = OllamaClient.load, count()

    async def load(client: OllamaClient, tag: str, **options: Any) -> Any:
        if next(loads) % 2 == slow:
            await asyncio.sleep(60)
        return await true_load(client, tag, **options)

    async def measure() -> InstalledModels:
        client = simulated_client()
        found = await measure_installed_models(
            client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None
        )
        await client.aclose()
        return found

    monkeypatch.setattr(OllamaClient, "load", load)
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        found = runner.run(measure())
    for entry in found.entries:
        assert entry.model.load_time_ms < 60_000
        assert float(entry.comments["load_time_ms"].split()[-1]) > 60_000


@pytest.mark.parametrize("interrupted", [False, True], ids=["to-the-end", "cancelled"])
def test_what_was_resident_is_put_back(interrupted: bool) -> None:
    first = A40.tags[0]

    async def measure() -> list[tuple[str, int | None, bool]]:
        client = simulated_client()
        await client.load(first, num_ctx=1024, keep_alive=FOREVER)

        def stop(_: str) -> None:
            if interrupted and len(told) == 1:
                asyncio.current_task().cancel()  # type: ignore[union-attr]
            told.append(_)

        told: list[str] = []
        work = asyncio.ensure_future(
            measure_installed_models(client, request=FleetRequest(num_ctx=4096), report_progress=stop)
        )
        (ended,) = await asyncio.gather(work, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError if interrupted else InstalledModels)
        found = [(entry.tag, entry.num_ctx, entry.left_s is None) for entry in await client.resident_entries()]
        await client.aclose()
        return found

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        assert runner.run(measure()) == [(first, 1024, True)]


def test_a_restoration_that_a_further_interrupt_gives_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def given_up(*_: object, **__: object) -> tuple[str, ...]:
        raise asyncio.CancelledError

    monkeypatch.setattr(Restoration, "restore", given_up)
    told: list[str] = []

    async def measure() -> None:
        client = simulated_client()
        await client.load(A40.tags[0], num_ctx=1024, keep_alive=FOREVER)
        await measure_installed_models(client, request=FleetRequest(num_ctx=4096), report_progress=told.append)

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner, pytest.raises(asyncio.CancelledError):
        runner.run(measure())
    assert told[-1].endswith(f"; resident before: {A40.tags[0]} (num_ctx 1024); look at `ollama ps`")


def test_a_server_without_chat_models_gives_no_fleet() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/tags":
            return httpx.Response(200, json={"models": [{"model": "embed:1b", "name": "embed:1b"}]})
        return httpx.Response(200, json={"details": {}, "model_info": {}, "capabilities": ["embedding"]})

    async def measure() -> None:
        client = OllamaClient("http://sim:1", transport=httpx.MockTransport(answer), timeout_s=1)
        try:
            await measure_installed_models(client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None)
        finally:
            await client.aclose()

    with pytest.raises(FleetError, match=r"embed:1b: it cannot chat \(its capabilities are embedding\).*ollama pull"):
        asyncio.run(measure())


@pytest.mark.parametrize("ending", ["cancelled", "gone"])
def test_what_was_measured_is_kept_where_the_rest_is_not(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[InstalledModels] = []
    show = OllamaClient.show

    async def fail(client: OllamaClient, tag: str) -> ModelInfo:
        if tag == A40.tags[0]:
            return await show(client, tag)
        raise asyncio.CancelledError if ending == "cancelled" else ServerDownError("gone")

    async def measure() -> None:
        client = simulated_client()
        try:
            await measure_installed_models(
                client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None, keep=kept.append
            )
        finally:
            await client.aclose()

    monkeypatch.setattr(OllamaClient, "show", fail)
    ends = pytest.raises(asyncio.CancelledError if ending == "cancelled" else ServerDownError)
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner, ends:
        runner.run(measure())
    [found] = kept
    assert [entry.model.tag for entry in found.entries] == [A40.tags[0]]
    assert f"# {A40.tags[1]} is left out: the command ended before it was measured" in found.fleet_text()


def test_the_server_is_left_as_it_was_found_where_what_was_measured_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show, [first, last] = OllamaClient.show, A40.tags[:2]
    monkeypatch.setattr(OllamaClient, "show", lambda client, tag: fail() if tag == last else show(client, tag))

    async def fail() -> ModelInfo:
        raise ServerDownError("gone")

    def refuse(_: InstalledModels) -> None:
        raise FleetError("the disk is full")

    async def measure() -> list[tuple[str, int]]:
        client = simulated_client()
        await client.load(first, num_ctx=1024, keep_alive=FOREVER)
        with pytest.raises(FleetError, match="the disk is full"):
            await measure_installed_models(
                client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None, keep=refuse
            )
        found = [(entry.tag, entry.num_ctx or 0) for entry in await client.resident_entries()]
        await client.aclose()
        return found

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        assert runner.run(measure()) == [(first, 1024)]


def test_a_model_that_others_unload_does_not_cost_the_measurements_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = OllamaClient.resident

    async def without(client: OllamaClient) -> tuple[ResidentModel, ...]:
        return tuple(each for each in await resident(client) if each.tag != A40.tags[0])

    async def measure() -> InstalledModels:
        client = simulated_client()
        found = await measure_installed_models(
            client, request=FleetRequest(num_ctx=4096), report_progress=lambda _: None
        )
        await client.aclose()
        return found

    monkeypatch.setattr(OllamaClient, "resident", without)
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        found = runner.run(measure())
    assert [entry.model.tag for entry in found.entries] == [A40.tags[1]]
    [(tag, why)] = found.left_out
    assert (tag, "does not list it as resident" in why) == (A40.tags[0], True)
