"""What a text says beside its answer: notes and checks after it, offers of help, and the next question of a quiz."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import Final

from pytest_swarm.scoring.patterns import CONCLUDING, one_of
from pytest_swarm.scoring.plain_text import with_short_gaps

_MARKS: Final = r"[\s*_#>(\[-]{0,8}"
_NOTE: Final = re.compile(
    rf"\n{_MARKS}(?:step \d{{1,2}}\s?[:.]\s?)?(?:check|verification)\s?:|\n[ \t]*\n{_MARKS}"
    + one_of(
        "note, notes, nb, n\\.b\\., p\\.s\\., ps, explanation, reasoning, reason, rationale, verification, to verify, "
        "to check, to double-check, let's verify, let me verify, let's check, let's double-check, confidence, remark, "
        "breakdown, disclaimer, sources?, references?, caveat, fun fact, tip"
    )
    + r"\b",
    re.IGNORECASE,
)
_INLINE_CHECK: Final = re.compile(  # "So x = 8. To verify, substitute back: 2(8) = 16."
    r"(?<=[.!])\s(?:(?:to|let['’]s|let me|we can) (?:verify|check|double-check)"
    r"|(?:verification|(?:double-)?check(?:ing)?):)",
    re.IGNORECASE,
)
_CONCLUDED: Final = re.compile(rf"\b(?:{CONCLUDING}|wrong|incorrect|actually)\b", re.IGNORECASE)
_CONCLUSION: Final = re.compile(
    rf"\n\W{{0,8}}(?:{CONCLUDING}|in total|the total|final|altogether|this means)\b", re.IGNORECASE
)
_CONFIDENCE: Final = re.compile(rf"\n{_MARKS}confidence\b[^\n]{{0,40}}$", re.IGNORECASE)
_REASON: Final = re.compile(
    rf"\n{_MARKS}(?:reason|reasoning|explanation|justification|rationale|why)\b[*_]{{0,2}}\s?:[^\n]*\s*\Z",
    re.IGNORECASE,
)
_OFFER: Final = re.compile(
    r"(?:^|(?<=[.!?\n)*`\"']))\s*(?:let me know|i hope|hope (?:this|that)|feel free|if you (?:need|have|want|would|'d)"
    r"|is there anything|please let|would you like|do you want|shall i|should i|can i help|want me to|do you need"
    r"|have a (?:nice|great)|i can (?:also )?(?:show|explain|help|provide|walk)"
    r"|(?:is there )?anything else|(?:how|what) (?:else )?(?:can|may|could) i|any (?:other|more|further) questions"
    r"|does (?:that|this) (?:help|make sense))\b[^\n]{0,200}$",
    re.IGNORECASE,
)
_QUESTION: Final = r"[ \t]*(?:\*\*|#{1,4} )?(?:Q|Question|Problem)\s?\d{0,3}\s?[:.]"
_NEXT_QUESTION: Final = re.compile(rf"\n[ \t]*\n\s*{_QUESTION}")
_QUESTION_LINE: Final = re.compile(rf"\n{_QUESTION}")  # without a blank line before it, two of them make a quiz
_MAX_OFFERS: Final = 3
_TAIL_CHARS: Final = 500
_LIST_MARKS: Final = re.compile(  # "2. " and "**Step 2:** " at the start of a line are no numbers
    r"^(?P<before>[ \t*_#>-]{0,8})(?:(?P<mark>\d{1,2})[.)]|step\s(?P<step>\d{1,2})\s?[:.])(?=[*_]{0,2}(?:\s|$))",
    re.IGNORECASE | re.MULTILINE,
)


def before_next_question(text: str) -> str | None:
    """Return what stands before a further question that a model went on to write; None where there is none."""
    first, second = [*islice(_QUESTION_LINE.finditer(text), 2), None, None][:2]
    found = first if second is not None else _NEXT_QUESTION.search(text)
    before = "" if found is None else text[: found.start()].rstrip()
    return None if not before or before.endswith(":") else before


def without_offers(text: str) -> str:
    """Return the text without sentences at its end that address the reader: "Would you like ...?", "I hope ..."."""
    for _ in range(_MAX_OFFERS):
        head, tail = text[:-_TAIL_CHARS], text[-_TAIL_CHARS:]
        shorter = (head + _OFFER.sub("", tail)).rstrip()
        if shorter == text or not shorter:
            break
        text = shorter
    return text


def without_notes(text: str) -> str:
    """Return the text up to a paragraph that explains or checks what stands before it, and comes to no conclusion."""
    found = _NOTE.search(text)
    if found is not None and _CONCLUSION.search(text, found.end()) is None:
        text = text[: found.start()]
    check = _INLINE_CHECK.search(text)
    if check is not None and _CONCLUDED.search(text, check.end()) is None:
        text = text[: check.start()]
    return without_confidence(text)


def without_confidence(text: str) -> str:
    """Return the text without a last line that says how sure the model is."""
    return _CONFIDENCE.sub("", text)


def without_reason(text: str) -> str:
    """Return the text without last lines that give the reason of the answer before them, or say how sure it is."""
    text = without_confidence(text)
    shorter = _REASON.sub("", text)
    return without_confidence(shorter) if shorter.strip() else text


def without_list_marks(text: str) -> str:
    """Return the text without the marks of a list of steps or items: at least two of them, which count on."""
    marks = [int(match["mark"] or match["step"]) for match in _LIST_MARKS.finditer(text)]
    counts_on = any(one + 1 == other for one, other in pairwise(marks))
    return with_short_gaps(_LIST_MARKS.sub(lambda match: match["before"], text)) if counts_on else text
