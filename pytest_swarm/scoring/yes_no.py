"""Scoring yes or no: what an answer decides, with its negations.

A whole text (`_own`) decides by the first of these that there is: its only truth value, if it is a JSON object; a mark
alone; an assent such as "Sure!"; its first word; nothing, where its last sentence leaves it open; what its last
sentence says of a claim; its last yes or no that stands alone; true or false as the predicate of its last or its first
sentence; an equation such as "= True". After "answer is" (`_region`) the first word counts, else the statement.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.domain.expectation import YesNo
from pytest_swarm.scoring.answer_regions import AnswerRules, read_answer, truth_values
from pytest_swarm.scoring.asides import without_reason
from pytest_swarm.scoring.first_word import NOUN, assent, decision, dissent, first_word
from pytest_swarm.scoring.implied_no import implied_no
from pytest_swarm.scoring.patterns import ADVERB, BELIEF, CONCLUDING, DENYING_CLAUSE, one_of
from pytest_swarm.scoring.plain_text import MAX_STATEMENT_CHARS, first_statement, plain_words, statements
from pytest_swarm.scoring.same_text import without_symbols
from pytest_swarm.scoring.verdict import AnswerPlace, Reading, Score, score_reading, wrong

_LAST_STATEMENTS: Final = 30  # that are looked at for a yes or no of their own
_YES_WORDS: Final = ("yes", "yep", "yeah", "yup")

_NO_OF_ITS_NOUN: Final = re.compile(rf"no{NOUN.pattern}", re.IGNORECASE)  # "No number divides it, so yes."
_CONCLUDED: Final = re.compile(rf"\b(?:{CONCLUDING})\b.*?\b(?:(?P<yes>yes|true)|no|false)\W*$", re.IGNORECASE)
_EITHER: Final = one_of("yes, true, correct, no, false, incorrect")
_ECHO: Final = re.compile(
    rf"\b{_EITHER}\b\W{{0,3}}(?:\bor\b|\band\b|\bmaybe\b|\bsometimes\b|/|\|)\W{{0,3}}{_EITHER}\b\W{{0,2}}",
    re.IGNORECASE,
)
_IDIOM: Final = re.compile(
    r"(?<!\bby )\bno "
    + one_of(
        "doubt, question, problem, wonder, matter, need, worries, one, more, less, fewer, sooner, other, single, "
        "such, means, idea, information, evidence, answer, opinion, clue, comment, way to, data, details, context, "
        "further"
    )
    + r"\b|\b(?:true|false) "
    + one_of("to, friends?, positives?, negatives?, leaders?, colou?rs?, north")
    + r"\b",
    re.IGNORECASE,
)

_FILLER: Final = one_of(
    f"{ADVERB}, quite, always, indeed, therefore, thus, hence, in fact, also, both, considered, deemed, just, only, "
    "most, still"
)
_BE: Final = one_of(
    "is, are, was, were, be, been, 's, seems, appears, sounds, looks, remains, becomes, returns, gives, "
    "(?:evaluat|simplifi|reduc|resolv)es to, equals, equal to, to be, as, :"
)
_DENIAL: Final = one_of("not, never, no longer, hardly, anything but, far from, neither")
_CLAUSE_START: Final = r"(?:^|[,;:(—–]|\s-|\b" + one_of("and, so, then, but, therefore, thus, hence, that") + ")"
_DENIED_VERB: Final = r"(?:\b(?:is|was|are|were|wo|ca|does|do)n't(?: be)?|\bcannot be|\bnot|\bnever|\bn?either)"
_AFTER_PREDICATE: Final = (
    r"(?=[\"')]{0,2}(?:\s*[.,;:!?)\n—–]|\s*$|\s"
    + one_of(
        "that, because, since, as, for, in, when, if, according, under, given, by, only, so, and, but, however, "
        "based, here, either, at, -"
    )
    + r"\b))"
)
_PREDICATE: Final = re.compile(
    rf"(?:{_CLAUSE_START}|{_BE}|{_DENIED_VERB})\s?(?:\s?(?:{_DENIAL}|{_FILLER})\b){{0,4}}\s*(?:an?\s)?[\"'(]?"
    + r"(?:(?P<yes>true|correct|right|accurate|valid|the case|yes|supported|confirmed|entailed|plausible(?! that))"
    + r"(?: to say| (?:statement|claim))?"
    + r"|(?P<no>(?:false|incorrect|wrong|untrue|inaccurate|invalid)(?: to say| (?:statement|claim))?|no|impossible"
    r"|implausible|unsupported|refuted|contradicted|disproved|debunked|an? (?:\w+ )?(?:myth|misconception|hoax)))"
    + _AFTER_PREDICATE,
    re.IGNORECASE,
)
_NEGATIVE: Final = re.compile(rf"\b{_DENIAL}\b|\bcannot\b|n't", re.IGNORECASE)
_BEFORE_ALONE: Final = (
    r"(?:^|[,;:—–(|/→⇒>]|\s-|\b"
    + one_of(
        "so, therefore, thus, hence, is, be, then, otherwise, (?:i|would|must|can|i'd|have to) say, says, points? to, "
        f"but, because, just, conclude, answer, think, guess, believe, lean, towards?, an?(?: [a-z]+)?, with, {ADVERB}"
    )
    + r")[\s\"'(\[]{0,3}"
)
_AFTER_ALONE: Final = (
    r"(?=[\"')\]]{0,2}(?:\s*[.,;:!?)|\n—–]|\s*$|\s-|"
    r"\s(?:because|since|as|to|for|from|here|in|on|it|he|she|they|that|this)\b))"
)
_STANDS_ALONE: Final = re.compile(_BEFORE_ALONE + r"(?P<word>yes|no|yep|yeah|nope)" + _AFTER_ALONE, re.IGNORECASE)
_DENIED: Final = re.compile(r"(?:\bnot|n't|\bcannot|\bnever)\s(?:be|a|the|simply|just)?\s?[\"'(]?$", re.IGNORECASE)
_CONTRADICTED: Final = re.compile(
    r"\b(?:claim|statement|hypothesis|assertion|proposition|it|this|that)\s(?:(?P<fails>does not hold|doesn't hold\b)"
    r"|(?P<holds>holds(?=[.!]|\s*$)))|"
    r"\b(?:(?P<denied>not|n't|nothing)\s)?(?:(?P<no>contradicts?|refutes?|disproves?)|(?P<yes>confirms?|supports?|backs?|entails?|implies))\s"
    r"(?:(?:the|this|that) (?:claim|statement|hypothesis|sentence|assertion|premise)"
    r"|(?:this|that|it)(?=\s*[.,;!]|\s*$))",
    re.IGNORECASE,
)
_OPPOSITE: Final = re.compile(r"\bthe (?:opposite|reverse|contrary) (?:of (?:this|that|it) )?is\s", re.IGNORECASE)
_NOT_ASSERTED: Final = re.compile(  # "Although it looks true, ...", "It would be true if ..."
    r"^(?:while|although|though|even though|even if|despite)\b[^,.;\n]{0,150},\s|\bwould be\b[^.,;]{0,40}\sif\b.*",
    re.IGNORECASE,
)
_QUESTIONED: Final = re.compile(r"\W*(?:yes|no)\s?\?+\s*", re.IGNORECASE)
_MARKS: Final = re.compile("[✅❌✔✖✗✓☑✘\ufe0f]")
_MARK_ALONE: Final = re.compile("(?P<yes>[✅✔✓☑👍])|[❌✖✗✘👎🚫]")
_EQUATION: Final = re.compile(r"[=→⇒>]\s*(true|false)\W*$", re.IGNORECASE)
_OPEN: Final = re.compile(
    r"[\s\"'(:*-]*(?:(?:therefore|thus|so|hence|overall),?\s)?(?:(?:currently|still|that|it|this|is|really|simply"
    r"|largely|rather|probably|both|also|the answer)\s){0,4}"
    r"(?:not (?:(?:always|really|yet|entirely|completely|quite|as|so|necessarily)\s)?(?:known|clear|certain|sure"
    r"|definitive|obvious|simple|straightforward|easy|available|possible to)"
    r"|unknown|unclear|uncertain|inconclusive|indeterminate|ambiguous|moot|subjective|dependent|depend(?:s|ing)?\b"
    r"|debatable|controversial|up for debate|impossible to (?:say|determine|tell|know)|difficult to (?:say|determine"
    r"|tell)"
    r"|possible,? but|(?:can(?:no|')t|cannot) be (?:known|determined|answered|said)|i(?:'m| am) not sure|maybe\W*$"
    r"|perhaps\W*$)",
    re.IGNORECASE,
)
"""A sentence that says that there is no yes or no."""

_ONLY_WORDS: Final = re.compile(r"(?:(?:yes|no|true|false|maybe|perhaps)(?:[\s,.;!/|]+|$)){2,}", re.IGNORECASE)
_IF: Final = re.compile(r"\b(?:if|unless|otherwise|when|depending|in (?:some|other|certain))\b", re.IGNORECASE)
_BY_CASE: Final = re.compile(  # "'Yes' if it is prime or 'No' if it is not"
    r"\W*(?:yes|no)\b\W{1,4}if\b[^.!?\n]{1,200}\b(?:(?:yes|no)\b\W{1,4}(?:if|otherwise)|otherwise,? \W?(?:yes|no))\b",
    re.IGNORECASE,
)
_BELIEVED: Final = re.compile(  # "Some say yes", not "Most people would say yes"
    rf"\b(?:(?<!most )(?!most people would){BELIEF}|whether\b[^,.;]{{0,60}}|(?:might|may|could) be)\s[\"']?$",
    re.IGNORECASE,
)
_BUT: Final = re.compile(  # "..., but the claim is false"
    r"\bbut (?:the|this|that) (?:\w+ )?(?:claim|statement|conclusion|answer|hypothesis|assertion|sentence)"
    r"(?: \w+){0,4} ?$",
    re.IGNORECASE,
)
_UNDECIDED: Final = re.compile(
    r"\b(?:can't|cannot|could not|couldn't) (?:confirm|say|tell)\b|\bwhether\b|\basked if\b"
    r"|\b(?:may|might|could)(?: well| also)? be\b"
    r"|\bno_(?:evidence|information|data|idea|clue)\b|^\W*(?:please )?(?:mark|accept|treat|grade|score|count|rate)\b",
    re.IGNORECASE,
)
"""A main clause that leaves open what follows it."""


def score_yes_no(expected: YesNo, text: str) -> Score:
    """1 where the answer decides as `expected.value` does; an answer that decides nothing scores 0."""
    reading = read_yes_no(text)
    if reading is None:
        return wrong("the answer says neither yes nor no")
    if not reading.values:
        return score_reading(reading, right=False, detail="the answer decides nothing")
    said = reading.values[0]
    return score_reading(reading, right=said == expected.value, detail=f"the answer says {'yes' if said else 'no'}")


def read_yes_no(text: str) -> Reading[bool] | None:
    """Return what an answer decides: in a box, after "answer is", by its first word, else by its last statement."""
    return read_answer(text, _RULES)


def says_yes(text: str) -> bool | None:
    """Whether an answer says yes; None where it decides nothing."""
    reading = read_yes_no(text)
    return reading.values[0] if reading is not None and reading.values else None


def _region(text: str, place: AnswerPlace) -> Reading[bool] | None:
    """What a place that holds the answer decides: its first word, else the statement that it begins with."""
    words = _decisive_words(text[:MAX_STATEMENT_CHARS])
    if _is_open(first_statement(words)) or _BY_CASE.match(words):
        return Reading(values=(), text=first_statement(words), place=place)
    return first_word(words, place) or _decided(first_statement(words), place)


def _own(text: str) -> Reading[bool] | None:
    """What a text decides: the truth value of an object, a mark alone, else its words, first without its reason."""
    mark = _MARK_ALONE.fullmatch(text.strip(" \ufe0f"))
    said = truth_values(text) if mark is None else (mark["yes"] is not None,)
    if said:
        return Reading(values=said if len(said) == 1 else (), text=text.strip(), place=AnswerPlace.WHOLE)
    shorter = without_reason(text)
    return (_in_words(shorter) if shorter != text else None) or _in_words(text)


def _in_words(text: str) -> Reading[bool] | None:
    words = _decisive_words(text)
    parts = [part for part in statements(words, limit=_LAST_STATEMENTS) if not part.endswith("?")]
    if _says_both(words) or (parts and _depends(parts[-1])):
        return Reading(values=(), text=parts[-1] if parts else words, place=AnswerPlace.STATEMENT)
    said = assent(words) or _first(words, parts)
    if said is not None or not parts:
        return said
    if _is_open(parts[-1]):
        return Reading(values=(), text=parts[-1], place=AnswerPlace.STATEMENT)
    said = _claim(parts[-1]) or dissent(parts[-1])  # "It isn't."
    for part in reversed(parts):
        said = said or _alone(part, AnswerPlace.STATEMENT)
    first = next((part for part in parts if assent(part) is None), parts[0])  # after "Sure!"
    for part in (parts[-1], first):
        said = said or _decided(part, AnswerPlace.STATEMENT)
    return said or _equation(parts[-1]) or implied_no(parts)


def _says_both(words: str) -> bool:
    """Whether a text is nothing but yes and no: "yes no yes"."""
    return _ONLY_WORDS.fullmatch(words) is not None and len({word[0].lower() in "yt" for word in words.split()}) > 1


def _depends(statement: str) -> bool:
    """Whether a sentence says yes in one case and no in another: "If it rains, yes; otherwise no."."""
    said = {match["word"].lower() in _YES_WORDS for match in _STANDS_ALONE.finditer(statement)}
    return len(said) > 1 and _IF.search(statement) is not None and _CONCLUDED.search(statement) is None


def _first(words: str, parts: list[str]) -> Reading[bool] | None:
    """What the first word decides; the conclusion where it is the "no" of a noun: "No number divides it, so yes."."""
    asked = _QUESTIONED.match(words)
    concluded = _CONCLUDED.search(parts[-1]) if parts and _NO_OF_ITS_NOUN.match(words) else None
    if concluded is not None:
        return decision(concluded[0], AnswerPlace.STATEMENT, yes=concluded["yes"] is not None)
    return first_word(words if asked is None else words[asked.end() :], AnswerPlace.FIRST_WORD)


def _claim(statement: str) -> Reading[bool] | None:
    """What a sentence says of a claim: "The text supports this.", "It contradicts the claim."."""
    said = None if _UNDECIDED.search(statement) else _CONTRADICTED.search(statement)
    if said is None:
        return None
    return decision(said[0], AnswerPlace.STATEMENT, yes=bool(said["yes"] or said["holds"]), denied=bool(said["denied"]))


def _equation(statement: str) -> Reading[bool] | None:
    said = _EQUATION.search(statement)
    return None if said is None else decision(said[1], AnswerPlace.LAST, yes=said[1].lower() == "true")


def _is_open(statement: str) -> bool:
    """Whether a sentence says that there is no yes or no: "It depends.", "unknown"."""
    return _OPEN.match(statement) is not None and _STANDS_ALONE.search(statement) is None


def _decisive_words(text: str) -> str:
    """The text in plain words, without repeated questions ("yes or no"), and with idioms as one word ("no_doubt")."""
    words = without_symbols(_MARKS.sub("", plain_words(text))).strip()
    return _IDIOM.sub(lambda match: match[0].replace(" ", "_"), _ECHO.sub("", words))


def _decided(statement: str, place: AnswerPlace) -> Reading[bool] | None:
    """What a sentence decides: its last yes or no that stands alone, else its last true or false with its negations."""
    alone = _alone(statement, place)
    if alone is not None:
        return alone
    statement = _NOT_ASSERTED.sub("", statement)
    predicates = list(_PREDICATE.finditer(statement))
    if not predicates:
        return None
    match = next((each for each in reversed(predicates) if _BUT.search(statement, 0, each.start())), predicates[0])
    word_at = match.start("yes" if match["yes"] else "no")
    before = statement[match.start() : word_at]
    if "neither" in before.lower():
        return None
    denials = len(_NEGATIVE.findall(before))
    main_clause = statement[:word_at]
    if _UNDECIDED.search(re.split(r"\bbut\b", main_clause)[-1]):
        return None
    if DENYING_CLAUSE.search(main_clause) or _OPPOSITE.search(main_clause):
        denials += 1
    return decision(match[0], place, yes=match["yes"] is not None, denied=denials % 2 == 1)


def _alone(statement: str, place: AnswerPlace) -> Reading[bool] | None:
    """What the last yes or no of a sentence decides that stands alone in it."""
    found = [
        match for match in _STANDS_ALONE.finditer(statement) if not _BELIEVED.search(statement, 0, match.start("word"))
    ]
    if not found:
        return None
    match = found[-1]
    denied = _DENIED.search(statement[: match.start("word")]) is not None
    return decision(match[0], place, yes=match["word"].lower() in _YES_WORDS, denied=denied)


_RULES: Final = AnswerRules(region=_region, own=_own)
