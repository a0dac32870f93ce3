"""Whether a sentence of a chat reply names a text as its answer: "The prize went to Marie Curie in 1903."

The sentence must name it as whole words in a main clause that denies nothing, and must not offer another one beside
it. Which question was asked is not known, so the topic of the sentence ("the capital *of France*") is no answer.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from pytest_swarm.scoring.number_words import with_digits
from pytest_swarm.scoring.numbers import read_number
from pytest_swarm.scoring.patterns import DENIAL, one_of
from pytest_swarm.scoring.plain_text import plain_words
from pytest_swarm.scoring.same_text import normalized, one_spelling

_MIN_LETTERS: Final = 3  # a shorter text stands in many sentences
_NUMBER: Final = re.compile(r"[$€£]?(?!0\d)\d[\d,]*(?:\.\d+)?\s?%?")  # not 007
_MAX_MENTIONS: Final = 20  # that are looked at; keeps hostile texts cheap
_SENTENCE: Final = re.compile(  # with a verb that every sentence may have, or of many words that are no names
    r"(?:\W*[A-Z\d]|[\"'`]\w).*\b"
    + one_of("is, are, was, were, has, had, be, been, it, ist, sind, war, est, sont, son, es")
    + r"\b|\W*(?:He|She|It|They|We|I|You|There|This|That)(?:'s\s|(?:'\w{1,2})?\s[a-z]+\s)"
    r"|\W*[A-Z\d](?=(?:\S*\s+){4})(?:.*?\s[a-z]{2,}){2}"
)
_CLAUSE: Final = re.compile(
    r"[;(—–?]|[,:]\s|[.!]\s(?=(?:However|But|Yet|In fact|Actually)\b)|\s\b"
    + one_of("but, if, while, whereas, although, though, because, since, which, who, where, whose")
    + r"\b"
)
_SUBORDINATE: Final = re.compile(
    r"\W*"
    + one_of(
        "[Ww]hile, [Ww]hereas, [Aa]lthough, [Tt]hough, [Bb]ecause, [Ee]ven though, [Dd]espite, [Uu]nlike, [Ii]f, "
        "[Ww]hen, since, whose"
    )
    + r"\b"
)
_DENIED: Final = re.compile(DENIAL, re.IGNORECASE)
_RELATIVE: Final = re.compile(  # without a comma the words tell which is meant
    r",\s(?:which|who|whom|whose|where|with|despite|including|such as)\b"
)
_APPOSITION: Final = re.compile(r",\s(?:an?\s|the\s|one\s|[a-z]+\s(?:of|to)\s)")
_GIVEN_LATER: Final = re.compile(  # "Sydney is the largest city, but the capital is Canberra"
    r"(?:[,;.—–]\s(?:[Bb]ut|[Yy]et|[Hh]owever|[Ii]n fact|[Aa]ctually)|\sbut)\b,?\s"
    r"(?:in fact,?\s|actually,?\s|in \d{4},?\s)?"
    r"(?:(?:the|its|their)\s[^.,;]{1,60}?|it|that|this)(?:'s|\sis|\swas)\s(?:actually\s|really\s)?(?:the\s)?[A-Z][\w-]+"
    r"|(?:\bbut|[,;])\s(?:is |it is |it's )?now\b"
    r"|[,;]\s(?:so|thus|hence|therefore),?\s(?:the|its|my|our)\s[^.,;]{1,60}?\s(?:is|are|was|were)\s"
    r"|\bbut (?:the|its) (?:\w+ )?(?:sentiment|label|answer|category|class|verdict|tone) is (?!not\b)[a-z]+"
    r"|\bbut (?:overall|on the whole|as a whole|in the end|ultimately),? (?:it|i|this|that|the)\b"
)
_GIVEN_BEFORE: Final = re.compile(  # "It's Toronto; Ottawa is smaller"
    r"\W*(?:It|That|This)(?:'s|\sis|\swas)\s(?:\w+ly\s)?(?:the\s)?[A-Z][\w-]*[^;(—]{0,60}[;(—]"
)
_NEXT_SUBJECT: Final = re.compile(r"[,;—–]\s(?:the\s)?")  # "Lyon is the capital, Paris is a city"
_PAST: Final = re.compile(
    r"\s(?:[a-z]{2,}ed|did|does|wrote|won|made|led|found|built|became|sang|gave|took|began|came|went|ran|said|sent)\b"
)
_LEAD: Final = re.compile(r"\W*(?:In|On|At|By|During|As of|If|When)(?:\s\S+){1,5}")  # "In 1945, the party ..."
_VERB: Final = re.compile(r"\s(?:is|was|are|were|be|has|had)\s")
_BEFORE: Final = re.compile(
    r"(?:,\sthen|\b"
    + one_of(
        "than, over, unlike, instead of, rather than, opposed to, except, besides, or, either, between, followed by, "
        "preceded by, before, (?<!named )after, formerly, confused with, mistaken for, similar to, near, nor, "
        r"ahead of, as \w+ as, (?:opposite|reverse|inverse) of, far from, anything but, hardly, barely, scarcely, "
        "(?:word|term|name|synonym|translation) (?:for|of), second to, contrast to, compared to, compared with, no, "
        "without, oder, ou"
    )
    + r")\s(?:perhaps\s|maybe\s|possibly\s|even\s)?(?:the\s|an?\s)?[\"'(\[]?$",
    re.IGNORECASE,
)
_MAYBE: Final = re.compile(r"\b(?:could|might|may)(?:\s\w+)?\sbe\s(?:the\s|an?\s)?$", re.IGNORECASE)
_LAPSED: Final = re.compile(  # "eight days after the invoice date of"
    r"\b(?:day|week|month|year|hour|minute)s?\s(?:after|before|from|since)\b(?:(?!\s(?:is|was|falls)\b)[^.,;]){0,40}$"
)
_TURNED_INTO: Final = re.compile(
    r"[^.;]{0,60}?\s(?:is|was|becomes|gives|means|translates (?:to|as|into)|is translated (?:to|as|into))\s(?:\"\"|'\w)"
)  # 'The word "ab" is "ba"'
_CASES: Final = re.compile(r"\bif\b.{1,200}\b(?:if|otherwise)\b", re.IGNORECASE)  # "If it rains, Paris; if not, Lyon"
_WOULD: Final = re.compile(r"\bwould (?:be|have been)\s(?:an?\s|the\s)?$")
_PART: Final = re.compile(r"\W*(?:An?|The)\s(?:\w+\s){1,3}of\s(?:the\s)?$")  # "The teacher of"
_NEXT_ITEM: Final = re.compile(r",\s(?:and\s)?[\w-]+\W*$")
_MOVED: Final = re.compile(
    r"\b(?:moved|changed|translated|converted|switched|updated|renamed|postponed|rescheduled|corrected)\b.*\sfrom\s$",
    re.IGNORECASE,
)
_TOPIC: Final = re.compile(
    r"\b(?:of|in|for|at|von|van|de|del|della|di|du|des|do|da)\s(?:(?:the|an?|la|les?|el|der|den|dem)\s)?[\"'(\[]?$",
    re.IGNORECASE,
)
_IS: Final = re.compile(
    r"[\"')\]]?(?:\s(?!and\b|that\b|which\b)[\w’'-]+)??\s"
    r"(?:is|was|are|were|has|had|ist|sind|war|est|sont|es|son|è|é)\b"
)
_QUOTED: Final = re.compile(r'"[^"]{1,200}"')
_UNIT: Final = re.compile(r"(?<=\d)(?=[^\W\d_])")  # "42kg" may be spelled "42 kg"
_SIGN: Final = re.compile(r"(\\?[()\[\]{},;=+*/^<>|])")
_ANOTHER_BEFORE: Final = re.compile(r"(?:\b[A-Z][\w.'’-]*,?|,\s[^,.;]{1,40},)\s(?:and|&)\s(?:the\s)?[\"']?$")
_AFTER: Final = re.compile(
    r"[\"'\])]?(?:,?\s(?:or|nor|only if)\b"
    r"|,\s(?:(?:maybe|perhaps|possibly)|(?:it )?(?:could|might|may) be)\b"
    r"|(?:,\s[\w-]+){1,8},?\s(?:or\s[\w-]+|and\s[\w-]+\W*$)"
    r"|\s(?:is|was|are)\s(?:also\s)?(?:only|just|merely|second|third|different|too|possible|plausible)\b"
    r"|\s(?:and|&)\s(?:[A-Z]|[\w-]+\W*$)|(?:,\s[A-Z][^,.]{0,30})+,?\s(?:and|or)\s)"
)


def names_as_answer(sentence: str, wanted: str) -> bool:
    """Return whether a sentence gives a text as its answer.

    Args:
        sentence: One sentence of a reply; a list of words or a lone name is none.
        wanted: The text; one without a few letters or digits is never named, but a number may be stated.
    """
    plain = one_spelling(plain_words(sentence))
    if plain.endswith("?") or _CASES.search(plain):
        return False
    words = normalized(wanted)
    if any(char.isdigit() for char in words):
        plain = with_digits(plain)  # "four years" is "4 years"
    is_sentence = _SENTENCE.match(plain) is not None
    if is_sentence and _NUMBER.fullmatch(with_digits(words)) and _states_number(sentence, words):
        return True
    if sum(char.isalnum() for char in words) < _MIN_LETTERS or "\\" in wanted:
        return False
    spelled = _SIGN.sub(r"\\s?\1\\s?", _UNIT.sub(r"\\s?", re.escape(words).replace(r"\ ", r"\s")))
    pattern = re.compile(
        rf"(?<![\w$€£@/])(?<!\d[.,])(?<!\w[-.])(?:(?<=['‘]){spelled}(?=['’])|{spelled}(?!\w|@|/\w|,\d|[.-]\w|['’]s?\s))",
        re.IGNORECASE,
    )
    mentions = list(islice(pattern.finditer(plain), _MAX_MENTIONS))
    if not is_sentence and not any(_PAST.match(plain, each.end()) and each.start() < 2 for each in mentions[:1]):
        return False
    return any(_is_answer(plain, match) for match in mentions)


def _states_number(sentence: str, wanted: str) -> bool:
    """Whether the number that a sentence gives by the rules of numbers is the wanted one."""
    number, said = read_number(wanted), read_number(sentence)
    if wanted[0] in "$€£" and wanted[0] not in sentence:
        return False
    if re.search(rf"[A-Za-z]-{re.escape(wanted)}|\b{re.escape(wanted)}\.\d", sentence):  # "A-1234", "3.12.1"
        return False
    place = re.search(rf"\b{re.escape(wanted)}\W{{0,3}}\s", sentence)
    if place and _IS.match(sentence, place.end() - 1) and _TOPIC.search(sentence[: place.start()].rstrip("*_")):
        return False  # "The author of *1984* is"
    return number is not None and said is not None and said.values == number.values


def _is_answer(sentence: str, name: re.Match[str]) -> bool:
    """Whether a sentence gives the text as its answer, where it names it at this place."""
    before = _QUOTED.sub('""', sentence[: name.start()].rstrip('"'))
    after = _QUOTED.sub('""', sentence[name.end() :].lstrip('"'))
    starts = list(_CLAUSE.finditer(before))
    end = _CLAUSE.search(after)
    clause = before[starts[-1].start() :] if starts else before
    lead = before[: len(before) - len(clause)]
    is_subject = _IS.match(after) is not None
    has_verb = _VERB.search(clause) is not None
    against = (
        _DENIED.search(clause) or _DENIED.search(after if end is None else after[: end.start()]),  # "It is not Paris."
        _APPOSITION.match(clause) and not (_LEAD.fullmatch(lead) or has_verb or is_subject),  # ", a friend of Paris"
        _RELATIVE.match(clause) or _SUBORDINATE.match(clause),  # ", which is near Paris", "While Paris is old"
        is_subject and _TOPIC.search(before),  # "The mayor of Paris is"
        before.count("(") > before.count(")")
        and not (clause.strip() == "(" and after.startswith(")")),  # "(near Paris)"
        is_subject and _NEXT_SUBJECT.fullmatch(clause) and _asserts(lead),  # "It is Lyon, Paris is larger"
        clause.startswith("; ") and _PAST.match(after),  # "Galilei found it; Kepler named it"
        _GIVEN_LATER.search(after) or _GIVEN_BEFORE.match(before),  # "Paris is larger, but the capital is Lyon"
        _MAYBE.search(before) and " but " in after,  # "It could be Paris, but"
        _WOULD.search(before) and " if " in after,  # "It would be Paris if"
        "," in name[0] and _NEXT_ITEM.match(after),  # "apple, pear" of "apple, pear, plum"
        _PART.match(before),
        _MOVED.search(before) and after.startswith(" to "),  # "It was moved from Paris to"
        _LAPSED.search(before) or _TURNED_INTO.match(after),
        _BEFORE.search(before) or _ANOTHER_BEFORE.search(before),  # "rather than Paris", "Lyon and Paris"
        _AFTER.match(after),  # "Paris or Lyon"
        end is not None and end[0] == "?",  # "Is it Paris? No"
    )
    return not any(against)


def _asserts(clause: str) -> bool:
    """Whether a clause before another one says something of its own: "Lyon is the capital", not "While Lyon is old"."""
    return bool(_VERB.search(clause)) and not _SUBORDINATE.match(clause) and not _DENIED.search(clause)
