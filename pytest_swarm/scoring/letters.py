"""Scoring a letter: which of the choices A, B, C ... an answer settles on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from pytest_swarm.domain.expectation import Letter
from pytest_swarm.scoring.answer_regions import AnswerRules, read_answer
from pytest_swarm.scoring.plain_text import first_statement, plain_words
from pytest_swarm.scoring.reading import Place, Reading
from pytest_swarm.scoring.verdict import Score, score_reading, wrong

_LAST_LETTERS: Final = 400  # letters that are looked at from the end of a text
_MAX_STATEMENT_CHARS: Final = 2000
_TAIL_CHARS: Final = 20_000  # of a text that are searched for a letter that stands as an answer
_STANDING: Final = re.compile(
    r"(?<![\w'&/.\\@#+-])(?:(?P<open>[(\[{])\s?)?(?P<letter>[A-Za-z])(?(open)\s?[)\]}]|(?!\w|['*+#&@]|[-–.]\w|/\w{2}|\.\s?[A-Z]\.))"
)
_ANSWER_WORDS: Final = (
    r"(?:is|was|are|be|been|being|because|since|as|and|or|for|which|with|but|given|due|not|so|would|must|can|cannot"
    r"|could|should|does|seems|fits|has|will|may|might|if|by|only|alone|isn't|wasn't|doesn't|can't|then|too|also|matches|describes|states|says)\b"
)
_ARTICLE: Final = re.compile(rf"\s+(?!{_ANSWER_WORDS})[A-Za-z\"]")
_PRONOUN: Final = re.compile(r"\s+(?!is\b|and\b|or\b|because\b|since\b)[A-Za-z]|'")
_NOTHING_MORE: Final = re.compile(r"\s*(?:[.,;:!?)\]\n\"]|$|(?:because|since|as|is|and|or)\b|[-–—]\s)")
_DENIED_BEFORE: Final = re.compile(
    r"(?:\bnot|n't(?: be)?|\bcannot be|\bneither|\bnor|\bthan|\bunlike|\brather than|\binstead of|\bover|\bexcept|\bwithout"
    r"|\beliminat\w{1,5}|\brul\w{1,3} out|\bexclud\w{1,4}|\breject\w{0,3}|\bdiscard\w{0,3}|\bversus|\bvs\.?)"
    r"(?:\s(?:be|the|both|choices?|options?|answers?|(?:[(\[]?[A-Z][)\]]?,?(?:\s(?:and|or|nor))?)))*+\s?[\"(\[]?$",
    re.IGNORECASE,
)
_DENIED_AFTER: Final = re.compile(
    r"[\")\]]?(?:(?:,?\s(?:and|or)\s[(\[]?[A-Z][)\]]?|,\s?(?:and\s|or\s)?[(\[]?[A-Z][)\]]?)++(?!\s(?:is|was|does|has)\b))?+"
    r"\s?[-–—:,]?\s?(?:is|are|was|were|can|could|would|does|do|did|has|have|had|seems?)?"
    r"(?:\s(?:both|all|also|clearly|simply|obviously|therefore|thus|be|definitely|too|likely|probably)){0,3}"
    r"(?:\s?(?:n't|not)\b|\s(?:wrong|incorrect|false|out\b|eliminated|ruled|excluded|never|no longer|unlikely|impossible|untrue|cannot))",
    re.IGNORECASE,
)
_ANOTHER: Final = re.compile(
    r"[\")\]]?(?:\s*,\s*(?:(?:and|or)\s+)?|\s*(?:/|&|\+)\s*|\s+(?:and/or|and|or)\s+)(?:also\s+|either\s+|(?:option|choice|answer)s?\s+)?"
    r"[\"(\[]?(?P<letter>[A-Z])(?![\w'*+#&@-])(?!\s+(?:is|are|was|would|has|have|can|cannot|does|do|did|describe|refer|involve|mean)s?\b)"
)
_LEAD_IN: Final = re.compile(
    r"(?:[\s\"'(\[{:;,=>*-]|(?:the|my|definitely|clearly|probably|likely|most|indeed|therefore|thus|so|simply|just|choice|options?|letters?|answers?"
    r"|number|only|correct|right|best|is|be|it|it's|that|surely|obviously|certainly|either|both|then|now)\b(?=\W))*+",
    re.IGNORECASE,
)
_EXPLANATION: Final = re.compile(
    r"\b(?:because|since|as|which|where|when|given|rather|instead|while|whereas|although|though|eliminating|unlike|if)\b|;", re.IGNORECASE
)
_NAMED: Final = re.compile(
    r"(?:\b(?:correct|right|best|true|appropriate|accurate|suitable|likely)\s(?:one|option|choice|statement|response|letter|description|match|conclusion)"
    r"|\bmy (?:choice|pick|selection|guess|vote)|\b(?:conclusion|verdict|result|solution|selected option|selection|correct))\W{0,3}(?:\s?(?:is|would be|must be|should be|seems to be|=)\b|:)"
    r"|\b(?:i|i'd|i'll|we|would|will|to|should|can|must|therefore|so) (?:choose|pick|select|go with|opt for|say|answer|settle on|conclude)\b"
    r"|\b(?:i'm |am )?(?:choosing|picking|selecting|going with|chose|selected|picked)\b",
    re.IGNORECASE,
)
_STATED: Final = re.compile(
    r"[\")\]]?\.?\s{0,2}(?:(?:is|was|must be|would be|should be|has to be|seems(?: to be)?|looks|appears(?: to be)?)\s(?:clearly\s|definitely\s|obviously\s|therefore\s|thus\s|indeed\s|most likely\s|probably\s)?"
    r"(?:the\s(?:only\s)?(?:\w{2,12}\s)?(?:correct|right|best|answer|true|one|most|option|choice)|correct|right|best|true)\b"
    r"|(?:fits|matches|works) best\b)",
    re.IGNORECASE,
)
_CONTEXT: Final = re.compile(
    r"(?:^|[:=>→⇒–—]|\b(?:option|choice|answer|letter|is|be|it's|that's|so|therefore|thus|hence|with|pick|choose|select|say|think|guess|believe"
    r"|definitely|probably|clearly|likely|maybe|perhaps|certainly|leaving|leaves|only|then|either|or|and|but|it|statement)\b,?|[.!?])\s*[\"]?$",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(r"(?:(?:(?<=\n)|^)[(\[]?([A-Z])[)\]]?(?:[.:]|\s[-–—])?|(?<=[.;!?]\s)([A-Z])[.):])\s+(?=\S)")
_QUOTED: Final = re.compile(r"(?<!\w)'(?=\w)|(?<=[\w.])'(?!\w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """A letter that stands by itself: in upper case, where it starts and ends, and whether in brackets."""

    name: str
    start: int
    end: int
    bracketed: bool


def score_letter(expected: Letter, text: str) -> Score:
    """1 where the answer settles on `expected.value`; 0 for another letter, for two letters, and for none."""
    reading = read_letter(text, choices=expected.choices)
    if reading is None:
        return wrong("the answer names no choice")
    if not reading.values:
        return score_reading(reading, right=False, detail=f"the answer names no single choice of {expected.choices}")
    letter = reading.values[0]
    return score_reading(reading, right=letter == expected.value, detail=f"the letter is {letter}, not {expected.value}")


def read_letter(text: str, *, choices: int) -> Reading[str] | None:
    """Return the letter that an answer settles on, None where it names none.

    A reading without a value: the answer names two letters, or one beyond the choices.
    """
    rules = AnswerRules(region=partial(_region, choices=choices), own=partial(_own, choices=choices))
    return read_answer(text, rules)


def _region(text: str, place: Place, *, choices: int) -> Reading[str] | None:
    """The letter of a place that holds the answer: the one it begins with, else the only one in its statement."""
    words = _QUOTED.sub("", plain_words(text[:_MAX_STATEMENT_CHARS]))
    statement = first_statement(words)
    lead_in = _LEAD_IN.match(statement)
    begin = 0 if lead_in is None else max(0, lead_in.end() - 1)
    letters = list(_letters(statement))
    first = next((each for each in letters if begin - 1 <= each.start <= begin + 1), None)
    if first is not None and not _DENIED_AFTER.match(statement, first.end) and not _denied_before(statement, first):
        return _settled(statement, first, place, choices)
    explanation = _EXPLANATION.search(statement)
    end = len(statement) if explanation is None else explanation.start()
    given = [
        each
        for each in letters
        if each.start < end and _is_given(statement, each) and _stands_as_answer(statement, each, after=",")
    ]
    if not given:
        return None
    if len({each.name for each in given}) > 1:
        return Reading(values=(), text=statement, place=place)
    return _settled(statement, given[-1], place, choices)


def _settled(text: str, letter: _Letter, place: Place, choices: int) -> Reading[str]:
    """The reading of a letter: without a value where another one is given beside it, or where it is no choice."""
    another = _ANOTHER.match(text, letter.end)
    if another is not None and another["letter"] != letter.name:
        return Reading(values=(), text=text[letter.start : another.end()], place=place)
    valid = ord(letter.name) - ord("A") < choices
    return Reading(values=(letter.name,) if valid else (), text=text[letter.start : letter.end].strip(), place=place)


def _own(text: str, *, choices: int) -> Reading[str] | None:
    """The kind's own rule: a letter alone, one that a sentence names as right, a leading one, the last that stands."""
    words = _QUOTED.sub("", plain_words(text))
    alone = re.fullmatch(r"\W{0,6}([A-Za-z])\W{0,6}", words)
    if alone and "*" not in words:
        at = _Letter(name=alone[1].upper(), start=alone.start(1), end=alone.end(1), bracketed=False)
        return _settled(words, at, Place.WHOLE, choices)
    leading = _leading(words)
    if leading is not None:
        return _settled(words, leading, Place.FIRST_WORD, choices)
    tail = words[-_TAIL_CHARS:]
    return _named(tail, choices) or _last_standing(tail, choices)


def _leading(words: str) -> _Letter | None:
    """The letter that a text begins with, followed by a stop; not where it is the first of a list of choices."""
    first = next(_letters(words[:20]), None)
    if first is None or words[: first.start].strip(" \"'"):
        return None
    if not first.bracketed and not re.compile(r"[.):,;\n]|\s[-–—]\s").match(words, first.end):
        return None
    if _DENIED_AFTER.match(words, first.end):
        return None
    return None if _lists_choices(words, first) else first


def _lists_choices(words: str, first: _Letter) -> bool:
    """Whether a text that begins with a letter goes on with others in the same way: it repeats the choices."""
    start = words[:_MAX_STATEMENT_CHARS]
    others = (match[1] or match[2] for match in _LISTED.finditer(start, first.end))
    if any(other != first.name for other in others):
        return True
    names = "".join(each.name for each in _letters(start) if each.bracketed)
    return first.bracketed and names.startswith("ABC")


def _named(words: str, choices: int) -> Reading[str] | None:
    """The letter of the last sentence that names one as right: "the correct option is B", "B is correct"."""
    best: tuple[int, Reading[str]] | None = None
    for match in list(_NAMED.finditer(words))[-_LAST_LETTERS:]:
        reading = _region(words[match.end() : match.end() + _MAX_STATEMENT_CHARS], Place.STATEMENT, choices=choices)
        if reading is not None:
            best = (match.end(), reading)
    for letter in list(_letters(words))[-_LAST_LETTERS:]:
        stated = _STATED.match(words, letter.end) is not None and _stands_as_answer(words, letter, after=",")
        if stated and not _denied_before(words, letter):
            reading = _settled(words, letter, Place.STATEMENT, choices)
            if best is None or letter.start >= best[0]:
                best = (letter.start, reading)
    return None if best is None else best[1]


def _last_standing(words: str, choices: int) -> Reading[str] | None:
    """The last letter that stands as an answer: bracketed, on a line of its own, or after a word such as "is"."""
    letters = [each for each in _letters(words) if _is_given(words, each)]
    listed = {match.start(1) for match in _LISTED.finditer(words) if match[1]}
    if len({words[start] for start in listed}) < 2:  # one line is an answer, several repeat the choices
        listed = set()
    standing = [
        each for each in letters if _stands_as_answer(words, each) and not {each.start, each.start + 1} & listed
    ]
    if not standing:
        return None
    last = standing[-1]
    previous = next((each for each in reversed(letters) if each.start < last.start), None)
    if previous is not None:
        joined = _ANOTHER.match(words, previous.end)
        if joined is not None and joined["letter"] == last.name != previous.name:
            return Reading(values=(), text=words[previous.start : last.end], place=Place.LAST)
    return _settled(words, last, Place.LAST, choices)


def _letters(text: str) -> Iterator[_Letter]:
    """The letters that stand by themselves as a choice: no article, no pronoun; lower case only where quite alone."""
    for match in _STANDING.finditer(text):
        letter, end = match["letter"], match.end()
        bracketed = match["open"] is not None
        if not bracketed:
            if letter == "A" and _ARTICLE.match(text, end):
                continue
            if letter == "I" and _PRONOUN.match(text, end):
                continue
            if letter.islower() and not _alone_in_lower_case(text, letter, match.start(), end):
                continue
        yield _Letter(name=letter.upper(), start=match.start(), end=end, bracketed=bracketed)


def _alone_in_lower_case(text: str, letter: str, start: int, end: int) -> bool:
    if letter in "ai" and not re.compile(r"\s*(?:[.,;:!?)\]\n\"]|$)").match(text, end):
        return False
    if not _NOTHING_MORE.match(text, end):
        return False
    before = text[max(0, start - 20) : start]
    return bool(re.search(r"(?:^|\n|\b(?:option|choice|answer|letter|is|be|with|pick|choose|select)\b:?|:)\s*\"?$", before, re.IGNORECASE))


def _is_given(text: str, letter: _Letter) -> bool:
    return not _DENIED_AFTER.match(text, letter.end) and not _denied_before(text, letter)


def _denied_before(text: str, letter: _Letter) -> bool:
    return _DENIED_BEFORE.search(text[max(0, letter.start - 40) : letter.start]) is not None


def _stands_as_answer(text: str, letter: _Letter, after: str = "") -> bool:
    """Whether a letter is given as an answer by what stands before it; `after` is one more sign that does."""
    if letter.bracketed or (after and text[: letter.start].rstrip(' "').endswith(after)):
        return True
    line = text[text.rfind("\n", 0, letter.start) + 1 : letter.start]
    return _CONTEXT.search(line[-30:]) is not None
