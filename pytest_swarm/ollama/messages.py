"""Chat requests, chat replies and model information as checked values. Knows no HTTP."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt import Message, wire_text
from pytest_swarm.fields import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One chat with a model. `num_ctx` is always sent, because the server's default depends on the GPU.

    Half a surrogate pair in a message or the schema is sent as the replacement character, as the server would read it.
    `schema` is a JSON schema that constrains the reply. None in the other fields means the server's default.
    """

    model: str
    messages: tuple[Message, ...]
    num_ctx: int
    seed: int | None = None
    temperature: float | None = None
    num_predict: int | None = None
    schema: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        messages = tuple(Message(role=each["role"], content=wire_text(each["content"])) for each in self.messages)
        object.__setattr__(self, "messages", messages)
        if self.schema is not None:
            schema = json.loads(wire_text(json.dumps(dict(self.schema), ensure_ascii=False)))
            object.__setattr__(self, "schema", MappingProxyType(schema))

    @property
    def options(self) -> dict[str, int | float]:
        """The `options` object of the request, without the fields that are None."""
        given = {
            "num_ctx": self.num_ctx,
            "seed": self.seed,
            "temperature": self.temperature,
            "num_predict": self.num_predict,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def may_be_cut(self) -> bool:
        """Whether the prompt may be too long: it has more bytes than half of the context has tokens.

        A token has at least one byte. The other half is for the template, whose own text is not known.
        """
        size = sum(len(each["content"].encode()) for each in self.messages)
        return 2 * size > self.num_ctx


def chat_body(request: ChatRequest, *, keep_alive: float, truncate: bool) -> dict[str, Json]:
    """Return the body of a chat as the official client sends it.

    Args:
        request: The chat.
        keep_alive: Seconds that the model stays resident after it.
        truncate: Whether the server may cut the prompt; the official client cannot forbid it.
    """
    messages: list[Json] = [{name: str(text) for name, text in each.items() if text} for each in request.messages]
    body: dict[str, Json] = {
        "model": request.model,
        "stream": False,
        "options": dict(request.options),
        "keep_alive": keep_alive,
        "messages": messages,
        "tools": [],
    }
    if request.schema is not None:
        body["format"] = dict(request.schema)
    return body if truncate else {**body, "truncate": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A complete reply, with the server's durations in seconds and its token counts; None where it reported none.

    `text` and `thinking` (what the model wrote before it, None where it wrote none) are model output: untrusted data.
    `load_s` includes queueing, eviction and load; waiting for a slot shows in `total_s` only. `done_reason` is `stop`,
    `length`, or `repeat` for a text that the server stopped because it repeats itself. `thinking_chars`: its length.
    `refused_whole`: the server refused to read the whole prompt, so it has cut it, and `prompt_tokens` is what it left
    of it; `whole_prompt_tokens` is how long it was, where the server told it.
    """

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    total_s: float | None
    load_s: float | None
    prefill_s: float | None
    decode_s: float | None
    done_reason: str | None
    thinking: str | None = None
    thinking_chars: int | None = None
    refused_whole: bool = False
    whole_prompt_tokens: int | None = None


Chat: TypeAlias = Callable[[ChatRequest], Awaitable[ChatReply]]
"""Asks a server; raises BackendError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A row of `/api/tags`. `digest` is None where the server gives none.

    `remote_host` is where a cloud model runs; it has no VRAM on this server, and no time of its own. None = here.
    """

    tag: str
    digest: str | None = None
    remote_host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentEntry:
    """A row of `/api/ps` with what is needed to load the model again as it is.

    `num_ctx` and `digest` are None where the server does not tell; `left_s` are the seconds until it expires, None =
    never. A model that was replaced under its tag while it was resident is listed with its old digest.
    """

    tag: str
    size_bytes: int
    size_vram_bytes: int
    num_ctx: int | None = None
    left_s: float | None = None
    digest: str | None = None

    def is_model(self, tag: str, digest: str | None) -> bool:
        """Return whether this is the model of a tag with a digest, as far as digests are known.

        Args:
            tag: The tag, in any form.
            digest: The digest; None = any.
        """
        return full_tag(self.tag) == full_tag(tag) and (None in (digest, self.digest) or self.digest == digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model's information from `/api/show`; None or empty where it has none.

    `weights` is the digest of the file of its weights, which models of other parameters or texts share. `launch` is
    what else must be equal for two models to run on one copy of it: adapters, projectors, and the parameters for which
    the server loads again. It holds no `num_ctx`, which a request gives.
    """

    tag: str
    family: str | None
    parameter_size: str | None
    quantization: str | None
    context_length: int | None
    capabilities: tuple[str, ...] = ()
    weights: str | None = None
    launch: tuple[str, ...] = ()
