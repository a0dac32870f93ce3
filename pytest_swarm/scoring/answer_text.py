"""The text of an answer that scorers read: outside of thinking, and limited in length."""

from __future__ import annotations

from typing import Final

from pytest_swarm.scoring.thinking import without_thinking

MAX_ANSWER_CHARS: Final = 200_000  # far above any real answer; keeps every scorer's time bounded


def readable(answer: str) -> str:
    """Return the part of an answer that counts: without thinking, at most MAX_ANSWER_CHARS from the end."""
    return without_thinking(answer)[-MAX_ANSWER_CHARS:].strip()
