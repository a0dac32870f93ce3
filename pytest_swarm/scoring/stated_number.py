"""Which number of a sentence is the one that it states, and which only say how, when, how often or compared to what.

In "He has 15 apples in 3 bags" the number is 15, in "5 * 3 = 15 hours to read 3 books" the result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from pytest_swarm.scoring.number_text import WrittenNumber
from pytest_swarm.scoring.patterns import one_of

_DETERMINER: Final = one_of(
    "the, a, an, all, both, these, those, his, her, its, their, my, our, your, each, every, any, about, only, just, "
    "over, another, additional, extra, remaining, other, first, last, next, original, previous, total, more, at least, "
    "approximately, around, nearly, exactly, [a-z]{2,12}ing"
)
_PREPOSITION: Final = one_of(
    "in, for, after, before, within, during, per, every, each, at, than, from, until, among, across, throughout, "
    "when, every, between, instead of, out of, compared to, compared with, rather than, as opposed to, ago, on, "
    "give or take, over, under, above, below"
)
_NO_PREPOSITION: Final = r"(?<!resulting in)(?<!results in)(?<!invested in)(?<!left for)(?<!total at)"
_PURPOSE: Final = (
    r"(?<!has )(?<!have )(?<!had )(?<!need )(?<!needs )(?<!needed )(?<!able )(?<!wants )(?<!want )(?<!going )"
    r"(?<!going )(?<!used )(?<!up )(?<!comes )(?<!equal )(?<!amounts )(?<!adds )(?<!down )"
    r"\bto\s(?!a total|be\b|have\b)[a-z]{2,14}\s(?:[a-z]{1,12}\s){0,3}"
)
_MODIFIES: Final = re.compile(
    rf"(?:{_NO_PREPOSITION}\b{_PREPOSITION}\s(?:{_DETERMINER}\s){{0,3}}|{_NO_PREPOSITION}\b(?:for|from"
    rf"|of) {_DETERMINER}\s"
    rf"(?:[a-z]{{2,14}}\s)?|{_PURPOSE}|^\s[A-Za-z]{{1,14}}\sof\s(?:{_DETERMINER}\s)?"
    rf"|\b(?:sum|product|difference|average|mean|third|quarter|multiple|factor|root|square) (?:of|between)\s"
    rf"|\b(?:half|twice|double)\s(?:of\s)?)[$€£¥₹]?$"
)
_ASIDE: Final = re.compile(
    r"\b(?:because|since|if|when|assuming|given that|whenever|considering|unless|as (?:this|it|there|he|she|they)"
    r"|even though|unlike|whereas"
    r"|which is (?:the|how))\b|\s[—–]\s|\((?=[^()]*$)",
    re.IGNORECASE,
)
_REASON: Final = re.compile(r"\b(?:because|since)\b|\b(?:in total|altogether|overall)\s?:", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"-[A-Za-z]{2}|\sof (?:whom|which)\b")  # the 400-meter hurdles
_CONDITION: Final = re.compile(r"\b(?:when|if|where|for|at|assuming)\s[A-Za-z]\s?=\s?$")  # y = 4 when x = 9
_RESUMED: Final = re.compile(r"\b(?:so|then|therefore|thus|hence|but|means)\b|\)", re.IGNORECASE)
_COMPARED: Final = re.compile(
    r"\b(?:which|that) (?:is|are|was|makes (?:him|her|it|them|me|us))\s[$€£¥₹]?$", re.IGNORECASE
)
_MORE: Final = re.compile(r"[^.,;]{0,30}\b(?:more|less|fewer|greater|higher|lower|older|younger|longer|shorter) than\b")
_JOINED: Final = re.compile(r"\s?(?:[A-Za-z]{1,14}\s)?(?:and|or|to|,)\s")
_TERM: Final = re.compile(r"[^\n.,=]{0,30}?[ )\d][-+*/×·÷x–]\s?[$(]?\d")


def stated_number(sentence: str, numbers: Sequence[WrittenNumber]) -> WrittenNumber:
    """Return the number that a sentence states: the result of its last sum, else the last that modifies nothing.

    Args:
        sentence: One sentence, simplified.
        numbers: Its numbers in order, at least one.
    """
    stated = previous = numbers[0]
    if len(numbers) > 2 and sentence[stated.end : numbers[1].start].rstrip(" $").endswith((":", "(", "—")):
        parts = sum(number.values[0] for number in numbers[1:])
        if math.isclose(parts, stated.values[0]):
            return stated  # "7 apples: 3 red ones and 4 green ones"
    aside = skipped = for_reason = False
    for number in numbers[1:]:
        between = sentence[previous.end : number.start]
        previous = number
        if between.endswith("(") and sentence[number.end : number.end + 2].lstrip().startswith(")"):  # twelve (12)
            stated, skipped = number, False
            continue
        if _REASON.search(between):
            aside = for_reason = True
        elif "=" in between and _CONDITION.search(between) is None:
            aside = (aside and for_reason) or _is_expression(sentence, number, stated)
        elif (opened := _ASIDE.search(between) or _CONDITION.search(between)) is not None:
            aside = _RESUMED.search(between, opened.end()) is None
        elif _RESUMED.search(between):
            aside = False
        compared = (_COMPARED.search(between) or between.endswith(", ")) and _MORE.match(
            sentence, number.end
        ) is not None
        joined = skipped and _JOINED.fullmatch(between) is not None
        skipped = (
            _ATTRIBUTE.match(sentence, number.end) is not None
            or aside
            or compared
            or joined
            or _MODIFIES.search(between) is not None
        )
        if not skipped or _ATTRIBUTE.match(sentence, stated.end):
            stated = number
    return stated


def _is_expression(sentence: str, number: WrittenNumber, stated: WrittenNumber) -> bool:
    """Whether a sum stands on the right side of an equation, and its result on the left: "42 = 6 * 7"."""
    left = sentence[: stated.start].rstrip()
    alone = not left or not left.endswith(("+", "-", "*", "/", "×", "·", "÷", "x", "="))
    return alone and _TERM.match(sentence, number.end - 1) is not None
