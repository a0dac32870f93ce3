"""The seam between the simulated server and the texts that it says: one request, one text, one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What a model is asked: the chat, the JSON schema (or plain JSON mode) that constrains it, and its options.

    `model` is the name as the server lists it (with its tag). `num_predict` is None where the request sets no limit;
    the server cuts the text after that many tokens, so a generator need not.
    """

    model: str
    messages: tuple[Message, ...]
    schema: Json = None
    json_mode: bool = False
    seed: int | None = None
    num_predict: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedText:
    """What the model says: `completion_tokens` of text (at least 1), after `prompt_tokens` of prompt (at least 1)."""

    text: str
    prompt_tokens: int
    completion_tokens: int


class TextGenerator(Protocol):
    """Who decides what the models say. Must be a pure function of the request, so that runs repeat exactly."""

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """The text for one request."""
        ...
