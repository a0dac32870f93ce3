"""Recorded answers: what a model replied to a request, found again by what was asked.

The same model with the same messages, format, seed and temperature is the same request. Blanks at the ends of a
message or of a parent's output do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt import PARENTS_HEADING, Message, parent_outputs
from pytest_swarm.fields import Json

_KEY_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """The reply to one request. Times are medians over its calls, in seconds; None where no call tells.

    `request` is the key of the request (`request_key`), `overhead_s` what a call took besides load, prefill and decode.
    `repeats`: the server ended the text because it repeats itself, and then reports neither tokens nor times.
    """

    model: str
    request: str
    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    prefill_s: float | None = None
    decode_s: float | None = None
    overhead_s: float | None = None
    repeats: bool = False


def request_key(model: str, messages: Sequence[Message], *, form: Json, options: Mapping[str, Json]) -> str:
    """Return the key of a request: hex digits.

    Args:
        model: The model's name.
        messages: The messages of the chat.
        form: The JSON schema, `json`, or None.
        options: The options, of which seed and temperature count.
    """
    told = {
        "model": full_tag(model),
        "messages": [_told(message) for message in messages],
        "format": form,
        "seed": options.get("seed"),
        "temperature": options.get("temperature"),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_KEY_DIGITS]


def _told(message: Message) -> list[Json]:
    content = message["content"]
    if message["role"] == "system" and content.startswith(PARENTS_HEADING):
        outputs: dict[str, Json] = {name: text.strip() for name, text in parent_outputs([message]).items()}
        return [message["role"], outputs]
    return [message["role"], content.strip()]
