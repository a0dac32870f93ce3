"""The simulated server as an ASGI app: its routes, status codes and error messages, as Ollama has them.

The same app serves in process (`AsgiTransport`) and over a socket (uvicorn). Knows no scheduling and no texts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from pytest_swarm.domain.limits import full_name
from pytest_swarm.simulator.server.asgi_messages import read_body, send_json, send_line, send_text, start_lines
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint
from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.server.model_library import ModelLibrary, is_valid_name, show
from pytest_swarm.simulator.server.reply_bodies import process_row
from pytest_swarm.simulator.server.request_bodies import InvalidBody, JsonObject, read_object, text_field
from pytest_swarm.simulator.server.request_parsing import RequestError, parse_request
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.transport import Event, Receive, Scope, Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

VERSION: Final = "0.33.0-simulated"
_PLAIN: Final = "text/plain; charset=utf-8"
_INVALID_NAME: Final = "invalid model name"

_Handler: TypeAlias = Callable[[bytes, Send], Awaitable[None]]


class OllamaApp:
    """The routes of the server.

    Args:
        library: The installed models.
        chat_endpoint: Serves `/api/chat` and `/api/generate`.
        scheduler: Knows the resident models.
    """

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
        """Serve one request; stop when its client disconnects."""
        if scope["type"] != "http":
            await _serve_lifespan(receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        work = asyncio.current_task()
        assert work is not None
        disconnected = False

        async def cancel_on_disconnect() -> None:
            nonlocal disconnected
            while (await receive())["type"] != "http.disconnect":
                pass
            disconnected = True
            work.cancel()

        listener = asyncio.get_running_loop().create_task(cancel_on_disconnect())
        try:
            await self._serve(scope, body, send)
        except asyncio.CancelledError:
            if not disconnected or work.uncancel():
                raise
        finally:
            listener.cancel()

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
        await self._chat_endpoint.serve(parse_request(body, self._library, chat=True), send)

    async def _generate(self, body: bytes, send: Send) -> None:
        await self._chat_endpoint.serve(parse_request(body, self._library, chat=False), send)

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
        source, destination = text_field(data, "source"), text_field(data, "destination")
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
        """Copy an installed model: a simulated server has no registry to pull from and reads no files."""
        data = _read(body, "CreateRequest")
        name, source = _name(data), text_field(data, "from")
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
    """Acknowledge the start and the stop of a web server."""
    while (event := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{event['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _without_body(send: Send) -> Send:
    """Return a `send` for HEAD requests, which drops the body."""

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
    """Return the model's name from `model`, or from the older `name`."""
    return text_field(data, "model") or text_field(data, "name")
