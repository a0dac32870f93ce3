"""The agent of examples/agent, over HTTP against the simulated server."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace
from ollama import AsyncClient

from pytest_swarm import load_policy
from pytest_swarm.routing.policy_file import write_policy
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.fixed_length_text import FixedLengthGenerator
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from tests.routing.test_policy_choice import policy
from tests.simulator.servers import model, spec

AGENT = Path(__file__).parents[2] / "examples" / "agent" / "agent.py"
FAST = {"load_s": 0.0, "prefill_tokens_per_s": 1e6, "decode_tokens_per_s": 1e5}
MODELS = (
    model("gemma2:2b", 2, "a0", **FAST),
    model("qwen2.5-coder:7b", 5, "a1", **FAST),
    model("llama3.1:8b", 6, "a2", **FAST),
    model("phi4:14b", 10, "a3", **FAST),
)


@pytest.fixture
def agent() -> ModuleType:
    found = spec_from_file_location("agent", AGENT)
    assert found is not None
    made = module_from_spec(found)
    sys.modules["agent"] = made  # dataclasses look their module up
    assert found.loader is not None
    found.loader.exec_module(made)
    return made


@pytest.fixture
def server() -> Iterator[str]:
    with serve_in_thread(SimulatedServer(spec(*MODELS, gpu_gib=24), generator=FixedLengthGenerator())) as url:
        yield url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "policy.json"
    write_policy(policy(horizon=0, budget_gb=8.0), made)
    return made


def test_each_step_goes_to_the_model_that_the_policy_chooses(agent: ModuleType, server: str, path: Path) -> None:
    loaded = load_policy(path)

    async def played() -> tuple[list[object], list[str]]:
        async with AsyncClient(host=server, trust_env=False) as client:
            await client.generate(model="qwen2.5-coder:7b", prompt="")  # resident from the start
            steps = (*agent.STEPS, agent.Step(type="reasoning", prompt="Is that much? {before}"))
            return await agent.run(client, loaded, steps, "Net 40, tax 8."), await agent.resident(client)

    done, left = asyncio.run(played())
    held: frozenset[str] = frozenset({"qwen2.5-coder:7b"})
    for each in done:
        choice = loaded.choose(each.step.type, resident=held)
        assert (each.model, each.reason) == (choice.model, choice.reason)
        assert each.answer
        held = held - set(choice.unload) | {choice.model}
    assert set(left) == held
    assert sum(loaded.fleet[tag].vram_gb for tag in left) <= 8.0


def test_the_example_runs_as_its_page_says(server: str, path: Path) -> None:
    made = policy(horizon=0, budget_gb=8.0, digest="0" * 64)
    write_policy(replace(made, models=made.models[:2]), path)
    environment = os.environ | {"OLLAMA_HOST": server, "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, str(AGENT), str(path), "Net 40, tax 8."],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("note: model gemma2:2b is another one (digest ")
    assert sum(line.startswith(("extraction: ", "math: ", "summarize: ")) for line in lines) == 3


@pytest.mark.parametrize(
    ("name", "host", "said"),
    [("absent.json", None, "there is no such file"), ("policy.json", "http://127.0.0.1:1", "Failed to connect")],
)
def test_what_is_missing_is_one_sentence(
    agent: ModuleType, path: Path, monkeypatch: pytest.MonkeyPatch, name: str, host: str | None, said: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host or "http://127.0.0.1:1")
    error = agent.start([str(path.with_name(name)), "Net 1900 EUR."])
    assert error.startswith("error: ")
    assert said in error
    assert "\n" not in error


def test_a_server_that_goes_away_before_it_answers_is_one_sentence(
    agent: ModuleType, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{listening.getsockname()[1]}")
        closing = threading.Thread(target=lambda: listening.accept()[0].close())
        closing.start()
        said = agent.start([str(path), "text"])
        closing.join()
    assert said is not None
    assert said.startswith("error: ")
