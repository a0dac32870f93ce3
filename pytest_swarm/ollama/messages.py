"""What is asked of an Ollama server and what it answered, as checked values; nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One chat with a model. `num_ctx` is always sent, because the server's default moves with the GPU.

    `schema` is a JSON schema that constrains the answer; None in the other optional fields leaves it to the server.
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
        """The options object of the wire: only what was given."""
        given = {
            "num_ctx": self.num_ctx,
            "seed": self.seed,
            "temperature": self.temperature,
            "num_predict": self.num_predict,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A complete answer. `text` is model output: hostile data. Figures are the server's own; None = not reported.

    `load_s` is queue, eviction and load together; waiting for a slot shows in `total_s` only.
    """

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    total_s: float | None
    load_s: float | None
    prefill_s: float | None
    decode_s: float | None
    done_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What `/api/show` says of a model; None or empty where it does not say."""

    tag: str
    family: str | None
    parameter_size: str | None
    quantization: str | None
    context_length: int | None
    capabilities: tuple[str, ...] = ()
