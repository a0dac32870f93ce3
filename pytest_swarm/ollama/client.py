"""One client for every backend: the official `ollama.AsyncClient` over any httpx transport.

Owns the calls, their time limit and the translation of errors. Must not know budgets, plans or tasks. Values from the
server are untrusted: each one is checked, and an impossible reply raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import BackendError, BadReplyError, CallTimeoutError, ServerRefusedError
from pytest_swarm.fields import Json
from pytest_swarm.ollama.address import base_url, credentials_of, shown_host
from pytest_swarm.ollama.error_messages import answered, refusal_of_whole, refuse_error, translate_error, wire_errors
from pytest_swarm.ollama.messages import ChatReply, ChatRequest, ListedModel, ModelInfo, ResidentEntry, chat_body
from pytest_swarm.ollama.replies import (
    ImpossibleReply,
    check_loaded,
    read_chat,
    read_entries,
    read_info,
    read_installed,
    read_resident,
    read_version,
)
from pytest_swarm.ollama.retrying import DEFAULT_TIMEOUT_S, FailedAttempt, wait_before_s
from pytest_swarm.ollama.transports.bounded import BoundedTransport
from pytest_swarm.ollama.transports.network import network_transport

if TYPE_CHECKING:  # a run on a simulated server does without it, and its import takes 0.16 s
    from pytest_swarm.ollama.official_package import ollama
    from pytest_swarm.ollama.replies import ChatAnswer, GenerateAnswer

LEASE_S: Final = 900  # keep_alive of what a run loads: long enough to be renewed, and a killed run pins nothing
FOREVER: Final = -1
UNLOAD_NOW: Final = 0
_UNLOAD_POLL_S: Final = 0.05  # interval of `/api/ps` until a model is gone; a call takes the server 0.8 ms
_REPLACED_AFTER: Final = 40  # polls until the server is asked whether the model was replaced under its tag
_LISTING: Final = "listing resident models"
_T = TypeVar("_T")
_R = TypeVar("_R")


class OllamaClient:
    """A client of one server.

    All calls raise a kind of BackendError, and nothing else.

    Args:
        host: URL of the server, in any form that `--swarm-host` accepts.
        transport: The backend; None for the network.
        timeout_s: Time limit of one attempt of a call in seconds.
        retries: How often a call is tried again that failed for the server's sake.

    Attributes:
        on_retry: Is told of each failed attempt before the next one; None tells nobody.
    """

    def __init__(
        self,
        host: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: int = 0,
    ) -> None:
        self._url = base_url(host)
        self.host = shown_host(self._url)
        self.timeout_s = timeout_s
        self.retries = retries
        self.on_retry: Callable[[FailedAttempt], None] | None = None
        inner = transport if transport is not None else network_transport()
        self._transport = inner if isinstance(inner, BoundedTransport) else BoundedTransport(inner)

    @cached_property
    def _client(self) -> ollama.AsyncClient:
        """The official client; made late, because making it is slow."""
        return self._official_client()

    def _official_client(self) -> ollama.AsyncClient:
        """Return a new official client over this client's transport.

        It has no timeout of httpx: asyncio.timeout bounds the whole call, and does so in virtual time as well.
        """
        from pytest_swarm.ollama.official_package import ollama

        return ollama.AsyncClient(self.host, **self._http_options)

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """For routes and fields that the official client leaves out; made late, because making it is slow."""
        return httpx.AsyncClient(**self._http_options)

    @property
    def _http_options(self) -> dict[str, Any]:
        return {
            "transport": self._transport,
            "trust_env": False,
            "timeout": None,
            "auth": credentials_of(self._url),
            "event_hooks": {"response": [refuse_error]},
        }

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Return the complete reply to a chat; the model stays resident for `LEASE_S` after it.

        Ollama cuts a prompt that is longer than the context, and does not say so. So one that may be is sent with
        `truncate: false` first: the server refuses what it would cut, with the number of its tokens, before the model
        reads it. It is then sent as it is. Most servers that do not know the field ignore it; one that refuses it is
        asked without it.
        """
        call, read = f"chat with {request.model}", partial(read_chat, asked=request.model)
        if not request.may_be_cut:
            return await self._asked(call, lambda: self._chat(request), read)
        try:
            return await self._asked(call, lambda: self._chat(request, truncate=False), read)
        except ServerRefusedError as error:
            refusal = refusal_of_whole(error)
            if refusal is None:
                raise
        reply = await self._asked(call, lambda: self._chat(request), read)
        return replace(reply, refused_whole=refusal.too_long, whole_prompt_tokens=refusal.tokens)

    async def ask(self, body: Mapping[str, Json]) -> ChatReply:
        """Return the reply to a chat that is given as the body of its request; the model stays for `LEASE_S`.

        Args:
            body: The body, without `keep_alive`; it must not ask for a stream.
        """
        model, leased = str(body.get("model")), {**body, "keep_alive": LEASE_S}
        return await self._asked(
            f"chat with {model}", lambda: self._post("/api/chat", leased), partial(read_chat, asked=model)
        )

    async def load(self, tag: str, *, num_ctx: int | None, keep_alive: float = LEASE_S) -> None:
        """Load a model, and return when it is resident. A resident one gets the new `keep_alive`.

        Args:
            tag: The model.
            num_ctx: Context length in tokens; chats must then request the same. None = the server's default.
            keep_alive: Seconds that it stays resident when idle; `FOREVER` pins it.
        """
        options = None if num_ctx is None else {"num_ctx": num_ctx}
        await self._asked(
            f"loading {tag}", lambda: self._generate(tag, keep_alive, options), partial(check_loaded, asked=tag)
        )

    async def unload(self, tag: str, *, digest: str | None = None) -> None:
        """Unload a model, and return when it is gone from `/api/ps`; CallTimeoutError after `timeout_s`.

        A model that was replaced under its tag cannot be unloaded by it, and is not waited for.

        Args:
            tag: The model.
            digest: Its digest, so that another file under this tag, which it has replaced, is not waited for.
        """
        call = f"unloading {tag}"
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._with_retries(call, lambda: self._generate(tag, UNLOAD_NOW, None), limited=True)
                polls = 0
                while await self.is_resident(tag, digest):
                    await asyncio.sleep(_UNLOAD_POLL_S)
                    polls += 1
                    if digest is None and polls == _REPLACED_AFTER:
                        digest = await self._installed_digest(tag)
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{call}: the model is still resident at {self.host} after {self.timeout_s:g} s; "
                f"another client uses it, or it needs a longer --swarm-timeout"
            ) from error

    async def _installed_digest(self, tag: str) -> str | None:
        """Return the digest that a tag has now; None where the server does not tell."""
        with suppress(BackendError):
            return next((each.digest for each in await self.installed() if full_tag(each.tag) == full_tag(tag)), None)
        return None

    async def is_resident(self, tag: str, digest: str | None) -> bool:
        """Return whether the model of a tag with a digest is resident; `digest`: None = any."""
        if digest is None:
            return any(full_tag(model.tag) == full_tag(tag) for model in await self.resident())
        return any(entry.is_model(tag, digest) for entry in await self.resident_entries())

    async def resident(self) -> tuple[ResidentModel, ...]:
        """Return the resident models, latest expiry first; a model that is still loading is not listed."""
        return await self._asked(_LISTING, self._client.ps, read_resident)

    def known_resident(self) -> tuple[ResidentModel, ...] | None:
        """Return what `resident` returns where that takes no request; None where it does."""
        return None

    async def resident_entries(self) -> tuple[ResidentEntry, ...]:
        """Return the resident models with their contexts and the time that is left to them."""
        return await self._asked(_LISTING, self._client.ps, lambda found: read_entries(found, now=datetime.now(UTC)))

    async def installed(self) -> tuple[ListedModel, ...]:
        """Return the installed models and the cloud models that the server passes on, in its order."""
        return await self._asked("listing models", lambda: self._get("/api/tags"), read_installed)

    async def show(self, tag: str) -> ModelInfo:
        """Return the server's information about a model."""
        return await self._asked(f"showing {tag}", lambda: self._client.show(tag), partial(read_info, tag=tag))

    async def version(self) -> str:
        """Return the server's version, which also proves that it is an Ollama server."""
        return await self._asked("asking for the version", lambda: self._get("/api/version"), read_version)

    def through(self, wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Self:
        """Return a client of the same server with another transport; `wrap` makes it from this client's transport."""
        transport = BoundedTransport(wrap(self._transport), limit_bytes=self._transport.limit_bytes)
        return type(self)(self._url, transport=transport, timeout_s=self.timeout_s, retries=self.retries)

    def without_retries(self) -> Self:
        """Return a client of the same server and transport that tries nothing again."""
        client = copy(self)
        client.retries, client.on_retry = 0, None
        return client

    async def aclose(self) -> None:
        """Close the transport with all its connections."""
        await self._transport.aclose()

    async def _chat(self, request: ChatRequest, *, truncate: bool = True) -> ChatAnswer:
        """Return the server's reply to a chat. `truncate`: it may cut the prompt."""
        if not truncate:  # which the official client cannot say
            return await self._post("/api/chat", chat_body(request, keep_alive=LEASE_S, truncate=False))
        return await self._client.chat(
            model=request.model,
            messages=request.messages,
            stream=False,
            format=None if request.schema is None else dict(request.schema),
            options=request.options,
            keep_alive=LEASE_S,
        )

    async def _generate(self, tag: str, keep_alive: float, options: Mapping[str, int] | None) -> GenerateAnswer:
        """Return the server's reply to a request without a prompt, which loads or unloads a model."""
        return await self._client.generate(model=tag, keep_alive=keep_alive, options=options)

    async def _get(self, path: str) -> Json:
        """Return the JSON at `path`; an error status raises the official client's error."""
        body: Json = answered(await self._http.get(f"{self.host}{path}")).json()
        return body

    async def _post(self, path: str, body: Mapping[str, Json]) -> ollama.ChatResponse:
        """Return the reply of `path` to a body; an error status raises the official client's error."""
        from pytest_swarm.ollama.official_package import ollama

        response = answered(await self._http.post(f"{self.host}{path}", json=dict(body)))
        return ollama.ChatResponse.model_validate(response.json())

    async def _asked(self, call: str, work: Callable[[], Awaitable[_T]], read: Callable[[_T], _R]) -> _R:
        """Return what `read` makes of the result of `work`; BadReplyError where that cannot be true."""
        found = await self._with_retries(call, work)
        try:
            return read(found)
        except ImpossibleReply as error:
            raise BadReplyError(
                f"{call}: the answer of the server at {self.host} {error}; nothing of it is used"
            ) from error

    async def _with_retries(self, call: str, work: Callable[[], Awaitable[_T]], *, limited: bool = False) -> _T:
        """Return the result of `work`; try it again where the server is to blame and may do better.

        `limited`: the caller has a time limit for all attempts together, so that none needs one of its own.
        """
        for attempt in count(1):
            try:
                return await self._with_timeout(call, work(), limited=limited)
            except BackendError as error:
                if attempt > self.retries or not error.may_pass:
                    raise
                failed = FailedAttempt(call=call, error=error, attempt=attempt, wait_s=wait_before_s(attempt))
            if self.on_retry is not None:
                self.on_retry(failed)
            await asyncio.sleep(failed.wait_s)
        raise AssertionError("the last attempt returns or raises")

    async def _with_timeout(self, call: str, work: Awaitable[_T], *, limited: bool) -> _T:
        """Return the result of `work` within the time limit; translate its errors."""
        try:
            async with asyncio.timeout(None if limited else self.timeout_s):
                return await work
        except wire_errors() as error:
            raise translate_error(error, host=self.host, call=call, timeout_s=self.timeout_s) from error
