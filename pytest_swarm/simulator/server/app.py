"""The simulated server as an ASGI app: its routes, with redirects and refusals as Ollama's router has them.

The same app serves in process (`AsgiTransport`) and over a socket (uvicorn). Knows no scheduling and no texts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from html import escape
from http import HTTPStatus
from posixpath import normpath
from typing import Final, TypeAlias
from urllib.parse import quote

from pytest_swarm.domain.server_version import SIMULATED
from pytest_swarm.simulator.server.access_check import check_access, is_host_malformed, with_headers
from pytest_swarm.simulator.server.asgi_messages import (
    PLAIN_JSON,
    SentReply,
    read_body,
    request_header,
    send_bytes,
    send_json,
    send_text,
)
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint, ServeChat
from pytest_swarm.simulator.server.create_endpoint import CreateEndpoint
from pytest_swarm.simulator.server.embed_endpoint import EmbedEndpoint
from pytest_swarm.simulator.server.messages_endpoint import MessagesEndpoint
from pytest_swarm.simulator.server.model_endpoints import ModelEndpoints
from pytest_swarm.simulator.server.model_library import ModelLibrary
from pytest_swarm.simulator.server.openai_endpoint import OpenAiEndpoint
from pytest_swarm.simulator.server.registry_endpoint import RegistryEndpoint
from pytest_swarm.simulator.server.reply_sinks import JsonHandler, ReplySink
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import parse_request
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.translated_calls import NativeRoutes
from pytest_swarm.simulator.transport import Event, Receive, Scope, Send

VERSION: Final = f"0.33.0{SIMULATED}"
_PLAIN: Final = "text/plain; charset=utf-8"
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_CHARACTERS: Final = "/$&+,:;=@"  # besides letters, digits and -._~: an escape is escaped once more
_SERVER: Final = re.compile(r"^https?://[^/]*", re.IGNORECASE)
_NO_ZSTD: Final = "the simulated server reads no request bodies compressed by zstd; send the body as it is"
_METHODS: Final = ("HEAD", "GET", "POST", "DELETE")  # in the order in which the header `allow` lists them

_BodyHandler: TypeAlias = Callable[[bytes, Send], Awaitable[None]]
_Routes: TypeAlias = Mapping[str, Mapping[str, _BodyHandler]]


class OllamaApp:
    """The routes of the server.

    Args:
        library: The installed models.
        chat_endpoint: Loads the models of other routes, and numbers replies.
        scheduler: Knows the resident models.
        build: Returns what stands after the version, such as `+a40.1b2c3d4e.seed0`.
        serve: Serves a checked request of chat or generate, also of the routes that translate one.
    """

    def __init__(
        self,
        *,
        library: ModelLibrary,
        chat_endpoint: ChatEndpoint,
        scheduler: SchedulerDriver,
        build: Callable[[], str],
        serve: ServeChat,
    ) -> None:
        self._library = library
        self._build = build
        self._serve_chat = serve
        self._models = ModelEndpoints(library, scheduler=scheduler)
        registry = RegistryEndpoint(library)
        embed = EmbedEndpoint(library=library, chat_endpoint=chat_endpoint)
        handlers: dict[str, JsonHandler] = {
            "/api/tags": self._models.tags,
            "/api/show": self._models.show,
            "/api/chat": partial(self._ask, chat=True),
            "/api/generate": partial(self._ask, chat=False),
            "/api/embed": embed.embed,
            "/api/embeddings": embed.embeddings,
        }
        native = NativeRoutes(handlers, numbers=chat_endpoint.reply_numbers)
        self._openai = OpenAiEndpoint(native)
        self._routes: _Routes = {
            **{path: {"POST": _sent(handler)} for path, handler in handlers.items()},
            "/": {"GET": _root, "HEAD": _root},
            "/api/version": {"GET": self._version, "HEAD": self._version},
            "/api/status": {"GET": _status},
            "/api/me": {"POST": partial(_refuse, 503, "account unavailable")},
            "/api/signout": {"POST": _sign_out},
            "/api/tags": dict.fromkeys(("GET", "HEAD"), _sent(self._models.tags)),
            "/api/ps": {"GET": _sent(self._models.ps)},
            "/api/copy": {"POST": self._models.copy},
            "/api/delete": {"DELETE": self._models.delete},
            "/api/create": {"POST": CreateEndpoint(library).serve},
            "/api/pull": {"POST": registry.pull},
            "/api/push": {"POST": registry.push},
            **{f"/api/experimental/web_{what}": {"POST": partial(_no_web, what)} for what in ("search", "fetch")},
            "/v1/chat/completions": {"POST": self._openai.chat},
            "/v1/completions": {"POST": self._openai.completion},
            "/v1/responses": {"POST": self._openai.responses},
            "/v1/embeddings": {"POST": self._openai.embeddings},
            "/v1/models": {"GET": self._openai.models},
            "/v1/messages": {"POST": MessagesEndpoint(native).serve},
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
        """Serve one request whose body has been read."""
        path, method = _without_server(scope["path"]), scope["method"]
        raw = scope["raw_path"].decode("latin-1") if "raw_path" in scope else path
        what = "" if _BAD_ESCAPE.search(raw) else ": malformed Host header" if is_host_malformed(scope) else None
        if what is not None:
            text = f"400 Bad Request{what}".encode()
            await send_bytes(send, text, status=400, headers={"content-type": _PLAIN, "connection": "close"})
            return
        written = _without_server(raw)  # an escaped slash parts nothing
        clean = _clean(written)
        if clean != written:
            await _redirect(send, scope, quote(clean, safe=_PATH_CHARACTERS), status=307)
            return
        handlers = self._handlers(path)
        shorter = path.removesuffix("/")
        if handlers is None and shorter != path and method in (self._handlers(shorter) or {}):
            await _redirect(send, scope, shorter, status=301 if method == "GET" else 307)
            return
        access = check_access(scope)
        send = with_headers(_without_body(send) if method == "HEAD" else send, access.headers)
        allow: dict[str, str] = {}
        if handlers is not None and method not in handlers:
            allow = {"allow": ", ".join(each for each in _METHODS if each in handlers)}
        if access.status is not None:
            await send_bytes(send, b"", status=access.status, headers=allow)
        elif handlers is None:
            await send_text(send, "404 page not found", status=404)
        elif allow:
            headers = {"content-type": "text/plain", **allow}
            await send_bytes(send, b"405 method not allowed", status=405, headers=headers)
        elif request_header(scope, b"content-encoding") == "zstd":
            await send_json(send, {"error": _NO_ZSTD}, status=400)
        else:
            await _answer(handlers[method], body, send)

    def _handlers(self, path: str) -> Mapping[str, _BodyHandler] | None:
        """Return the handlers of a path by method; None for an unknown path."""
        folder, _, last = path.rpartition("/")
        if last and folder == "/api/blobs":
            return {
                "HEAD": lambda _, send: self._models.has_blob(last, send),
                "POST": partial(self._models.add_blob, last),
            }
        if last and folder == "/api/user/keys":
            return {"DELETE": _sign_out}
        if last and folder == "/v1/models":
            return {"GET": lambda _, send: self._openai.model(last, send)}
        return self._routes.get(path)

    async def _version(self, _: bytes, send: Send) -> None:
        await send_json(send, {"version": f"{VERSION}{self._build()}"})

    async def _ask(self, body: bytes, reply: ReplySink, *, chat: bool) -> None:
        await self._serve_chat(parse_request(body, self._library, chat=chat), reply)


def _sent(handler: JsonHandler) -> _BodyHandler:
    """Return a handler whose reply is sent as it is."""
    return lambda body, send: handler(body, SentReply(send))


async def _answer(handler: _BodyHandler, body: bytes, send: Send) -> None:
    """Serve one request; a refusal becomes the error object."""
    try:
        await handler(body, send)
    except RequestError as refusal:
        error = {"error": str(refusal)}
        if refusal.in_stream:
            await send_json(send, error, status=refusal.status, content_type=PLAIN_JSON, sized=False)
        else:
            await send_json(send, error, status=refusal.status)


def _without_server(target: str) -> str:
    """Return the path of a request; one that goes through a proxy names the server before it."""
    return target if target.startswith("/") else _SERVER.sub("", target, count=1) or "/"


def _clean(path: str) -> str:
    """Return a path without empty parts, `.` and `..`; a slash at its end stays."""
    clean = normpath(f"/{path.lstrip('/')}")
    return clean if clean == "/" or not path.endswith("/") else f"{clean}/"


async def _redirect(send: Send, scope: Scope, path: str, *, status: int) -> None:
    """Redirect to another path, as the server does for a slash too many; a GET gets a text that says so."""
    method, query = scope["method"], scope.get("query_string", b"").decode("latin-1")
    target = f"{path}?{query}" if query else path
    text = f'<a href="{escape(target)}">{HTTPStatus(status).phrase}</a>.\n\n' if method == "GET" else ""
    html = method in ("GET", "HEAD")
    headers = {"location": target} | ({"content-type": "text/html; charset=utf-8"} if html else {})
    await send_bytes(send, text.encode(), status=status, headers=headers, sized=method != "HEAD")


async def _root(_: bytes, send: Send) -> None:
    await send_text(send, "Ollama is running", content_type=_PLAIN)


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


async def _status(_: bytes, send: Send) -> None:
    await send_json(send, {"cloud": {"disabled": True, "source": "env"}})


async def _refuse(status: int, text: str, _: bytes, __: Send) -> None:
    raise RequestError(status, text)


_sign_out: Final = partial(_refuse, 500, "there was an error signing out")


async def _no_web(what: str, body: bytes, _: Send) -> None:
    if not body.strip():
        raise RequestError(400, "missing request body")
    raise RequestError(403, f"ollama cloud is disabled: web {what} is unavailable")
