"""Lists of the choices that an answer repeats: which of them it calls right or ticks, and which it only quotes."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.letter_tokens import StandingLetter, standing_letters
from pytest_swarm.scoring.plain_text import MAX_STATEMENT_CHARS
from pytest_swarm.scoring.verdict import AnswerPlace, Reading

_JUDGED_LINE: Final = re.compile(
    r"[\s|*_>#(-]{0,8}(?:(?:option|choice|statement)\s)?(?P<letter>[A-Z])[*_]{0,2}\s?(?:[.):|]"
    r"|[-–—](?=\s))(?:[^\n]*[-–—:|(.→⇒])?"
    r"[\s*_]{0,6}(?:(?:this|that|it) is\s)?(?:(?P<yes>correct|right|true|yes)|incorrect|wrong|false|no|not correct"
    r"|not true)"
    r"\b[^\n]*$",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(
    r"(?:(?:(?<=\n)|^)[(\[]?([A-Z])[)\]]?(?:[.:]|\s[-–—])?|(?<=[.;!?]\s)([A-Z])[.):])\s+"
    r"(?!is wrong|is not|isn't|is incorrect)(?=\S)"
)
_TICK: Final = re.compile("[\u2705\u2713\u2714\u2611\u2190\u2b05]")
_CROSS: Final = re.compile("[\u274c\u2717\u2718\u2716]")
_CHOICE_LINE: Final = re.compile(r"[\W_]{0,12}(?:(?:option|choice)\s)?([A-Z])(?![\w'])", re.IGNORECASE)


def judged_choice(text: str, choices: int) -> Reading[str] | None:
    """The only choice that a list of the choices calls right, where nothing but the list follows; else None."""
    lines = [line for line in text.rstrip().split("\n") if line.strip()]
    judged: list[tuple[str, bool]] = []
    for line in reversed(lines):
        match = _JUDGED_LINE.match(line)
        if match is None:
            break
        judged.append((match["letter"], match["yes"] is not None))
    right = [name for name, is_right in judged if is_right]
    if len(judged) < 2 or len(right) != 1 or ord(right[0]) - ord("A") >= choices:
        return None
    return Reading(values=(right[0],), text=right[0], place=AnswerPlace.STATEMENT)


def ticked_choice(text: str, choices: int) -> Reading[str] | None:
    """The letter of the only line with a check mark; without a value where several lines have one."""
    lines = [line for line in text.split("\n") if _TICK.search(line)]
    names = {match[1]: line.strip() for line in lines if (match := _CHOICE_LINE.match(line))}
    if not names:
        return None
    mixed = any(_CROSS.search(line) for line in lines)  # "A ❌ B ✅"
    valid = not mixed and len(names) == 1 and all(ord(name) - ord("A") < choices for name in names)
    return Reading(values=tuple(names) if valid else (), text=next(iter(names.values())), place=AnswerPlace.STATEMENT)


def lists_choices(words: str, first: StandingLetter) -> bool:
    """Whether a text that begins with a letter goes on with others in the same way: it repeats the choices."""
    start = words[:MAX_STATEMENT_CHARS]
    others = [match[1] or match[2] for match in _LISTED.finditer(start, first.end)]
    if others and ord(others[0]) == ord(first.name) + 1:
        return True
    names = "".join(each.name for each in standing_letters(start) if each.bracketed)
    return first.bracketed and names.startswith("ABC")


def starts_of_quoted_choices(words: str) -> set[int]:
    """Where the letters of lines stand that repeat the choices; one line is an answer, as is a second one of a choice.

    "A. Rome\\nB. Paris\\nC. Madrid\\n\\nB. Paris" ends with an answer.
    """
    starts = [match.start(1) for match in _LISTED.finditer(words) if match[1]]
    first = {words[start]: start for start in reversed(starts)}
    if len(first) < 2:
        return set()
    return set(first.values()) if len(starts) == len(first) + 1 else set(starts)
