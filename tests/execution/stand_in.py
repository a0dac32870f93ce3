"""A small stand-in for a server: lists, loads, unloads, and replies to chats as a test says; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.simulator.virtual_loop import new_virtual_loop

GB = 1_000_000_000
Body = Mapping[str, Any]


def reply(text: str = "42", **more: Any) -> dict[str, Any]:
    """The fields of a whole chat reply but for its model."""
    counts = {"prompt_eval_count": 30, "eval_count": 3}
    return {"message": {"role": "assistant", "content": text}, "done": True, "done_reason": "stop", **counts, **more}


class StandIn:
    """One server. `resident` maps a model to its context, `requests` are (path, body) in their order.

    `installed` maps a tag to its digest, and `digests` a resident model to that of its file.

    Args:
        answer: Gives the reply to a chat; a refusal has an "error".
        size_vram: Bytes in VRAM of each resident model.
    """

    def __init__(self, answer: Callable[[Body], Body] = lambda _: reply(), *, size_vram: int = GB) -> None:
        self.answer = answer
        self.size_vram = size_vram
        self.chat_s = 0.0
        self.resident: dict[str, int] = {}
        self.expires: dict[str, datetime] = {}
        self.requests: list[tuple[str, Body]] = []
        self.installed: dict[str, str] = {}
        self.digests: dict[str, str] = {}

    def put(self, tag: str, *, num_ctx: int = 4096, seconds: float = 300.0) -> None:
        """Make a model resident, as another client would."""
        self.resident[tag] = num_ctx
        self.expires[tag] = datetime.now(UTC) + timedelta(seconds=seconds)

    @property
    def chats(self) -> list[Body]:
        return [body for path, body in self.requests if path == "/api/chat"]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path == "/api/ps":
            return httpx.Response(200, json={"models": [self._row(tag) for tag in self.resident]})
        if path in ("/api/version", "/api/tags"):
            models = [{"name": tag, "model": tag, "digest": digest} for tag, digest in self.installed.items()]
            return httpx.Response(200, json={"version": "0.33.0", "models": models})
        self.requests.append((path, body))
        tag, seconds = body["model"], body.get("keep_alive", 300)
        if seconds == 0:
            digest = self.installed.get(tag)
            reached = [each for each in self.resident if self.digests.get(each, self.installed.get(each)) == digest]
            for each in [tag] if digest is None else reached:
                self.resident.pop(each, None)
        else:
            self.put(tag, num_ctx=body["options"]["num_ctx"], seconds=seconds if seconds > 0 else 9e9)
        if path == "/api/chat":
            await asyncio.sleep(self.chat_s)
            said = self.answer(body)
            return httpx.Response(400 if "error" in said else 200, json={"model": tag, **said})
        return httpx.Response(200, json={"model": tag, "done": True, "response": ""})

    def _row(self, tag: str) -> dict[str, Any]:
        return {
            "name": tag,
            "model": tag,
            "size": GB,
            "size_vram": self.size_vram,
            "context_length": self.resident[tag],
            "digest": self.digests.get(tag, ""),
            "expires_at": self.expires[tag].isoformat(),
        }

    def backend(self, *, timeout_s: float = 120.0) -> Backend:
        """A backend of this server, as of a real one."""

        def connect() -> Connection:
            client = OllamaClient("http://box:1", transport=httpx.MockTransport(self), timeout_s=timeout_s)
            return Connection(client=client, probe_client=client)

        return Backend(
            kind="ollama",
            detail="a stand-in",
            simulated=False,
            virtual=True,
            profile_name=None,
            new_loop=new_virtual_loop,
            connect=connect,
            live=True,
        )
