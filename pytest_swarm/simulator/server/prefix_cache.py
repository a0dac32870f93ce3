"""The prompt cache of a loaded model: the beginning of a prompt that it has read before is not read again.

Measured on the real server and its log. Each slot holds the last prompt with its answer, and what a slot drops is
kept in memory until the model is unloaded. A prompt is a sequence of pieces (words, digits, marks), close to tokens.

    any          every common beginning is reused (full attention)
    checkpoints  one that is longer than the window of 512 tokens and ends within it; else up to a checkpoint, which lie
                 512 and 4 tokens before the end of each prompt and where its reading began (sliding window)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from pytest_swarm.domain.prompt import Message

Pieces: TypeAlias = tuple[str, ...]

_PIECE: Final = re.compile(r" ?[^\W\d_]+|\d| ?[^\w\s]+|_|\s+")
_WINDOW: Final = 512  # tokens of a sliding window, and of a batch: the server keeps the last two of them
_CHECKPOINTS: Final = (_WINDOW, 4)  # tokens before the end of a prompt, where the server saves a state
_SAME_SLOT: Final = 0.1  # share of a new prompt that a slot must hold to be chosen for it
_KEPT_ENOUGH: Final = 0.5  # a slot of which less is reused looks for a better prompt in memory
_WORTH_LOADING: Final = 0.25  # a prompt in memory of which less would be reused stays there


class PrefixReuse(StrEnum):
    """Which beginnings of an earlier prompt a model does not read again."""

    ANY = "any"
    CHECKPOINTS = "checkpoints"


class CachedPrompt:
    """What a slot holds: the pieces of a prompt and its answer, and the checkpoints in it. Mutable.

    `evaluated` is the tokens of the present prompt that the model reads, `busy` whether its answer is still to come.
    """

    __slots__ = ("busy", "checkpoints", "evaluated", "pieces")

    def __init__(self, pieces: Pieces = (), checkpoints: Iterable[float] = ()) -> None:
        self.pieces = pieces
        self.checkpoints = tuple(checkpoints)
        self.evaluated = 0
        self.busy = False

    def end(self, answer: str) -> None:
        """Add the answer and free the slot."""
        self.pieces += _split(answer)
        self.busy = False

    def cut(self, share: float) -> None:
        """Drop the end of a prompt, which was not read: so large a share of it."""
        self.pieces = self.pieces[: round(len(self.pieces) * (1 - share))]
        self.checkpoints = tuple(each for each in self.checkpoints if each <= len(self.pieces))

    def copy(self) -> CachedPrompt:
        """Return the prompt as it is kept in memory."""
        return CachedPrompt(self.pieces, self.checkpoints)

    def read(self, pieces: Pieces, tokens: int, reuse: PrefixReuse) -> None:
        """Replace the prompt and set how many of its tokens are evaluated, at least 1."""
        per_piece = tokens / max(1, len(pieces))
        common: float = _common(self.pieces, pieces)
        if reuse is PrefixReuse.CHECKPOINTS and not _in_window(common * per_piece, len(self.pieces) * per_piece):
            common = max((each for each in self.checkpoints if each <= common), default=0.0)
        ends = (common, *(len(pieces) - before / per_piece for before in _CHECKPOINTS))
        kept = [each for each in self.checkpoints if each < common]
        self.checkpoints = (*kept, *(each for each in ends if each >= max(common, 1.0)))
        self.evaluated = max(1, round(tokens - common * per_piece))
        self.pieces = pieces
        self.busy = True


class PrefixCache:
    """The prompt cache of one loaded model.

    Args:
        slots: Requests that the model serves at once; slots do not share their prompts.
        reuse: Which beginnings are reused.
    """

    def __init__(self, slots: int, reuse: PrefixReuse) -> None:
        self._reuse = reuse
        self._slots = [CachedPrompt() for _ in range(slots)]
        self._memory: list[CachedPrompt] = []

    def read(self, messages: Sequence[Message], tokens: int) -> CachedPrompt:
        """Return the slot that reads a prompt; its owner calls `end` with the answer.

        Args:
            messages: The prompt.
            tokens: Its length in tokens.
        """
        pieces = tuple(piece for each in messages for piece in (f"<{each['role']}>", *_split(each["content"])))
        free = [slot for slot in self._slots if not slot.busy] or self._slots
        slot = max(free, key=lambda each: _common(each.pieces, pieces))
        if _common(slot.pieces, pieces) <= _SAME_SLOT * len(pieces):
            slot = free[0]  # the one that was used the longest time ago
        self._slots.remove(slot)
        self._slots.append(slot)
        if slot.pieces and _common(slot.pieces, pieces) < _KEPT_ENOUGH * len(slot.pieces):
            self._exchange(slot, pieces)
        slot.read(pieces, tokens, self._reuse)
        return slot

    def _exchange(self, slot: CachedPrompt, pieces: Pieces) -> None:
        """Keep the slot's prompt in memory, and load the one from memory of which more is reused."""
        self._memory.append(slot.copy())
        best, best_common = slot, _common(slot.pieces, pieces)
        for each in self._memory:
            common = _common(each.pieces, pieces)
            share, best_share = common / len(each.pieces), best_common / len(best.pieces)
            if common > best_common and share > best_share and share >= _WORTH_LOADING:
                best, best_common = each, common
        if best is not slot:
            self._memory.remove(best)
            slot.pieces, slot.checkpoints = best.pieces, best.checkpoints


def _in_window(common: float, held: float) -> bool:
    """Return whether a slot that holds so many tokens has all that is needed to go on after the common ones."""
    return common >= _WINDOW and max(0.0, held - 2 * _WINDOW) < common - _WINDOW


def _split(text: str) -> Pieces:
    return tuple(_PIECE.findall(text))


def _common(first: Pieces, second: Pieces) -> int:
    """Return how many pieces both begin with."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))
