"""A text generator of fixed length: `num_predict` words, or JSON that a schema allows.

For the launcher and for tests: its models never end a text by themselves.
"""

from __future__ import annotations

from random import Random
from typing import Final

from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.schema_texts import constrained_text
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest

_WORDS: Final = ("The", " small", " harbour", " slept", " under", " rain", " while", " boats", " rocked", " softly")
_PLAIN_JSON: Final[Json] = {"properties": {"answer": {"type": "string"}}}  # what is answered where no schema is given
_LONG: Final = 128  # tokens where the request sets no limit
_LONGEST: Final = 100_000  # limit, so that no request exhausts the memory


class FixedLengthGenerator:
    """Generates `num_predict` tokens of varying words (128 without a limit); with a format, JSON of that format."""

    def prompt_tokens(self, request: GenerationRequest) -> int:
        """Return the tokens of a prompt: its characters / 4, and an earlier context."""
        tokens = sum(tokens_by_length(message["content"]) for message in request.messages)
        return 1 + request.context_tokens + int(tokens)

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """Return the text for one request; equal requests get equal texts."""
        if request.schema is not None or request.json_mode:
            text = constrained_text(_PLAIN_JSON if request.schema is None else request.schema, Random(1))
            return GeneratedText(text=text, completion_tokens=max(1, int(tokens_by_length(text))))
        endless = request.num_predict is None and request.options.get("num_predict") is not None
        count = min(request.num_predict or (_LONGEST if endless else _LONG), _LONGEST)
        words = [_WORDS[n % len(_WORDS)] for n in range(count)]
        return GeneratedText(text="".join(words), completion_tokens=count)
