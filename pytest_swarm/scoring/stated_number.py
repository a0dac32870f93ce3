"""What a sentence says of its numbers: which one it states, and which it denies, only bounds, or gives beside another.

Stated: "15" in "He has 15 apples in 3 bags", the result in "5 * 3 = 15 hours to read 3 books".
Denied: "not 12", "12 is wrong". Bounds: "more than 30", "30 or more", "> 30"; a least or most is a number all the same
("at least 30"). Alternatives: "7 or 8", "20-30", "between 3 and 4".
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from pytest_swarm.scoring.number_text import WrittenNumber
from pytest_swarm.scoring.patterns import ADVERB, DENYING_CLAUSE, FOREIGN_NOT, one_of

_CLAUSE_CHARS: Final = 120
_BEFORE_CHARS: Final = 40
_DETERMINER: Final = one_of(
    "the, a, an, all, both, these, those, his, her, its, their, my, our, your, each, every, any, about, only, just, "
    "over, another, additional, extra, remaining, other, first, last, next, original, previous, total, more, "
    "at least, approximately, around, nearly, exactly, January, February, March, April, May, June, July, August, "
    "September, October, November, December, [a-z]{2,12}ing(?: (?:away|up|out|off|back))?"
)
_PREPOSITION: Final = one_of(
    "in, for, after, before, within, during, per, every, each, at, than, from, until, among, across, throughout, "
    "when, between, instead of, out of, compared to, compared with, rather than, as opposed to, ago, on, "
    "(?<=,\\s)with, with (?:his|her|their|its|the|an?|my|our), by [a-z]{2,12}ing, and [a-z]{2,12}ing, "
    "by (?:all|the|these|those|both|each), at an? (?:speed|rate|price|cost|pace) of, "
    "consisting of, made up of, give or take, including, excluding, over, under, above, below, using, "
    "(?:after|before|if|when) [A-Za-z]{1,14} [a-z]{2,14}"
)
_NO_PREPOSITION: Final = r"(?<!resulting in)(?<!results in)(?<!invested in)(?<!left for)(?<!total at)"
_PURPOSE: Final = (
    r"(?<!has )(?<!have )(?<!had )(?<!need )(?<!needs )(?<!needed )(?<!able )(?<!wants )(?<!want )(?<!going )"
    r"(?<!used )(?<!up )(?<!comes )(?<!equal )(?<!amounts )(?<!adds )(?<!down )"
    r"\bto\s(?!a total|be\b|have\b)[a-z]{2,14}\s(?:[a-z]{1,12}\s){0,3}"
)
_FOREIGN: Final = (  # "durante 3 meses", "3 épisodes de 30 minutes", "para pagar los 16 vasos", "每集30分钟"
    r"\b(?:durante|pendant|tras|después de|antes de|al (?:final|cabo) de|dentro de|après|avant|innerhalb von|binnen"
    r"|nach|vor|während|entro|dopo|после|через|в течение)\s(?:(?:las?|los|les?|el|den|der|die|das|dem)\s)?"
    r"|^\s[^\W\d_]{1,14}\s(?:de|à|von|di|zu je|mit je)\s|每\w{0,2}\s?"
    r"|\b(?:dans|en|em)\s|\bal\s[^\W\d_]{2,14}[aei]r\s|\ben\s[^\W\d_]{2,14}ant\s|\b(?:para|pour)\s[^\W\d_]{2,14}(?:ar|er|ir|re)\s(?:(?:las?|los|les?|el)\s)?"
)
_OF_SUBJECT: Final = re.compile(
    r"(?:\s[a-z]{2,14}){1,2}\s(?:from now|later|ago),"
    r"|(?:\s[a-z\d]{1,14}){1,8}?\s(?:costs?|weighs?|needs?|(?:can|could)\s[a-z]{2,14}"
    r"|(?:will|would|must)\s(?:make|create|produce|yield|hold|earn))\s[$€£]?\d"
    r"|\sof\s[$€£]?\d[\d.,]{0,20}\s(?:is|are|equals|makes)\s"
)
_AGO: Final = re.compile(r"\s[a-z]{3,8}\s(?:ago|earlier|later|from now)\b")
_IN_ALL: Final = re.compile(r"(?:\s[a-z]{2,14}){0,2}\s(?:in total|in all|altogether)\b")
_WITH_EACH: Final = re.compile(r"(?:\s[\w-]{1,20}){1,3}\s(?:each|apiece)\b")
_MODIFIES: Final = re.compile(
    rf"(?:{_NO_PREPOSITION}\b{_PREPOSITION}\s(?:{_DETERMINER}\s){{0,3}}|{_NO_PREPOSITION}\b(?:for|from"
    rf"|of) {_DETERMINER}\s"
    rf"(?:[a-z]{{2,14}}\s)?|{_PURPOSE}|^\s(?:[A-Za-z]{{1,14}}\s)?of\s(?:{_DETERMINER}\s(?:total\sof\s)?)?"
    rf"|\b(?:sum|product|difference|average|mean|third|quarter|multiple|factor|root|square|goal|target"
    rf"|limit|budget|capacity|speed|trip|period) (?:of|between)\s"
    r"|\b(?:in|of|for|from|on|during|at)\s(?:[\w'’-]{1,20}\s){0,4}"
    r"(?:season|episode|chapter|part|volume|version|level|grade|page|day|week|year|phase|stage|round|act|section)\s"
    r"|(?<!\bone)(?<!\bones)\sthat\s(?:costs?|weighs?|holds?|contains?|lasts?|has|have)\s"
    rf"|{_FOREIGN}"
    rf"|\b(?:half|twice|double)\s(?:of\s)?)[$€£¥₹*_]{{0,3}}$"
)
_ASIDE: Final = re.compile(
    r"\b(?:because|since|if|when|assuming|given that|whenever|considering|unless|si|wenn|falls|если"
    r"|as (?:this|it|there|he|she|they|each|every)"
    r"|even though|unlike|whereas"
    r"|while (?:\w{1,14} ){1,3}(?:has|have|had|gets|got|is|was)"
    r"|(?<=,\s)(?:while|(?:\w{1,12}\s){0,2}(?:more|less|fewer|older|younger|longer|shorter) than)"
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
_MORE: Final = re.compile(  # "which is 5 more than 7", "which is 15 out of 20"
    r"[^.,;]{0,30}\b(?:more|less|fewer|greater|higher|lower|older|younger|longer|shorter) than\b|\sout of\s"
    r"|\sof (?:what|the|his|her|their|its|all)\b"
)
_JOINED: Final = re.compile(
    r"\s?(?:(?:[A-Za-z]{1,14}\s?){0,6}(?:,\s(?:and|or)|\band|\bor|,)|(?:[A-Za-z]{1,14}\s)?(?:to|(?:out )?of))\s"
)
_UNIT_OF_NOUN: Final = re.compile(r"[ -][a-z]{2,12} [a-z]{3}")  # "8 dollar games"
_NAME: Final = re.compile(  # "Apollo 11 landed in 1969", not "Only 11 landed in 1969"
    r"\b(?!(?:Only|Just|About|Around|Over|Almost|Some|Another|All|[A-Z][a-z]{2,14}ly)\b)[A-Z][a-z]+\s$"
)
_OF_NAME: Final = re.compile(r"\s(?:is|was|has|had|first|[a-z]{2,12}ed|began|came|flew|went|won)\s")
_YEAR: Final = re.compile(r"[12]\d{3}")
_TERM: Final = re.compile(r"[^\n.,=]{0,30}?[ )\d][-+*/×·÷x–]\s?[$(]?\d")

_DENIED: Final = re.compile(
    rf"(?:{FOREIGN_NOT}|\b(?:not|nor|neither)|n't|\bnever|\binstead of|\brather than|\bas opposed to)\s"
    r"(?:be\s|exactly\s|equal to\s|(?:[a-z]{2,12}\s)?(?:in|on|at)\s)?[$*]{0,3}$",
    re.IGNORECASE,
)
_IN_POINT: Final = re.compile(r"[({\[]\s?(?:-?\d[\d.]{0,20},\s?){0,20}$")  # (3, 4), {2, 5}, [1, 2]
_OF_POINT: Final = re.compile(r"(?:,\s?-?\d[\d.]{0,20}){0,20}\s?[)}\]]")
_TERM_BEFORE: Final = re.compile(r"(?<![A-Za-z])[xyzn]\s?[-+<>≤≥]\s?$")  # "x + 5" and the 2 of "2x + 3" are no numbers
_TERM_AFTER: Final = re.compile(r"[xyzn]\s?[-+]\s?\d")
_FACTOR_AFTER: Final = re.compile(r"\s?[*×·÷+]\s?[$(]?\d[\d.,]*(?![^\n]*=)")  # whose result is not given
_JUDGED: Final = re.compile(
    r"(?:\s[a-z]{1,12})?\stoo (?:low|high|small|large|big|little|much|many|few)\b"
    rf"|\s(?:is|was|would be)\s(?:(?:a|the|far|much|{ADVERB})\s)?(?:wrong|incorrect"
    r"|too (?:low|high|small|large|big|little|much)"
    r"|not (?:right|correct|the (?:right|correct)?\s?(?:answer|number|value|result)))\b"
    r"|\s(?:sure|certain|confident)\b",
    re.IGNORECASE,
)
_CLAUSE_END: Final = re.compile(r"[.!?;\n]\s|\b(?:but|rather|instead)\b", re.IGNORECASE)
_TO_NUMBER: Final = r"\s(?:about\s|around\s|roughly\s|approximately\s|exactly\s|a\s)?[$€£¥₹*_`(\[\"]{0,4}$"
_OUTSIDE: Final = re.compile(
    r"(?:\b(?:(?<!no )(?<!not )(?:more|less|fewer|greater|higher|lower|larger|smaller|older|younger|longer|shorter"
    r"|bigger|later|earlier|better|worse) than"
    r"|(?<!left )(?<!\d )over|above|under|below|beyond|exceed(?:s|ed|ing)?|upwards of|in excess of|north of)"
    rf"{_TO_NUMBER}|(?:(?<=\S)\s[<>]\s?|^<\s?|^>|\\[lg]t\s)[$€£¥₹]?$)",
    re.IGNORECASE,
)
_BOUND_AFTER: Final = re.compile(
    r"\s[<>]\s[a-z]\b|\s?\+(?!\s?[\d($])(?!\w)|(?:\s[a-z]{1,12})?\s(?:or|and)\s"
    + one_of("more, less, fewer, above, below, over, under, up, higher, lower, greater, older, younger, later, earlier")
    + r"\b(?!\s(?:than|precisely|exactly|accurately))",
    re.IGNORECASE,
)
_COMMA: Final = re.compile(r",\s?")
_TIME_ONLY: Final = re.compile(r"\b(?:before|after|until|prior to|later than|earlier than)\s$", re.IGNORECASE)
_ENDED: Final = re.compile(r"[\s*_.!)\"]*$")

_MULTIPLE: Final = re.compile(r"\d[a-z]\s?=\s?$")  # "3x = 15 and x = 5"
_ADDED: Final = re.compile(
    r"\d\s?(?:[-+*×·÷/]|plus|minus|times|multiplied by|divided by)\s?[$€£¥₹]?$"
)  # "$16 + $6, or $22"
_FROM: Final = re.compile(  # "from 120 to 99" ends at 99, "anywhere from 20 to 30" does not
    r"(?P<open>\b(?:any\w+|some\w+|rang\w+|var\w+)\s)?\bfrom\s[$€£¥₹]?$", re.IGNORECASE
)
_EITHER: Final = re.compile(
    r",?\s(?:[a-z]+\s){0,2}or\s(?:perhaps\s|maybe\s|possibly\s)?(?:[a-z]\s?=\s?)?|\sto\s|\s?–\s?"
    r"|,?\sand\s(?:[a-z]\s?=\s?)?|[,;]\s(?:(?:but\s)?(?:perhaps|maybe|possibly)|otherwise,?|else"
    r"|(?:but )?(?:it|that|this) (?:could|might|may)(?: \w+)? be)\s(?:about\s|around\s|even\s)?",
    re.IGNORECASE,
)


def stated_number(sentence: str, numbers: Sequence[WrittenNumber]) -> WrittenNumber:
    """Return the number that a sentence states: the result of its last sum, else the last that modifies nothing.

    Args:
        sentence: One sentence, simplified.
        numbers: Its numbers in order, at least one.
    """
    if _is_of_name(sentence, numbers[0]) and _YEAR.fullmatch(numbers[-1].text):
        return numbers[-1]
    stated = previous = numbers[0]
    if len(numbers) > 2 and sentence[stated.end : numbers[1].start].rstrip(" $").endswith((":", "(", "—")):
        parts = sum(number.values[0] for number in numbers[1:])
        if math.isclose(parts, stated.values[0]) or stated.values[0] == len(numbers) - 1:
            return stated  # "7 apples: 3 red ones and 4 green ones", "4 primes: 2, 3, 5 and 7"
    aside = skipped = for_reason = False
    for number in numbers[1:]:
        between = sentence[previous.end : number.start]
        previous = number
        if between.endswith("(") and sentence[number.end : number.end + 2].lstrip().startswith(")"):  # twelve (12)
            stated, skipped = number, False
            continue
        if not between.strip() and _UNIT_OF_NOUN.match(sentence, number.end):  # "He buys 2 5 dollar toys."
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
        aside = aside or compared
        joined = skipped and _JOINED.fullmatch(between) is not None
        skipped = (
            _ATTRIBUTE.match(sentence, number.end) is not None
            or aside
            or compared
            or joined
            or _MODIFIES.search(between) is not None
            or _tells_when(sentence, number, between)
        )
        in_all = between.endswith(", ") and _IN_ALL.match(sentence, number.end)  # "4 trays with 12 each, 48 in total"
        if not skipped or in_all or _ATTRIBUTE.match(sentence, stated.end):
            stated = number
    return stated


def is_of_subject(statement: str, number: WrittenNumber) -> bool:
    """Whether a number that begins a statement is not what it states: "8 pens cost $12", "3/4 of 40 is 30"."""
    return _OF_SUBJECT.match(statement, number.end) is not None


def _tells_when(sentence: str, number: WrittenNumber, between: str) -> bool:
    """Whether a number tells a time, "3 years ago", or how many are in each: "with 2 lollipops each"."""
    return _AGO.match(sentence, number.end) is not None or (
        between.endswith(" with ") and _WITH_EACH.match(sentence, number.end) is not None
    )


def _is_of_name(sentence: str, number: WrittenNumber) -> bool:
    """Whether a number ends the name of what a sentence is about: "World War 2 ended in 1945"."""
    return _NAME.search(sentence, 0, number.start) is not None and _OF_NAME.match(sentence, number.end) is not None


def _is_expression(sentence: str, number: WrittenNumber, stated: WrittenNumber) -> bool:
    """Whether a sum stands on the right side of an equation, and its result on the left: "42 = 6 * 7"."""
    left = sentence[: stated.start].rstrip()
    alone = not left or not left.endswith(("+", "-", "*", "/", "×", "·", "÷", "x", "="))
    return alone and _TERM.match(sentence, number.end - 1) is not None


def result_of_equation(text: str, numbers: Sequence[WrittenNumber]) -> WrittenNumber | None:
    """Return the number that stands alone on a side of an equation, "15 = 20 - 5", else the first of its last side."""
    sides: dict[int, list[WrittenNumber]] = {}
    for number in numbers:
        sides.setdefault(text.count("=", 0, number.start), []).append(number)
    if "=" not in text:
        return None
    alone = [side[0] for side in sides.values() if len(side) == 1]
    return alone[-1] if alone else list(sides.values())[-1][0]  # "20 - 5 = 15 apples, for 3 people"


def is_limit(statement: str, number: WrittenNumber) -> bool:
    """Return whether a statement says of a number only that the answer is above, below or outside of it."""
    before = statement[max(0, number.start - _BEFORE_CHARS) : number.start]
    if _OUTSIDE.search(before) or _BOUND_AFTER.match(statement, number.end):
        return True
    return _TIME_ONLY.search(before) is not None and _ENDED.match(statement, number.end) is not None


def is_third_of_list(statement: str, numbers: Sequence[WrittenNumber]) -> bool:
    """Return whether commas join the last three of these numbers: "Its factors: 1, 2, 3"."""
    last = numbers[-3:]
    return len(last) > 2 and all(_COMMA.fullmatch(statement, one.end, other.start) for one, other in pairwise(last))


def is_term(text: str, number: WrittenNumber) -> bool:
    """Return whether a number is a part of something else: of "(3, 4)", of "2x + 3", or the 4 of "4 * 25"."""
    before = text[max(0, number.start - _CLAUSE_CHARS) : number.start]
    point = _IN_POINT.search(before)
    if point and "," in point[0] + text[number.end : number.end + 1] and _OF_POINT.match(text, number.end):
        return True
    if _TERM_BEFORE.search(before[-5:]) or _TERM_AFTER.match(text, number.end):
        return True
    return "=" not in before and _FACTOR_AFTER.match(text, number.end) is not None


def is_denied(text: str, number: WrittenNumber) -> bool:
    """Return whether a number is no answer: a term, or one that is denied, "not 12", "12 is wrong"."""
    before = text[max(0, number.start - _CLAUSE_CHARS) : number.start]
    if is_term(text, number) or _DENIED.search(before[-_BEFORE_CHARS:]) or _JUDGED.match(text, number.end):
        return True
    clause = _CLAUSE_END.split(before)[-1]
    return DENYING_CLAUSE.search(clause) is not None


def are_alternatives(statement: str, one: WrittenNumber, other: WrittenNumber) -> bool:
    """Return whether a sentence gives two numbers for one: "7 or 8", "20-30", "between 3 and 4"."""
    between = statement[one.end : other.start]
    if _MULTIPLE.search(statement, 0, one.start) or _ADDED.search(statement, 0, one.start):
        return False
    if between == "-":
        return 0 <= one.values[0] < other.values[0]
    start = _FROM.search(statement, 0, one.start)
    return _EITHER.fullmatch(between) is not None and (
        start is None or start["open"] is not None or "depending" in statement[other.end :]
    )
