"""Clients onto hand-made answers: what a broken, foreign or lying server might say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatRequest

REQUEST = ChatRequest(model="m:1b", messages=({"role": "user", "content": "hi"},), num_ctx=2048)
GOOD: dict[str, Any] = {
    "model": "m:1b",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {"role": "assistant", "content": "hello"},
    "done": True,
    "done_reason": "stop",
    "total_duration": 3_000_000_000,
    "load_duration": 1_000_000_000,
    "prompt_eval_count": 5,
    "prompt_eval_duration": 500_000_000,
    "eval_count": 7,
    "eval_duration": 1_500_000_000,
}


def client(handler: Callable[[httpx.Request], httpx.Response], *, timeout_s: float = 5.0) -> OllamaClient:
    return OllamaClient("http://box:1", transport=httpx.MockTransport(handler), timeout_s=timeout_s)


def answering(response: httpx.Response) -> OllamaClient:
    return client(lambda _: response)


def saying(value: Any, status: int = 200) -> OllamaClient:
    return answering(httpx.Response(status, json=value))


def chat(ollama: OllamaClient, request: ChatRequest = REQUEST) -> Any:
    return asyncio.run(ollama.chat(request))
