"""The length of answers: composed ones get the tokens that they are to have, stopped ones tell theirs."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from pytest_swarm.simulator.models.profile_types import POOLED_TASKS

_EQUAL_PIECES: Final = 31  # at the end of a text that the server ended because it repeats itself


def with_tokens(text: str, tokens: float, *, filling: str, count: Callable[[str], float]) -> str:
    """Return a text of so many tokens: cut at its end, or with filling in front of it.

    Args:
        text: The text.
        tokens: The tokens that it is to have.
        filling: Prose for the front.
        count: Gives the tokens of a text.
    """
    missing = tokens - count(text)
    if missing <= 0:
        return _beginning(text, tokens, count)
    front = filling * (math.ceil(missing / count(filling)) + 1)
    return f"{_beginning(front, missing, count)}\n{text}"


def drawn_tokens(measured: Mapping[str, tuple[int, ...]], kind: str, rng: Random) -> int | None:
    """Return the tokens of an answer to a task that was not measured; None where nothing of the model was.

    With n measured tasks of the type, it is one of theirs with probability n / (n + k), else one of the other types',
    k = POOLED_TASKS. So its mean is (n own mean + k mean of the others) / (n + k), as that of the accuracy.

    Args:
        measured: Token counts by type of task, one for each measured task.
        kind: The type of the task.
        rng: The generator of the draw.
    """
    if not any(measured.values()):
        return None  # and nothing is drawn
    own = measured.get(kind, ())
    others = [count for each, counts in measured.items() if each != kind for count in counts]
    from_own = rng.random() * (len(own) + POOLED_TASKS) < len(own)
    counts = own if from_own or not others else others
    return rng.choice(counts)


def stopped_tokens(text: str, count: Callable[[str], float]) -> float:
    """Return the tokens of a text that the server ended because it repeats itself: equal pieces, and what is before.

    Args:
        text: The text.
        count: Gives the tokens of a text.
    """
    sizes = range(1, len(text) // _EQUAL_PIECES + 1)
    size = next((size for size in sizes if text.endswith(text[-size:] * _EQUAL_PIECES)), None)
    before = text.rstrip() if size is None else text[: -size * _EQUAL_PIECES]  # blanks count as equal
    return _EQUAL_PIECES + count(before) if len(text) - len(before) >= _EQUAL_PIECES else count(text)


def _beginning(text: str, tokens: float, count: Callable[[str], float]) -> str:
    """Return the shortest beginning of at least one character that has so many tokens."""
    return text[: 1 + bisect_left(range(1, len(text)), tokens, key=lambda length: count(text[:length]))]
