"""The usual speed at which a model reads prompts, and the calls that do not show it.

    speed = sum of tokens / sum of seconds      over all other calls

A prompt that was in the server's cache is read far faster. One for which the server had to prepare itself is read far
slower: on a GPU the first prompts of a runner can wait for what computes them to be compiled. With a Vulkan runner on
an H200 that took 0.6 to 9.6 s in 11 of 146 calls, 7 to 790 times the usual; a busy CPU took up to 5.6 times the usual.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

_CACHED_TIMES: Final = 2.0  # the median speed: what is faster was in a cache
STALLED_TIMES: Final = 8.0
"""A prompt that takes so many times the usual seconds stalled."""
LEAST_STALL_S: Final = 0.3
"""What is shorter is within what equal calls differ, and matters to nobody."""
_FEWEST: Final = 5  # prompts; of fewer, none is usual
_MOST_STALLED: Final = 0.25  # of the prompts: where more seem to stall, the others were in a cache


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpeed:
    """How fast a model reads prompts, in tokens per second: usually, and at least. 0: none is known to stall."""

    usual: float
    slowest: float

    def stalls(self, tokens: int, seconds: float) -> bool:
        """Return whether a prompt stalled: it took over 0.3 s, and fewer tokens a second were read than `slowest`.

        Args:
            tokens: Tokens of the prompt that the server evaluated.
            seconds: What it took to read them.
        """
        return is_stalled(tokens, seconds, slowest=self.slowest)


def is_stalled(tokens: int, seconds: float, *, slowest: float) -> bool:
    """Return whether a prompt stalled.

    Args:
        tokens: Its tokens.
        seconds: How long the server took to read them.
        slowest: The tokens per second below which prompts stall.
    """
    return seconds > LEAST_STALL_S and tokens < slowest * seconds


def prompt_speed(prompts: Iterable[tuple[int, float]], *, whole: bool = False) -> PromptSpeed | None:
    """Return the speed over prompts as (tokens, seconds), each above 0; None without any.

    A prompt stalls beside the upper quartile, which holds where half of a few prompts did.

    Args:
        prompts: The tokens of each prompt, and the seconds that it took.
        whole: No prompt was in a cache. Else prompts of over twice the median speed are taken for such, and where many
            seem to stall, or few are known, none is taken for stalled: the others may have been cached.
    """
    known = list(prompts)
    if not known:
        return None
    speeds = [tokens / seconds for tokens, seconds in known]
    slowest = (quantiles(speeds, n=4, method="inclusive")[2] if len(speeds) > 1 else speeds[0]) / STALLED_TIMES
    stalled = [is_stalled(tokens, seconds, slowest=slowest) for tokens, seconds in known]
    if not whole and (len(known) < _FEWEST or sum(stalled) > _MOST_STALLED * len(known)):
        slowest, stalled = 0.0, [False] * len(known)
    fastest = math.inf if whole else _CACHED_TIMES * median(speeds)
    kept = [row for row, speed, stalls in zip(known, speeds, stalled, strict=True) if speed <= fastest and not stalls]
    usual = sum(tokens for tokens, _ in kept) / sum(seconds for _, seconds in kept)
    return PromptSpeed(usual=usual, slowest=slowest)
