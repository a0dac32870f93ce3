"""Letters that stand by themselves in a text, as the name of a choice: A, (B), "C."; and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.scoring.patterns import ADVERB, DENYING_CLAUSE, atomic, one_of

_STANDING: Final = re.compile(  # not C++, A*, B-movie, U.S., I'm
    r"(?<![\w'&/.\\@#+{}^°-])(?:(?P<open>[(\[{])\s?)?(?P<letter>[A-Za-z])"
    r"(?(open)\s?[)\]}]|(?!\w|['*+#&@°]|[-–.](?![\u2460-\u2473])\w|/\w{2}|\.\s[A-Z]\.(?![A-Z])))"
)
_AFTER_CHOICE: Final = one_of(
    "is, was, are, be, been, being, because, since, as, and, or, for, which, with, but, given, due, not, so, would, "
    "must, can, cannot, could, should, does, seems, fits, has, will, may, might, if, by, only, alone, isn't, wasn't, "
    "doesn't, can't, then, too, also, matches, describes, states, says, over, it is, instead, rather, than, versus, vs"
)
_ARTICLE: Final = re.compile(rf"[ \t]+(?!{_AFTER_CHOICE}\b)[A-Za-z\"]")
_PRONOUN: Final = re.compile(r"[ \t]+(?!(?:is|and|or|because|since)\b)[A-Za-z]|'")
_END: Final = re.compile(r"\s*(?:[.,;:!?)\]\n\"]|$)")
_END_OR_REASON: Final = re.compile(r"\s*(?:[.,;:!?)\]\n\"]|$|(?:because|since|as|is|and|or)\b|[-–—]\s)")
_BEFORE_LOWER_CASE: Final = re.compile(
    r"(?:^|\n|:|\b"
    + one_of("option, choice, answer, letter, is, be, with, pick, choose, select, donc, est, ist, es")
    + r"\b:?)\s*\"?$",
    re.IGNORECASE,
)

_DENIED_BEFORE: Final = re.compile(
    r"(?:\bnot|n't(?: be)?|\b"
    + one_of(
        r"cannot be, none of, neither(?: is)?, nor(?: is)?, than, unlike, rather than, instead of, over, except, "
        r"without, eliminat\w{1@5}, rul\w{1@3} out, exclud\w{1@4}, reject\w{0@3}, discard\w{0@3}, versus, vs\.?, "
        r"(?:anything|everything|any|all|every one) but, other than, apart from"
    ).replace("@", ",")
    + r")(?:\s(?:be|the|both|choices?|options?|answers?|(?:(?:(?<!and\s)(?<!or\s)[(\[]?[A-Z][)\]]?,"
    r"|[(\[]?[A-Z][)\]]?)(?:\s(?:and|or|nor))?)))*\s?[\"(\[]?$",
    re.IGNORECASE,
)
_LETTER_LIST: Final = r"(?:,?\s(?:and|or)\s[(\[]?[A-Z][)\]]?|,\s?(?:and\s|or\s)?[(\[]?[A-Z][)\]]?){1,26}"
_MORE_LETTERS: Final = atomic(  # ", B and D" of "A, B and D are wrong"; not ", B" of "A, B is wrong"
    rf"(?:{atomic(_LETTER_LIST, name='all')}(?!\s(?:is|was|does|has)\b))?", name="more"
)
LETTER_ASIDE: Final = r"(?:\s\([^()\n]{1,60}\))?"
"""What a text may put in brackets after a letter: "B (mitochondria) is correct"."""

_FILLER: Final = one_of(f"{ADVERB}, be, both, all, also, therefore, thus, too, then")
_WRONG: Final = one_of(
    "wrong, incorrect, false, out, eliminated, ruled out, excluded, unlikely, impossible, untrue, fails?, no longer"
)
_DENIED_AFTER: Final = re.compile(  # "B is wrong", "B (a cell) can't be it", "A, B and D are out"
    rf"[\")\]]?{LETTER_ASIDE}{_MORE_LETTERS}\s?[-–—:,]?\s?"
    + one_of("is, are, was, were, can, could, would, does, do, did, has, have, had, seems?")
    + rf"?(?:\s{_FILLER}){{0,3}}(?:\s?(?:n't|not)\b|\s(?:{_WRONG}\b|never|cannot"
    r"|(?:almost|nearly|rarely) (?:right|correct|true)\b|be (?:right|correct|true|the answer) if\b"
    r"|my (?:first|initial) (?:guess|thought|instinct)\b))",
    re.IGNORECASE,
)
_JUDGED_AFTER: Final = re.compile(  # "(A) is wrong", but not "(A) Wrong" or "A) does not ...", which quote a choice
    rf"[\").\]]{{0,2}}{_MORE_LETTERS}\s(?-i:"
    + one_of("is, are, was, were, can, could, seems?, looks?, must")
    + rf")(?:\s?n['’]t)?(?:\s(?:{_FILLER}|not)){{0,3}}\s(?:{_WRONG}\b|(?<=not\s|n't\s)"
    + one_of("the, correct, right, true, an? (?:option|choice|answer), it, possible, valid, supported")
    + r"\b)|[\").\]]{0,2}\scannot be (?:the|right|correct|true|an)\b",
    re.IGNORECASE,
)
_HEDGED: Final = re.compile(
    r"\b(?:could|might|may|can)(?: well| also| perhaps)? be\s?(?:option |choice )?[\"(\[]?$", re.IGNORECASE
)
_HEDGED_AFTER: Final = re.compile(
    r"[\")\]]?\?(?! yes\b)|[\")\]]?\s(?:is|seems|looks|sounds|would be|might be|could be|may be)\s"
    r"(?:also\s|very\s|quite\s)?"
    r"(?:tempting|plausible|possible|close|attractive|appealing|reasonable|similar|arguable|a distractor)",
    re.IGNORECASE,
)
_ANOTHER: Final = re.compile(
    r"[\")\]]?(?:\s*[,、\uff0c]\s*(?:(?:and|or)\s+)?|\s*(?:[/&+和与及或]|と)\s*|\s+(?:and/or|and|or)\s+)"
    r"(?:(?:also|either|maybe|perhaps|possibly|probably)\s+)?(?:(?:option|choice"
    r"|answer)s?\s+)?[\"(\[]?(?P<letter>[A-Z])(?![\w'*+#&@-])"
    r"(?<!I(?=\s(?:think|believe|guess|would|am|say)))(?:(?<=\sor\s\w)|(?!\s+(?:is|was|would|has|can|cannot|does|did"
    r"|describes|refers|involves|means)\b))"
)
_ANOTHER_WITH_WORDS: Final = re.compile(  # "(A) cupboard or (B) shelf", not "(B) is larger than (A)", "(D) both (A)"
    r"(?:(?<=[)\]])|[)\]])(?:\s(?!"
    + one_of(
        "not, because, since, as, but, which, where, when, while, than, unlike, is, are, was, if, rather, instead, "
        "given, both, all, of, neither, from, to, with, over, though, although, whereas, option, choice"
    )
    + r"\b)[\w'’-]{1,20}){1,8}(?:,|,?\s(?:and|or))?\s[(\[]?(?P<letter>[A-Z])[)\]](?!\s(?:is|are|was)\b)"
)
_CONTEXT: Final = re.compile(
    r"(?:^|[:\uff1a=>→⇒–—✅]|[.!?]|[\u2e80-\u9fff\uac00-\ud7af]|\b"
    + one_of(
        f"{ADVERB}, option, choice, answer, letter, statement, sentence, is, be, it's, it, that's, so, therefore, "
        "thus, hence, with, pick, choose, select, say, think, guess, believe, maybe, perhaps, leaving, leaves, only, "
        "then, either, or, and, but, no, yes, meant, elimination, est, ist, es, antwort"
    )
    + r"\b,?)\s*\"?$",
    re.IGNORECASE,
)
_OPERATOR: Final = "=+×·•/^<>≤≥≈\u2228∧¬~≡⊃→↔⇒⇔\u222a∩∈"
_FORMULA_AFTER: Final = re.compile(  # "F = m", "M =" at the end, "P(A)", "G \frac"
    rf"\s?[{_OPERATOR}-]\s?[\w(~¬\\]|\s?=\s*\Z|\((?:[~¬-]?[A-Za-z](?![A-Za-z])|\\)|\s?\\[a-z_]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLetter:
    """A letter that stands by itself: in upper case, where it starts and ends, and whether in brackets."""

    name: str
    start: int
    end: int
    bracketed: bool


def standing_letters(text: str) -> Iterator[StandingLetter]:
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
        yield StandingLetter(name=letter.upper(), start=match.start(), end=end, bracketed=bracketed)


def _alone_in_lower_case(text: str, letter: str, start: int, end: int) -> bool:
    if letter in "ai" and not _END.match(text, end):
        return False
    if not _END_OR_REASON.match(text, end):
        return False
    before = text[max(0, start - 20) : start]
    return _BEFORE_LOWER_CASE.search(before) is not None


def is_denied(text: str, letter: StandingLetter) -> bool:
    """Whether a text says that the letter is not the answer: "not B", "B is wrong", "B and D can be ruled out"."""
    return is_denied_after(text, letter) or is_denied_before(text, letter)


def is_denied_after(text: str, letter: StandingLetter) -> bool:
    """Whether what follows a letter says that it is not the answer."""
    quoted = letter.bracketed or text[letter.end : letter.end + 1] in (")", ".")
    pattern = _JUDGED_AFTER if quoted else _DENIED_AFTER
    return pattern.match(text, letter.end) is not None


def is_denied_before(text: str, letter: StandingLetter) -> bool:
    """Whether what stands before a letter says that it is not the answer."""
    before = text[max(0, letter.start - 60) : letter.start]
    clause = re.split(r"[.,;\n]", before)[-1]
    return _DENIED_BEFORE.search(before[-40:]) is not None or DENYING_CLAUSE.search(clause) is not None


def another_beside(text: str, letter: StandingLetter) -> re.Match[str] | None:
    """The next letter (group `letter`) where a text gives two: "A or B", "(A) cupboard or (B) shelf"."""
    return _ANOTHER.match(text, letter.end) or _ANOTHER_WITH_WORDS.match(text, letter.end)


def is_in_formula(text: str, letter: StandingLetter) -> bool:
    """Whether a letter is a variable: an operator and another term stand beside it, as in "P = F / A"."""
    return not letter.bracketed and _FORMULA_AFTER.match(text, letter.end) is not None


def is_hedged(text: str, letter: StandingLetter) -> bool:
    """Whether a text calls a letter possible only: "it could also be C", "C is tempting"."""
    before = text[max(0, letter.start - 40) : letter.start]
    return _HEDGED.search(before) is not None or _HEDGED_AFTER.match(text, letter.end) is not None


def stands_as_answer(text: str, letter: StandingLetter, after: tuple[str, ...] = ()) -> bool:
    """Whether a letter is given as an answer by what stands before it; `after` are more signs that do."""
    if letter.bracketed or (after and text[: letter.start].rstrip(' "').endswith(after)):
        return True
    line = text[text.rfind("\n", 0, letter.start) + 1 : letter.start]
    return _CONTEXT.search(line[-30:]) is not None
