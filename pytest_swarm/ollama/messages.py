"""Chat requests, chat replies and model information as checked values. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One chat with a model. `num_ctx` is always sent, because the server's default depends on the GPU.

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
        if self.schema is not None:
            object.__setattr__(self, "schema", MappingProxyType(dict(self.schema)))

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A complete reply, with the server's durations in seconds and its token counts; None where it reported none.

    `text` is model output: untrusted data. `load_s` includes queueing, eviction and load; waiting for a slot shows in
    `total_s` only. `thinking_chars` counts the thinking that the server sent apart from the text.
    """

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    total_s: float | None
    load_s: float | None
    prefill_s: float | None
    decode_s: float | None
    done_reason: str | None
    thinking_chars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model's information from `/api/show`; None or empty where it has none."""

    tag: str
    family: str | None
    parameter_size: str | None
    quantization: str | None
    context_length: int | None
    capabilities: tuple[str, ...] = ()
