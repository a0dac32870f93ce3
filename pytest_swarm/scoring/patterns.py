"""Parts of patterns: lists of words as they are read, parts that are matched once, and phrases that all kinds know."""

from __future__ import annotations

import re
from typing import Final


def one_of(words: str) -> str:
    """Return a pattern that matches one of the words or phrases, which are separated by a comma and a space."""
    return f"(?:{'|'.join(words.split(', '))})"


def atomic(pattern: str, *, name: str) -> str:
    """Return a pattern that matches as `pattern` does, but gives nothing back where what follows it fails.

    Atomic groups and possessive repeats of Python match groups wrongly before 3.11.5 (CPython issue 106052).

    Args:
        pattern: The pattern.
        name: A name for a group, which the whole pattern has once.
    """
    return f"(?=(?P<{name}>{pattern}))(?P={name})"


ADVERB: Final = (
    r"(?!hardly|barely|scarcely|rarely|nearly|part(?:ial)?ly|initially|originally|previously|formerly)[a-z]{3,14}ly"
)
"""An adverb, which changes nothing: "clearly", "probably", "exactly"."""

CONCLUDING: Final = "so|therefore|thus|hence|consequently|in conclusion"
"""What begins a conclusion."""

DENYING_CLAUSE: Final = re.compile(
    r"\b(?:do|does|did|would|could|can)(?:n't| not) (?:think|believe|suppose|agree|say|suggest)\b"
    r"|(?<!not )(?<!n't )(?<!no )\bdoubt\b|\b(?:unlikely|doubtful|improbable)\b|\bno way\b(?! around)"
    r"|\bnothing\b[^.,;]{0,40}\b(?:suggests|says|shows)\b",
    re.IGNORECASE,
)
"""A main clause that denies what follows: "I don't think that ...", "It is unlikely that ..."."""

BELIEF: Final = r"(?:people|many|most|some|others) (?:\w+ )?(?:think|believe|assume|say|claim|guess|attribute|credit)"
"""What introduces the opinion of others, which is not the answer: "Many believe that ..."."""

FOREIGN_NOT: Final = (
    r"(?:\b(?:nicht|keine?[nmr]?|n['’]est pas|ne sont pas|no (?:es|son|fue)|não é|non è|не)\b|不是|并非)"
)
"""What denies in German, French, Spanish, Portuguese, Italian, Russian and Chinese."""

DENIAL: Final = (
    r"\b(?:not|never|neither|nor|nothing|nobody|no one|cannot|whether|wrong|incorrect|doubt|misconception|mistaken\w*"
    r"|used to be|no longer|i (?:\w+ly |first )?thought"
    r"|(?:might|would|may|could) (?:expect|assume|think|guess|have (?:said|thought|expected|guessed)))\b"
    rf"|{FOREIGN_NOT}|n['’]t\b|\b{BELIEF}\b"
)
"""What denies its clause, doubts it, or says what somebody thought."""
