"""The rules from foreign graphs to LLM tasks: type from the text, tokens and difficulty from costs or from the text.

Each is a guess that keeps what a router weighs: which tasks are alike, and which are larger than others in the same
graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from statistics import median
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.limits import CHARS_PER_TOKEN
from pytest_swarm.domain.task import MAX_DIFFICULTY, MIN_DIFFICULTY, TaskType

MEDIAN_TOKENS: Final = 250  # tokens of a task of median cost
LEAST_SHARE: Final = 0.2  # no task is taken for smaller than this share of the median ...
MOST_TIMES: Final = 8.0  # ... or for larger than so many times
ANSWER_TOKENS: Final = 150  # what an answer to a step in words is taken to need
WORDS_PER_STEP: Final = 25  # so many words more make a step half a level harder

# The first type with a word in the text wins; the order goes from the telling words to the vague ones.
_WORDS: Final[Mapping[TaskType, str]] = MappingProxyType(
    {
        TaskType.CODE: r"code|script|program|function|implement|compil\w*|debug|regex|sql|encrypt\w*|deploy|install",
        TaskType.MATH: r"calculat\w*|comput\w*|sum|averag\w*|count|convert|measur\w*|estimat\w*|percent\w*|add",
        TaskType.SUMMARIZE: r"summar\w*|report|overview|describ\w*|aggregat\w*|merge|reduc\w*|combin\w*|collect",
        TaskType.CREATIVE: r"writ\w*|creat\w*|design|compos\w*|decorat\w*|draw|invent|generat\w*|paint|draft",
        TaskType.EXTRACTION: r"extract\w*|find|get|fetch|retriev\w*|search\w*|read|look|list|scan|parse|\w*load|map",
    }
)
_PATTERNS: Final = tuple((kind, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for kind, words in _WORDS.items())


def type_from_text(text: str) -> TaskType:
    """The task type whose word comes first in the order code, math, summarize, creative, extraction; else reasoning.

    Names such as `LocalTrain_2` or `fastqDump` are read as their words.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.\d]+", " ", text)
    return next((kind for kind, pattern in _PATTERNS if pattern.search(words)), TaskType.REASONING)


def sizes_from_costs(costs: Iterable[float]) -> list[tuple[int, float]]:
    """(estimated tokens, difficulty) per task from runtimes or costs in any unit; 0 = not known, taken as the median.

    With r = cost / median of the known costs, clipped to [0.2, 8]: tokens = 250 r; difficulty = 2 + log2(r), clipped
    to [1, 5] and rounded to halves. So the median task has 250 tokens and difficulty 2, and each doubling is one
    level.
    """
    costs = list(costs)
    known = [cost for cost in costs if cost > 0]
    middle = median(known) if known else 1.0
    return [_size(min(max(cost / middle, LEAST_SHARE), MOST_TIMES) if cost > 0 else 1.0) for cost in costs]


def _size(ratio: float) -> tuple[int, float]:
    return round(MEDIAN_TOKENS * ratio), _halves(2.0 + math.log2(ratio))


def size_from_text(text: str, parents: int) -> tuple[int, float]:
    """(estimated tokens, difficulty) of a step in words.

    tokens = characters / 4 + 150 for the answer + 150 for each parent's; difficulty = 1.5 + half a level for each
    parent after the first and for each 25 words, clipped to [1, 5].
    """
    tokens = math.ceil(len(text) / CHARS_PER_TOKEN) + ANSWER_TOKENS * (1 + parents)
    return tokens, _halves(1.5 + 0.5 * max(0, parents - 1) + 0.5 * (len(text.split()) // WORDS_PER_STEP))


def _halves(difficulty: float) -> float:
    return min(max(round(2 * difficulty) / 2, MIN_DIFFICULTY), MAX_DIFFICULTY)
