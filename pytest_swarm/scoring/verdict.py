"""What was read as the answer of a text (`Reading`), and what it is worth (`Score`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from pytest_swarm.errors import ScoringError

ValueT = TypeVar("ValueT", covariant=True)
_SHOWN_CHARS: Final = 200


class AnswerPlace(StrEnum):
    """Where in a text its answer stood; the value is shown in reports."""

    BOX = "in \\boxed{}"
    TAG = "in <answer>"
    MARKER = "after 'answer'"
    FIRST_WORD = "first word"
    FIRST_LINE = "first line"
    STATEMENT = "a statement"
    LAST = "last in the text"
    WHOLE = "the whole text"
    BLOCK = "a fenced block"
    OBJECT = "a JSON object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[ValueT]):
    """The values that an answer may mean, best first, the words that say so, and their place.

    There are several values where the words have several meanings: `25%` is 25 and 0.25.
    """

    values: tuple[ValueT, ...]
    text: str
    place: AnswerPlace

    @property
    def shown(self) -> str:
        """The words, cut to a length that fits into a table."""
        return self.text if len(self.text) <= _SHOWN_CHARS else self.text[: _SHOWN_CHARS - 3] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`value` in [0, 1], or None for unscored; `detail` is one sentence for the reader, or None.

    Unscored is not 0: an unscored task says nothing about the model. `read` is the part of the answer that was scored
    and `where` its place in the text; None where the whole text was scored. `layers` names the means of confinement
    that were in force where code was run. `judge_reply` is what a judge model wrote. Raises ScoringError for a value
    outside [0, 1].
    """

    value: float | None
    detail: str | None = None
    read: str | None = None
    where: str | None = None
    layers: tuple[str, ...] = ()
    judge_reply: str | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not (math.isfinite(self.value) and 0 <= self.value <= 1):
            raise ScoringError(f"a score is {self.value:g}, but must be from 0 to 1")


RIGHT = Score(value=1.0)


def wrong(detail: str) -> Score:
    """Score 0, and why."""
    return Score(value=0.0, detail=detail)


EMPTY = wrong("the answer is empty")


def unscored(detail: str) -> Score:
    """No score, and why there is none."""
    return Score(value=None, detail=detail)


def share(right: int, total: int, detail: str) -> Score:
    """`right` / `total`; the detail is dropped where everything is right."""
    return RIGHT if right == total else Score(value=right / total, detail=detail)


def score_reading(reading: Reading[object], *, right: bool, detail: str) -> Score:
    """1 where the reading is right, else 0 with the detail; either way with what was read and where."""
    return Score(
        value=1.0 if right else 0.0,
        detail=None if right else detail,
        read=reading.shown,
        where=reading.place.value,
    )


def shown(text: object, limit: int = 60) -> str:
    """A short form of model output for a detail: its repr, cut to `limit` characters."""
    form = repr(text)
    return form if len(form) <= limit else form[: limit - 3] + "..."
