"""The no of a sentence that denies without saying so: "Penguins cannot fly.", "Therefore, 91 is not a prime number.".

Only a denial is read so, and only where it concludes a text, is all of it, or begins a short one. What a positive
sentence means depends on the question: "91 is composite" is no yes to "Is 91 prime?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pytest_swarm.scoring.first_word import decision
from pytest_swarm.scoring.patterns import CONCLUDING, one_of
from pytest_swarm.scoring.verdict import AnswerPlace, Reading

_UNKNOWN: Final = one_of(  # what follows "not" where a sentence says that the answer is not known
    "sure, certain, clear, known, enough, possible to, sufficient, know, have (?:enough|any|access), mentioned, "
    "stated, given, specified, provided, say, specify, mention, answer, determine, confirm, tell, conclude, state, "
    "(?:contain|give|provide|include) (?:any |enough |sufficient |the )?"
    "(?:information|details|context|evidence|answer), "
    "(?:be )?(?:concluded|inferred|determined|answered|known|sure|said|confirmed|verified|told|proven)"
)
_DENYING: Final = re.compile(
    rf"\W{{0,8}}(?:(?P<concluded>{CONCLUDING}|conclusion)\b\W{{0,5}})?"
    r"(?:(?:while|although|though|even though|despite|according to|based on|given|(?P<reason>since|because))\b"
    r"[^,.;]{1,150},\s)?"
    r"(?:(?:we can conclude|it follows|this means|that means) that\s)?"
    r"(?!(?:i|as an|you|please|let|(?:the )?answer)\b)"
    r"(?:(?!\b(?:that|which|who|because|since|as|if|i|but|whether)\b)[^.!?;\n]){1,100}?"
    r"(?:\b(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|must)"
    r"(?: not\b| no longer\b|n't\b)|'s not\b|\bcannot\b"
    r"|\b(?:is|are|was|were|seems) (?:[a-z]{4,14} )?(?:unlikely|improbable)\b)"
    rf"(?! (?:only|just|merely|{_UNKNOWN})\b)"
    r"(?:(?!\b(?:no|not|never|none|nothing|without|if|unless|but|otherwise|until|enough)\b|n't\b"
    rf"|(?:,|\band)\s(?:and\s|is\s)?(?:{CONCLUDING}|making|(?:which )?(?:makes|means|meaning))\b)[^!?;\n]){{1,200}}"
    r"[.!][\"')]{0,2}",
    re.IGNORECASE,
)
_SHORT: Final = 3  # statements of a reply that begins with its answer


def implied_no(statements: Sequence[str]) -> Reading[bool] | None:
    """Return the no that the sentences of a text imply, in plain words; None where they deny nothing."""
    last = _DENYING.fullmatch(statements[-1])
    concludes = last is not None and (last["concluded"] or last["reason"] or len(statements) == 1)
    denying = last if concludes else None
    if denying is None and len(statements) <= _SHORT:
        denying = _DENYING.fullmatch(statements[0])
    return None if denying is None else decision(denying[0], AnswerPlace.STATEMENT, yes=False)
