"""Numbers that are no answer: those that a text denies, and those that only bound it.

"Not 30", "more than 30", "30 or more" and "> 30" do not give 30. A least or most is a number all the same: "at least
30".
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.number_text import WrittenNumber
from pytest_swarm.scoring.patterns import one_of
from pytest_swarm.scoring.plain_text import DENYING_CLAUSE, FOREIGN_NOT

_DENIED: Final = re.compile(
    rf"(?:{FOREIGN_NOT}|\bnot|n't|\bnever|\binstead of|\brather than|\bas opposed to)\s"
    r"(?:be\s|exactly\s|equal to\s|(?:[a-z]{2,12}\s)?(?:in|on|at)\s)?[$*]{0,3}$",
    re.IGNORECASE,
)
_JUDGED: Final = re.compile(
    r"(?:\s[a-z]{1,12})?\stoo (?:low|high|small|large|big|little|much|many|few)\b"
    r"|\s(?:is|was|would be)\s(?:(?:a|the|clearly|simply|far|much)\s)?(?:wrong|incorrect"
    r"|too (?:low|high|small|large|big|little|much)"
    r"|not (?:right|correct|the (?:right|correct)?\s?(?:answer|number|value|result)))\b",
    re.IGNORECASE,
)
_CLAUSE_END: Final = re.compile(r"[.!?;\n]\s|\b(?:but|rather|instead)\b", re.IGNORECASE)
_CLAUSE_CHARS: Final = 120
_BEFORE_CHARS: Final = 40
_TO_NUMBER: Final = r"\s(?:about\s|around\s|roughly\s|approximately\s|exactly\s|a\s)?[$€£¥₹*_`(\[\"]{0,4}$"
_OUTSIDE: Final = re.compile(
    r"(?:\b(?:(?<!no )(?<!not )(?:more|less|fewer|greater|higher|lower|larger|smaller|older|younger|longer|shorter"
    r"|bigger|later|earlier|better|worse) than"
    r"|(?<!left )(?<!\d )over|above|under|below|beyond|exceed(?:s|ed|ing)?|upwards of|in excess of|north of)"
    rf"{_TO_NUMBER}|(?:(?<=\S)\s[<>]\s?|^<\s?|^>|\\[lg]t\s)[$€£¥₹]?$)",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    r"\s[<>]\s[a-z]\b|\s?\+(?!\s?[\d($])(?!\w)|(?:\s[a-z]{1,12})?\s(?:or|and)\s"
    + one_of("more, less, fewer, above, below, over, under, up, higher, lower, greater, older, younger, later, earlier")
    + r"\b(?!\s(?:than|precisely|exactly|accurately))",
    re.IGNORECASE,
)
_TIME_ONLY: Final = re.compile(r"\b(?:before|after|until|prior to|later than|earlier than)\s$", re.IGNORECASE)
_ENDED: Final = re.compile(r"[\s*_.!)\"]*$")


def is_limit(statement: str, number: WrittenNumber) -> bool:
    """Return whether a statement says of a number only that the answer is above, below or outside of it."""
    before = statement[max(0, number.start - _BEFORE_CHARS) : number.start]
    if _OUTSIDE.search(before) or _AFTER.match(statement, number.end):
        return True
    return _TIME_ONLY.search(before) is not None and _ENDED.match(statement, number.end) is not None


def is_denied(text: str, number: WrittenNumber) -> bool:
    """Return whether a text says that the number is not the answer: "not 12", "12 is wrong"."""
    before = text[max(0, number.start - _CLAUSE_CHARS) : number.start]
    if _DENIED.search(before[-_BEFORE_CHARS:]) or _JUDGED.match(text, number.end):
        return True
    clause = _CLAUSE_END.split(before)[-1]
    return DENYING_CLAUSE.search(clause) is not None
