"""The HTTP face of the simulated server: a plain ASGI app that routes requests and answers as Ollama does.

The same app serves in process (`AsgiTransport`) and over a socket (uvicorn). Knows nothing of scheduling or texts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import read_body, send_json, send_line, send_text, start_lines
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint
from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.server.hardware import full_name
from pytest_swarm.simulator.server.model_library import ModelLibrary, is_valid_name, show
from pytest_swarm.simulator.server.reply_bodies import process_row
from pytest_swarm.simulator.server.request_bodies import InvalidBody, JsonObject, read_object
from pytest_swarm.simulator.server.request_parsing import RequestError, parse_request
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.transport import Event, Receive, Scope, Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

VERSION: Final = "0.33.0-simulated"
_PLAIN: Final = "text/plain; charset=utf-8"
_INVALID_NAME: Final = "invalid model name"

_Handler: TypeAlias = Callable[[bytes, Send], Awaitable[None]]


class OllamaApp:
    """The routes. `library` are the installed models, `chat_endpoint` answers chats, `scheduler` knows who is resident."""

    def __init__(self, *, library: ModelLibrary, chat_endpoint: ChatEndpoint, scheduler: SchedulerDriver) -> None:
        self._library = library
        self._chat_endpoint = chat_endpoint
        self._scheduler = scheduler
        self._routes: Mapping[str, Mapping[str, _Handler]] = {
            "/": {"GET": self._root, "HEAD": self._root},
            "/api/version": {"GET": self._version, "HEAD": self._version},
            "/api/tags": {"GET": self._tags, "HEAD": self._tags},
            "/api/ps": {"GET": self._ps},
            "/api/show": {"POST": self._show},
            "/api/chat": {"POST": self._chat},
            "/api/generate": {"POST": self._generate},
            "/api/copy": {"POST": self._copy},
            "/api/delete": {"DELETE": self._delete},
            "/api/create": {"POST": self._create},
            "/api/embed": {"POST": self._embed},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a client that goes away ends the work for it."""
        if scope["type"] != "http":
            await _serve_lifespan(receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        work = asyncio.current_task()
        assert work is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            work.cancel()

        watcher = asyncio.get_running_loop().create_task(watch())
        try:
            await self._serve(scope, body, send)
        except asyncio.CancelledError:
            if not gone or work.uncancel():
                raise
        finally:
            watcher.cancel()

    async def _serve(self, scope: Scope, body: bytes, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        handlers = self._routes.get(path)
        if handlers is None and path.startswith("/api/blobs/"):
            handlers = {"HEAD": self._blob(path.removeprefix("/api/blobs/"))}
        if handlers is None:
            await send_text(send, "404 page not found", status=404)
        elif method not in handlers:
            await send_text(send, "" if method == "HEAD" else "405 method not allowed", status=405)
        else:
            try:
                await handlers[method](body, _without_body(send) if method == "HEAD" else send)
            except RequestError as refusal:
                await send_json(send, {"error": str(refusal)}, status=refusal.status)

    async def _root(self, _: bytes, send: Send) -> None:
        await send_text(send, "Ollama is running", content_type=_PLAIN)

    async def _version(self, _: bytes, send: Send) -> None:
        await send_json(send, {"version": VERSION})

    async def _tags(self, _: bytes, send: Send) -> None:
        await send_json(send, {"models": self._library.rows(_installed_at())})

    async def _ps(self, _: bytes, send: Send) -> None:
        loop = asyncio.get_running_loop()
        now_s, wall_s = loop.time(), wall_time_s(loop)
        rows = [process_row(loaded, now_s=now_s, wall_s=wall_s) for loaded in self._scheduler.resident()]
        rows.sort(key=lambda row: str(row["expires_at"]), reverse=True)
        await send_json(send, {"models": list(rows)})

    async def _chat(self, body: bytes, send: Send) -> None:
        await self._chat_endpoint.answer(parse_request(body, self._library, chat=True), send)

    async def _generate(self, body: bytes, send: Send) -> None:
        await self._chat_endpoint.answer(parse_request(body, self._library, chat=False), send)

    async def _show(self, body: bytes, send: Send) -> None:
        data = _read(body, "ShowRequest")
        name = _name(data)
        if not name:
            raise RequestError(400, "model is required")
        if not is_valid_name(name):
            raise RequestError(400, _INVALID_NAME)
        found = self._library.find(name)
        if found is None:
            raise RequestError(404, f"model '{full_name(name)}' not found")
        await send_json(send, show(*found, _installed_at()))

    async def _copy(self, body: bytes, send: Send) -> None:
        data = _read(body, "CopyRequest")
        source, destination = _text(data, "source"), _text(data, "destination")
        for what, name in (("source", source), ("destination", destination)):
            if not is_valid_name(name):
                raise RequestError(400, f"{what} {json.dumps(name)} is invalid")
        found = self._library.find(source)
        if found is None:
            raise RequestError(404, f"model {json.dumps(source)} not found")
        self._library.add(destination, found[1])
        await send_text(send, "")

    async def _delete(self, body: bytes, send: Send) -> None:
        name = _name(_read(body, "DeleteRequest"))
        if not is_valid_name(name):
            raise RequestError(400, f"name {json.dumps(name)} is invalid")
        if not self._library.remove(name):
            raise RequestError(404, f"model '{name}' not found")
        await send_text(send, "")

    async def _create(self, body: bytes, send: Send) -> None:
        """Only from a model that is there: a simulated server has no registry to pull from and reads no files."""
        data = _read(body, "CreateRequest")
        name, source = _name(data), _text(data, "from")
        if not is_valid_name(name):
            raise RequestError(400, _INVALID_NAME)
        if not source:
            raise RequestError(400, "neither 'from' or 'files' was specified")
        found = self._library.find(source)
        if found is None:
            raise RequestError(404, f"model '{source}' not found")
        self._library.add(name, found[1])
        if data.get("stream") is False:
            await send_json(send, {"status": "success"})
        else:
            await start_lines(send)
            await send_line(send, {"status": "success"}, last=True)

    async def _embed(self, body: bytes, _: Send) -> None:
        data = _read(body, "EmbedRequest")
        if not isinstance(data.get("input"), str | list | None):
            raise RequestError(400, "invalid input type")
        name = _name(data)
        if not name or self._library.find(name) is None:
            raise RequestError(404, f"model '{name}' not found")
        raise RequestError(400, f'"{name}" does not support embeddings')

    def _blob(self, digest: str) -> _Handler:
        async def handler(_: bytes, send: Send) -> None:
            found = self._library.has_blob(digest.removeprefix("sha256:"))
            await send_text(send, "", status=200 if found else 404)

        return handler


async def _serve_lifespan(receive: Receive, send: Send) -> None:
    """What a web server says when it starts and stops."""
    while (event := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{event['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _without_body(send: Send) -> Send:
    """A `send` for HEAD: the same head, no body."""

    async def only_head(event: Event) -> None:
        await send({**event, "body": b""} if event["type"] == "http.response.body" else event)

    return only_head


def _installed_at() -> str:
    return rfc3339(0.0)


def _read(body: bytes, kind: str) -> JsonObject:
    try:
        return read_object(body, kind)
    except InvalidBody as error:
        raise RequestError(400, str(error)) from error


def _name(data: JsonObject) -> str:
    """The model's name, in the new field or in the old one."""
    return _text(data, "model") or _text(data, "name")


def _text(data: JsonObject, name: str) -> str:
    value: Json = data.get(name)
    return value if isinstance(value, str) else ""
