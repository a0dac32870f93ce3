"""Notes that many cases share, as one sentence: hundreds of a kind would bury all others.

It knows sentences and nothing of runs. `events.jsonl` and `report.json` hold every note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pytest_swarm.units import plural

FEWEST_ALIKE: Final = 4
"""From so many cases on, one sentence stands for all: fewer take no more room than a few lines."""

_OF_A_CASE: Final = re.compile(r"\S.*? \[[^\[\]]+\](?: r\d+|-r\d+)?(?P<text>(?: ended as \w+)?: .+)", re.DOTALL)
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")


def grouped(sentences: Sequence[str]) -> list[str]:
    """Return the sentences in their order, those of many cases that differ only in case and figures as one.

    The one that stands for the others has the largest first figure, and says how many they are.
    """
    groups: dict[str, list[str]] = {}
    for each in sentences:
        groups.setdefault(_kind(each), []).append(each)
    return [line for alike in groups.values() for line in (alike if len(alike) < FEWEST_ALIKE else [_one_of(alike)])]


def _kind(sentence: str) -> str:
    found = _OF_A_CASE.fullmatch(sentence)
    return f" {_FIGURE.sub('0', found['text'])}" if found else sentence  # a blank: no sentence begins with one


def _one_of(alike: Sequence[str]) -> str:
    return f"{max(alike, key=_first_figure)} ({plural(len(alike) - 1, 'more case')} with such a note)"


def _first_figure(sentence: str) -> float:
    found = _OF_A_CASE.fullmatch(sentence)
    figure = _FIGURE.search(found["text"]) if found else None
    return float(figure[0].replace(",", "")) if figure and figure[0].replace(",", "").count(".") < 2 else -1.0
