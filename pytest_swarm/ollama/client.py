"""One client for every backend: the official `ollama.AsyncClient` through any httpx transport.

Owns the calls that the product makes, their time limit and the translation of whatever goes wrong. Knows nothing of
budgets, plans or tasks. Values from the server are untrusted: each is checked, and a reply that cannot be true raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeVar

import httpx
import ollama

from pytest_swarm.domain.record import ResidentModel
from pytest_swarm.errors import CallTimeoutError
from pytest_swarm.ollama.address import account_of, base_url, shown_host
from pytest_swarm.ollama.error_messages import WIRE_ERRORS, bad_reply, translated
from pytest_swarm.ollama.messages import ChatReply, ChatRequest, ModelInfo
from pytest_swarm.ollama.replies import ImpossibleReply, full_tag, read_chat, read_info, read_installed, read_resident

FOREVER: Final = -1  # keep_alive: residency is decided by the router, never by the server's timer
UNLOAD_NOW: Final = 0
_UNLOAD_POLL_S: Final = 0.05  # how often `/api/ps` is asked whether a model is gone; a call costs the server 0.8 ms


_T = TypeVar("_T")


class OllamaClient:
    """Calls to one server, each bounded by `timeout_s` and each failing with an error of `pytest_swarm.errors` only.

    `transport` is the backend (None: the network at `host`). All calls raise BackendError: ServerDownError,
    ModelMissingError, CallTimeoutError, BadReplyError or ServerRefusedError.
    """

    def __init__(
        self, host: str, *, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = 120.0
    ) -> None:
        url = base_url(host)
        self.host = shown_host(url)
        self.timeout_s = timeout_s
        self._transport = transport if transport is not None else httpx.AsyncHTTPTransport(trust_env=False)
        # No httpx timeout: asyncio.timeout bounds the whole call, and does so in virtual time as well.
        self._client = ollama.AsyncClient(
            self.host, transport=self._transport, trust_env=False, timeout=None, auth=account_of(url)
        )

    async def chat(self, request: ChatRequest) -> ChatReply:
        """The whole answer to a chat; the model stays resident afterwards (keep_alive -1)."""
        call = f"chat with {request.model}"
        response = await self._with_timeout(
            call,
            self._client.chat(
                model=request.model,
                messages=request.messages,
                stream=False,
                format=None if request.schema is None else dict(request.schema),
                options=request.options,
                keep_alive=FOREVER,
            ),
        )
        return self._parsed(call, lambda: read_chat(response, asked=request.model))

    async def load(self, tag: str, *, num_ctx: int) -> None:
        """Return when the model is resident with `num_ctx` tokens of context; chats must then ask for the same."""
        call = f"loading {tag}"
        response = await self._with_timeout(
            call, self._client.generate(model=tag, keep_alive=FOREVER, options={"num_ctx": num_ctx})
        )
        if response.done is not True:
            raise bad_reply(host=self.host, call=call, what="does not say that the model was loaded")

    async def unload(self, tag: str) -> None:
        """Return when the model is gone from `/api/ps`; CallTimeoutError if it stays longer than `timeout_s`."""
        call = f"unloading {tag}"
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._with_timeout(call, self._client.generate(model=tag, keep_alive=UNLOAD_NOW))
                wanted = full_tag(tag)
                while any(full_tag(model.tag) == wanted for model in await self.resident()):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(_UNLOAD_POLL_S)
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{call}: the model is still resident at {self.host} after {self.timeout_s:g} s; "
                f"something else is using it, or give it more time with --swarm-timeout"
            ) from error

    async def resident(self) -> tuple[ResidentModel, ...]:
        """The models in memory, latest expiry first; one that is still loading is not listed."""
        call = "listing resident models"
        response = await self._with_timeout(call, self._client.ps())
        return self._parsed(call, lambda: read_resident(response))

    async def installed(self) -> tuple[str, ...]:
        """The tags that the server has, in its order."""
        call = "listing models"
        response = await self._with_timeout(call, self._client.list())
        return self._parsed(call, lambda: read_installed(response))

    async def show(self, tag: str) -> ModelInfo:
        """What the server knows of a model."""
        call = f"showing {tag}"
        response = await self._with_timeout(call, self._client.show(tag))
        return self._parsed(call, lambda: read_info(response, tag=tag))

    async def version(self) -> str:
        """The server's version, which also proves that an Ollama server answers."""
        call = "asking for the version"
        body = await self._with_timeout(call, self._get("/api/version"))
        version = body.get("version") if isinstance(body, dict) else None
        if not isinstance(version, str) or not version:
            raise bad_reply(host=self.host, call=call, what="has no version")
        return version

    def through(self, wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Self:
        """A client of the same server whose calls go through `wrap`'s transport, which stands around this one's."""
        return type(self)(self.host, transport=wrap(self._transport), timeout_s=self.timeout_s)

    async def aclose(self) -> None:
        """Close the transport, and with it every connection."""
        await self._transport.aclose()

    async def _get(self, path: str) -> object:
        """The JSON at `path`: for what the official client has no method for, through the same transport."""
        request = httpx.Request("GET", f"{self.host}{path}")
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            await response.aread()
        finally:
            await response.aclose()
        response.raise_for_status()
        return response.json()

    async def _with_timeout(self, call: str, work: Awaitable[_T]) -> _T:
        """The result of `work` within the time limit, or the error of ours for what went wrong."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await work
        except WIRE_ERRORS as error:
            raise translated(error, host=self.host, call=call, timeout_s=self.timeout_s) from error

    def _parsed(self, call: str, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except ImpossibleReply as error:
            raise bad_reply(host=self.host, call=call, what=str(error)) from error
