"""Scoring texts: keywords, and an exact text that may stand in a chat reply."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from pytest_swarm.domain.expectation import Exact, Keywords
from pytest_swarm.scoring.answer_regions import AnswerRules, read_answer
from pytest_swarm.scoring.fences import fences, unfenced
from pytest_swarm.scoring.reading import AnswerPlace, Reading
from pytest_swarm.scoring.verdict import RIGHT, Score, score_reading, share, shown, wrong

_MAX_LINE_CHARS: Final = 4000
_WRAPPERS: Final = (
    *(("*", "*"), ("_", "_"), ("`", "`"), ('"', '"'), ("'", "'"), ("$", "$"), ("“", "”"), ("‘", "’"), ("«", "»")),
    *(
        ("„", "“"),
        ("\\(", "\\)"),
        ("\\[", "\\]"),
        ("\\text{", "}"),
        ("\\textbf{", "}"),
        ("\\mathrm{", "}"),
        ("\\boxed{", "}"),
    ),
)
_LATEX_SPELLINGS: Final = (
    (re.compile(r"\\(?:left|right|displaystyle)(?![a-z])|\\[!,;: ]|\s"), ""),
    (re.compile(r"\\[dtc]frac(?![a-z])"), r"\\frac"),
    (re.compile(r"\\frac([0-9])([0-9])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\^(?:\\circ|\{\\circ\})"), ""),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(r"\\(?:text|mathrm|mbox)\{([^{}]{0,200})\}"), r"\1"),
)
_SIGNS: Final = str.maketrans({"’": "'", "\u2212": "-", "\u2010": "-", "\u2011": "-"})
_SPACED_SIGN: Final = re.compile(  # "(1, 2)" is "(1,2)", but "] ]" is not "]]"
    r"(?<=[()\[\]{},;=+*/^<>|])\s(?=[\w-])|(?<=\w)\s(?=[()\[\]{},;=+*/^<>|])"
)
_MAX_WRAPPERS: Final = 4  # around each other
_STOPS: Final = ".!,;:。"
_ARTICLE: Final = re.compile(r"(?:the|an?)\s+(?=\S)")
_LEAD_IN: Final = re.compile(
    r"[\s:*_]{0,6}(?:(?:so|therefore|thus|hence|then|well|sure)\b[,!]?\s{1,3}){0,2}(?:it|this|that|he|she|they"
    r"|here|(?:the|my) \w{1,20})(?:'s|’s|\s(?:is|was|are|were|would be|must be|should be))\s{1,3}",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|great question|good question|no problem|here you (?:go|are))\b"
    r"[^.!:\n]{0,40}[.!:]\s+",
    re.IGNORECASE,
)
_FAREWELL: Final = re.compile(
    r"(?<=[.!?\n)*`\"'])\s+(?:let me know|i hope|hope (?:this|that)|feel free|if you (?:need|have|want|would|'d)"
    r"|is there anything"
    r"|please let|would you like)\b[^\n]{0,200}$",
    re.IGNORECASE,
)
_COPULA: Final = re.compile(r"\s(?:is|was|are|were|equals|reads)\s|(?<=[A-Za-z])[*_]{0,2}:\s|\s=\s")
_DENIED: Final = re.compile(
    r"\b(?:not|never|neither|cannot|doubt|either|if|whether|wrong|incorrect)\b|n['’]t\b", re.IGNORECASE
)
_RETRACTION: Final = re.compile(
    r"\W{0,4}(?:(?:no|wait|actually|sorry|correction|hmm+|oops|scratch that|i mean|on second thought|let me)\b"
    r"|(?:but\s)?(?:that|this|it)(?:'s|’s|\sis|\swas)\s(?:\w{1,12}\s)?(?:wrong|incorrect|not\b|false|a mistake))",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.!](?=\s)")
_EXPLANATION: Final = re.compile(
    r"(?:,\s|\s)(?:because|since|as|which|who|where|not|rather than|instead of)(?=\s|$)|\s[-–—]\s|\s\(|,\s"
    r"(?=the\s)|;\s",
    re.IGNORECASE,
)
_BOLD: Final = re.compile(r"\*\*([^*\n]{1,300})\*\*|__([^_\n]{1,300})__|`([^`\n]{1,300})`")
_SENTENCE_WORDS: Final = 5  # a line of fewer words is no sentence
_MARK: Final = re.compile(r"^[\s>]{0,6}(?:#{1,6}|[-*+•])\s+")


def score_keywords(expected: Keywords, text: str) -> Score:
    """Share of `expected.words` that the answer mentions as whole words, in any case; a phrase may break over lines."""
    lost = [word for word in expected.words if not mentions(text, word)]
    return share(len(expected.words) - len(lost), len(expected.words), f"not mentioned: {', '.join(lost)}")


def mentions(text: str, word: str) -> bool:
    """Whether `word` stands in the text between word boundaries, in any case; "fib" is not in "Fibonacci"."""
    pattern = r"\s+".join(map(re.escape, word.split()))
    return re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) is not None


def score_exact(expected: Exact, text: str) -> Score:
    """1 where the answer that the text gives is `expected.text`, but for its spelling (see `normalized`).

    With `strict`, the whole text must be it, without surrounding space, fence and case.
    """
    if expected.strict:
        said = unfenced(text)
        same = said.casefold() == expected.text.strip().casefold()
        return RIGHT if same else wrong(f"the answer is {shown(text)}, not {shown(expected.text)}")
    reading = read_text(text)
    wanted = normalized(expected.text)
    fitting = next((value for value in reading.values if normalized(value) == wanted), None)
    said = undressed(reading.values[0] if fitting is None else fitting)
    read = Reading(values=(said,), text=said, place=reading.place)
    detail = f"the answer is {shown(said)}, not {shown(expected.text)}"
    return score_reading(read, right=fitting is not None, detail=detail)


def read_text(text: str) -> Reading[str]:
    """Return the text that a reply gives as its answer, with other cuts of the same words, the likeliest first."""
    reading = read_answer(text, _RULES)
    whole = unfenced(text)
    if reading is None:
        return Reading(values=(whole,), text=whole, place=AnswerPlace.WHOLE)
    if reading.place is AnswerPlace.WHOLE:
        return reading
    return Reading(values=(*reading.values, whole), text=reading.text, place=reading.place)


def normalized(text: str) -> str:
    """Return a text as it is compared: Unicode's NFKC form, lower case, single spaces, none beside brackets and signs.

    Emphasis and quotes around it, a leading article and stops at its end are taken off, unless nothing would be left.
    """
    text = " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_SIGNS).split())
    text = _SPACED_SIGN.sub("", undressed(text))
    if "\\" in text:
        text = undressed(_one_latex(text))
    return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text


def _one_latex(text: str) -> str:
    """A formula in one of its spellings: no spaces, one kind of fraction, with braces."""
    for pattern, replacement in _LATEX_SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def undressed(text: str) -> str:
    """Return the text without emphasis and quotes around it and without stops at its end, unless nothing is left."""
    for _ in range(_MAX_WRAPPERS):
        bare = _bare(text)
        if bare == text:
            break
        text = bare
    return text


def _bare(text: str) -> str:
    """The text without one pair of signs around it, and without stops at its end."""
    text = (text.rstrip(_STOPS + " ") or text).strip()
    for start, end in _WRAPPERS:
        if len(text) > len(start) + len(end) and text.startswith(start) and text.endswith(end):
            inner = text[len(start) : -len(end)].strip()
            if inner and end not in inner.strip(end):
                return inner
    return text


def _region(text: str, place: AnswerPlace) -> Reading[str] | None:
    """The text of a place that holds the answer: all of a box, the first line after a marker."""
    if place in (AnswerPlace.BOX, AnswerPlace.TAG):
        return _reading((unfenced(text), *_cuts(unfenced(text))), place)
    blocks = fences(text) if text.lstrip(" \t\n*_:").startswith(("```", "~~~")) else ()
    if blocks:
        return _reading((blocks[0].text.strip(),), place)
    line = next((line for line in text.split("\n") if line.strip(" \t*_:#>$")), "")
    return _reading(_cuts(line.lstrip(" \t:").removeprefix("** ").removeprefix("**:")), place) if line.strip() else None


def _own(text: str) -> Reading[str] | None:
    """The whole text, its only block, its last line, or a first line that a blank one follows."""
    blocks = fences(text) if "```" in text or "~~~" in text else ()
    whole = unfenced(text)
    if len(blocks) == 1:
        return _reading(
            (blocks[0].text.strip(), whole), AnswerPlace.WHOLE if whole != text.strip() else AnswerPlace.BLOCK
        )
    said = _FAREWELL.sub("", _GREETING.sub("", whole, count=1)) if len(whole) < _MAX_LINE_CHARS else whole
    lines = [line for line in said.split("\n") if line.strip()]
    if len(lines) < 2:
        return _reading((whole, *_cuts(said)), AnswerPlace.WHOLE)
    leads = re.match(r"[^\n]*\n[ \t]*\n", said) is not None and _leads(lines[0], lines[-1])
    return _reading((whole, *_cuts(lines[0] if leads else lines[-1])), AnswerPlace.WHOLE)


def _leads(first: str, last: str) -> bool:
    """Whether the first line is the answer and the last one explains it: one of the two, never both."""
    if _is_short(last):
        return False
    names = _COPULA.search(last) is not None or _BOLD.search(last) is not None
    return (_is_short(first) and not first.rstrip("*_ ").endswith(":")) or not names


def _is_short(line: str) -> bool:
    return len(line.split()) < _SENTENCE_WORDS


def _cuts(line: str) -> tuple[str, ...]:
    """The line, and what is left of it without its lead-in, explanation and further sentences."""
    line = line.strip()[:_MAX_LINE_CHARS]
    found = [line, _MARK.sub("", line)]
    sentence, *rest = _SENTENCE.split(line, maxsplit=1)
    if rest and _RETRACTION.match(rest[0]):
        return (line,)
    for part in (line, sentence):
        lead_in = _LEAD_IN.match(part)
        bare = part[lead_in.end() :] if lead_in else part
        said = list(_COPULA.finditer(part))
        copula = part[said[-1].end() :] if said and not _DENIED.search(part, 0, said[-1].start()) else part
        found += [part, *(_EXPLANATION.split(each, maxsplit=1)[0] for each in (bare, copula)), bare, copula]
    bold = {next(filter(None, match.groups())).strip() for match in _BOLD.finditer(line)}
    if len(bold) == 1:
        found += bold
    return tuple(found)


def _reading(values: Iterable[str], place: AnswerPlace) -> Reading[str] | None:
    kept = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    return Reading(values=kept, text=kept[0], place=place) if kept else None


_RULES: Final = AnswerRules(region=_region, own=_own)
