"""Scoring words: yes or no, keywords, exact texts."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.domain.expectation import Exact, Keywords, YesNo
from pytest_swarm.scoring.answer_text import unfenced
from pytest_swarm.scoring.verdict import RIGHT, Score, share, shown, wrong

_YES: Final = frozenset({"yes", "yep", "yeah", "true", "correct"})
_WORD: Final = re.compile(r"\b(yes|yep|yeah|true|correct|no|nope|false|incorrect)\b", re.IGNORECASE)
_QUESTION: Final = re.compile(
    r"\b(?:yes|true|no|false)\W{0,3}(?:or|and|/)?\W{0,3}(?:yes|true|no|false)\b", re.IGNORECASE
)
_IDIOM: Final = re.compile(
    r"\bno (?:doubt|question|problem|wonder|matter|longer|need)\b|\bnot (?:correct|true)\b", re.IGNORECASE
)
_CONCLUSION: Final = re.compile(r"\banswer\b[\s*_`\"']{0,6}(?:is\b|:|=|->)", re.IGNORECASE)
_NO_SENTENCE: Final = re.compile(r"(?:^|[.!?:;\n,]|\bis|\bso)[\s*_`\"'(-]*$")
_NO_END: Final = re.compile(r"[\s*_`\"')]*(?:[.!?:;,\n]|$|-)")


def score_yes_no(expected: YesNo, text: str) -> Score:
    """1 where the answer's decisive word agrees with `expected.value`; an answer that decides nothing scores 0."""
    said = says_yes(unfenced(text))
    if said is None:
        return wrong("the answer says neither yes nor no")
    return RIGHT if said == expected.value else wrong(f"the answer says {'yes' if said else 'no'}")


def says_yes(text: str) -> bool | None:
    """The answer's first decisive word, after the last "answer:" or "answer is" where there is one.

    Decisive are yes, yep, yeah, true, correct, and no, nope, false, incorrect. "no" must stand alone, at the start of
    a sentence or clause or before a stop: in "there is no leap year" it decides nothing. A repeated question ("yes or
    no") and idioms ("no doubt") do not count. None where nothing decides.
    """
    parts = [text]
    conclusions = list(_CONCLUSION.finditer(text))
    if conclusions:
        parts.insert(0, text[conclusions[-1].end() :])
    for part in parts:
        part = _IDIOM.sub(lambda match: "false" if match[0].lower().startswith("not") else "", _QUESTION.sub("", part))
        for match in _WORD.finditer(part):
            word = match[1].lower()
            if word == "no" and not _stands_alone(part, match):
                continue
            return word in _YES
    return None


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 20) : match.start()]
    if match.start() <= 20 and not before.strip(" \t\n*_`\"'(-"):
        return True
    return bool(_NO_END.match(text, match.end())) or bool(
        _NO_SENTENCE.search(before) and before.rstrip(" *_`\"'(-")[-1:] in ".!?:;\n"
    )


def score_keywords(expected: Keywords, text: str) -> Score:
    """Share of `expected.words` that the answer mentions as whole words, in any case; a phrase may break over lines."""
    lost = [word for word in expected.words if not mentions(text, word)]
    return share(len(expected.words) - len(lost), len(expected.words), f"not mentioned: {', '.join(lost)}")


def mentions(text: str, word: str) -> bool:
    """Whether `word` stands in the text between word boundaries, in any case; "fib" is not in "Fibonacci"."""
    pattern = r"\s+".join(map(re.escape, word.split()))
    return re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) is not None


def score_exact(expected: Exact, text: str) -> Score:
    """1 where the answer is `expected.text`, without surrounding space, fence and case."""
    if unfenced(text).casefold() == expected.text.strip().casefold():
        return RIGHT
    return wrong(f"the answer is {shown(text)}, not {shown(expected.text)}")
