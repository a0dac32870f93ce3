"""What leaves a yes or no open: "It depends", "unknown", "I cannot say"."""

from __future__ import annotations

import re
from typing import Final

OPEN: Final = re.compile(
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

UNDECIDED: Final = re.compile(
    r"\b(?:can't|cannot|could not|couldn't) (?:confirm|say|tell)\b|\bwhether\b", re.IGNORECASE
)
"""A main clause that leaves open what follows it."""
