"""Numbers that only bound an answer: "more than 30", "30 or more" and "> 30" give no number.

A least or most is a number all the same: "at least 30".
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.number_text import WrittenNumber
from pytest_swarm.scoring.patterns import one_of

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
    r"\s?\+(?!\s?[\d($])(?!\w)|(?:\s[a-z]{1,12})?\s(?:or|and)\s"
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
