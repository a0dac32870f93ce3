"""What is computed of a short answer, or of a short text in one, once: the same comes again and again.

It is scored under several modes and as the local score of its task, and read for each task that is given it; the
simulator does the same with what it composes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Final, Generic, TypeVar

from pytest_swarm.domain.expectation import Expectation

E = TypeVar("E", bound=Expectation | None)
T = TypeVar("T")
KEPT_CHARS: Final = 2_000  # of an answer of which something is kept, so that 1,024 are 2 MB at most


@dataclass(frozen=True, slots=True)
class _Answer(Generic[E]):
    """An answer and what is expected."""

    expected: E
    text: str

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same; expectations are compared by their text, which tells 1 from True."""
        if not isinstance(other, _Answer) or self.text != other.text:
            return False
        mine, its = self.expected, other.expected
        return mine is its or (mine == its and repr(mine) == repr(its))


def once(*, kept: int) -> Callable[[Callable[[E, str], T]], Callable[[E, str], T]]:
    """Return what makes a function of an expectation and an answer one that is called once for a short answer.

    Args:
        kept: Of how many answers the values are kept, which nobody changes; the function is a pure one.
    """

    def decorate(function: Callable[[E, str], T]) -> Callable[[E, str], T]:
        @lru_cache(maxsize=kept)
        def known(answer: _Answer[E]) -> T:
            return function(answer.expected, answer.text)

        @wraps(function)
        def of_answer(expected: E, answer: str) -> T:
            return function(expected, answer) if len(answer) > KEPT_CHARS else known(_Answer(expected, answer))

        return of_answer

    return decorate


def once_of_text(*, kept: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Return what makes a function of a text one that is called once for a short text.

    Args:
        kept: Of how many texts the values are kept, which nobody changes; the function is a pure one.
    """

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        known = lru_cache(maxsize=kept)(function)

        @wraps(function)
        def of_text(text: str) -> T:
            return function(text) if len(text) > KEPT_CHARS else known(text)

        return of_text

    return decorate
