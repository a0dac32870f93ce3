"""What may be the matter with a model's answer as a text, whatever it scores."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

ENDED_AT_LIMIT: Final = "length"
"""Ollama's `done_reason` of an answer that was cut off at the limit of tokens."""


class AnswerState(StrEnum):
    """What is the matter with an answer as a text, whatever its score."""

    CUT = "cut"  # the server ended it at the limit of tokens
    THINKING = "thinking"  # it holds thinking only
    EMPTY = "empty"  # it holds nothing at all
