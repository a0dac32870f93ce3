"""The residency manager and the auxiliary models, on a server that only lists, loads and unloads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_swarm.domain.model import DEFAULT_NUM_CTX, Fleet, Model
from pytest_swarm.domain.prompt import Message
from pytest_swarm.errors import PromptTooLongError, ServerRefusedError
from pytest_swarm.estimate.prompt_tokens import prompt_tokens
from pytest_swarm.execution.answer_gate import AnswerGate, LoadNeed
from pytest_swarm.execution.auxiliary_models import AuxiliaryModel
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.residency import ResidencyContext, ResidencyManager
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.scoring.judge import Grade
from pytest_swarm.simulator.virtual_loop import new_virtual_loop

GB = 1_000_000_000
LOAD_TIMES_MS = {"fast": 1000.0, "medium": 5000.0, "slow": 20_000.0, "target": 1000.0}


def model(tag: str, load_time_ms: float, *, vram_gb: float = 2.0) -> Model:
    return Model(tag=tag, vram_gb=vram_gb, load_time_ms=load_time_ms, cost_per_token=1.0, max_ctx=8192)


FLEET = Fleet(name="f", models=tuple(model(tag, load_time_ms) for tag, load_time_ms in LOAD_TIMES_MS.items()))


class Server:
    """Lists, loads and unloads models at once, and records loads and chats; `refused` models cannot be loaded."""

    def __init__(self, *resident: str, refused: tuple[str, ...] = (), reply: str = "{}") -> None:
        self.resident = list(resident)
        self.refused = refused
        self.reply = reply
        self.chats: list[Mapping[str, Any]] = []
        self.loads: list[Mapping[str, Any]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/ps":
            rows = [{"name": tag, "model": tag, "size": GB, "size_vram": GB} for tag in self.resident]
            return httpx.Response(200, json={"models": rows})
        body = json.loads(request.content)
        tag = body["model"]
        if request.url.path == "/api/chat":
            self.chats.append(body)
            message = {"role": "assistant", "content": self.reply}
            return httpx.Response(200, json={"model": tag, "done": True, "message": message})
        if tag in self.refused:
            return httpx.Response(500, json={"error": "out of memory"})
        if body.get("keep_alive") == 0:
            self.resident.remove(tag)
        else:
            self.resident.append(tag)
            self.loads.append(body)
        return httpx.Response(200, json={"model": tag, "done": True, "response": ""})


async def manager(server: Server, *, vram_budget_gb: float = 6.0) -> ResidencyManager:
    """A manager that has observed the server, with seed 7."""
    client = OllamaClient("http://box:1", transport=httpx.MockTransport(server))
    found = ResidencyManager(client, FLEET)
    clock = JobClock(virtual=True)
    found.begin(ResidencyContext(vram_budget_gb=vram_budget_gb, seed=7, clock=clock, on_switch=lambda _: None))
    await found.observe()
    return found


def run(main: Any) -> Any:
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize(
    ("vram_budget_gb", "retained"),
    [(2.0, ()), (3.9, ()), (4.0, ("slow",)), (6.0, ("slow", "medium")), (8.0, ("slow", "medium", "fast"))],
)
def test_the_slowest_models_to_load_are_retained_first(vram_budget_gb: float, retained: tuple[str, ...]) -> None:
    async def main() -> tuple[tuple[str, ...], list[str]]:
        server = Server("fast", "medium", "slow")
        residency = await manager(server, vram_budget_gb=vram_budget_gb)
        kept = residency.retained({"target"})
        assert await residency.switch_to({"target"}, ("target",)) == {}
        return kept, sorted(server.resident)

    kept, resident = run(main)
    assert kept == retained
    assert resident == sorted((*retained, "target"))


def test_a_model_that_cannot_be_loaded_is_returned_with_its_error() -> None:
    async def main() -> Any:
        residency = await manager(Server(refused=("slow",)))
        return await residency.switch_to({"slow", "fast"}, ("slow", "fast")), residency.resident

    failed, resident = run(main)
    assert {tag: type(error) for tag, error in failed.items()} == {"slow": ServerRefusedError}
    assert resident == {"fast"}


def test_a_model_is_loaded_on_a_lease_with_its_context_length() -> None:
    async def main() -> Server:
        server = Server()
        await (await manager(server)).switch_to({"slow"}, ("slow",))
        return server

    (load,) = run(main).loads
    assert (load["keep_alive"], load["options"]) == (900, {"num_ctx": DEFAULT_NUM_CTX})


def test_planner_and_judge_answer_at_temperature_0_with_the_jobs_seed() -> None:
    async def main() -> Server:
        server = Server(reply='{"score": 0.25}')
        residency = await manager(server)
        planner = AuxiliaryModel(tag="slow", residency=lambda: residency)
        await planner.ask("plan", schema={"type": "object"})
        assert await planner.grade("rubric", "question", "answer") == Grade(value=0.25, reply='{"score": 0.25}')
        assert residency.resident == {"slow"}
        return server

    plan, grade = run(main).chats
    assert plan["options"] == grade["options"] == {"num_ctx": DEFAULT_NUM_CTX, "seed": 7, "temperature": 0.0}
    assert plan["format"] == {"type": "object"}


@pytest.mark.parametrize("reply", ["no JSON", "[]", "{}", '{"score": 1.5}', '{"score": true}', '{"score": "9"}'])
def test_a_reply_without_a_valid_grade_is_no_grade(reply: str) -> None:
    async def main() -> Grade:
        residency = await manager(Server(reply=reply))
        return await AuxiliaryModel(tag="slow", residency=lambda: residency).grade("rubric", "question", "answer")

    assert run(main) == Grade(value=None, reply=reply)


def test_a_file_is_named_as_the_fleet_names_it_and_other_models_are_foreign() -> None:
    async def main() -> Any:
        server = Server("Twin", "stranger")
        residency = await manager(server)
        residency.fleet = replace(FLEET, merged_tags={"twin": "slow"})
        found = {row.tag: row.foreign for row in await residency.observe()}
        await residency.switch_to({"slow"}, ("slow",))
        return found, residency.resident, server.loads

    found, resident, loads = run(main)
    assert found == {"slow": False, "stranger": True}
    assert (resident, loads) == ({"slow"}, [])


@pytest.mark.parametrize(("vram_budget_gb", "num_ctx"), [(8.0, 16_384), (3.0, None)])
def test_the_context_of_a_planner_is_raised_to_its_question(vram_budget_gb: float, num_ctx: int | None) -> None:
    async def main() -> list[Mapping[str, Any]]:
        server = Server()
        residency = await manager(server, vram_budget_gb=vram_budget_gb)
        residency.fleet = Fleet(
            name="f",
            models=tuple(
                replace(each, auto_ctx=True, max_ctx=65_536) if each.tag == "slow" else each for each in FLEET
            ),
        )
        planner = AuxiliaryModel(tag="slow", residency=lambda: residency)
        with suppress(PromptTooLongError):
            await planner.ask("word " * 8000, schema={"type": "object"})
        await residency.switch_to({"slow"}, ("slow",))
        return server.chats

    asked = [chat["options"]["num_ctx"] for chat in run(main)]
    assert asked == ([] if num_ctx is None else [num_ctx])


@pytest.mark.parametrize(("over", "asked"), [(-1, 0), (0, 0), (1, 1)])
def test_a_question_is_sent_where_it_leaves_a_token_of_the_context(over: int, asked: int) -> None:
    question = "word " * 200
    num_ctx = prompt_tokens([Message(role="user", content=question)]) + over

    async def main() -> int:
        server = Server()
        residency = await manager(server)
        residency.fleet = Fleet(name="f", models=tuple(replace(each, num_ctx=num_ctx) for each in FLEET))
        with suppress(PromptTooLongError):
            await AuxiliaryModel(tag="slow", residency=lambda: residency).ask(question, schema={"type": "object"})
        return len(server.chats)

    assert run(main) == asked


def test_a_request_that_has_its_answer_does_not_pass_one_that_waits() -> None:
    need = LoadNeed(model=ModelIdentity(tag="m", digest="d", server="s"), num_ctx=1)
    missing = [need]

    async def main() -> list[str]:
        gate, passed = AnswerGate(), list[str]()

        async def request(name: str, wants: Callable[[], tuple[LoadNeed, ...]]) -> None:
            await gate.passage(wants)
            passed.append(name)

        both = [request("first", lambda: tuple(missing)), request("second", lambda: ())]
        tasks = [asyncio.ensure_future(each) for each in both]
        await asyncio.sleep(0)
        assert (passed, gate.closed, gate.needs(), gate.open()) == ([], True, (need,), False)
        missing.clear()
        assert gate.open()
        await asyncio.gather(*tasks)
        return passed

    assert run(main) == ["first", "second"]
