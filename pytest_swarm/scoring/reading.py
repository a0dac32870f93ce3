"""Reading: what was read as the answer in a model's text, and where it stood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

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
