"""Reading the text of an answer: thinking, Markdown fences, and a limit on length.

One reader for all scorers, so that a fenced answer is understood everywhere in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_ANSWER_CHARS: Final = 200_000  # far above any real answer; keeps every scorer's time bounded
_FENCE: Final = re.compile(r"^[ \t>]{0,12}(`{3,}|~{3,})[ \t]*([^\s`]{0,40})[^`\n]{0,200}$")
_THINK_END: Final = "</think>"
_THINK_START: Final = "<think>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block: the word after the opening fence in lower case ("" where none), and what is inside."""

    language: str
    text: str


def readable(answer: str) -> str:
    """The part of an answer that counts: without a leading <think>...</think>, at most MAX_ANSWER_CHARS from the end.

    Thinking that never ends leaves an empty answer: the model did not come to one.
    """
    head, end, tail = answer.rpartition(_THINK_END)
    if end and _THINK_START in head:
        answer = tail
    elif answer.lstrip().startswith(_THINK_START):
        answer = ""
    return answer[-MAX_ANSWER_CHARS:].strip()


def fences(text: str) -> tuple[Fence, ...]:
    """The outermost fenced blocks of a Markdown text, in order.

    As in CommonMark, a block ends at a fence of the same sign that is at least as long and carries no language, so a
    longer fence can hold shorter ones. A shorter one *with* a language inside a block opens a nested block, which
    models write though CommonMark has no such thing; its end does not end the outer block. A block that is never
    closed runs to the end.
    """
    found: list[Fence] = []
    inside: list[str] = []
    mark, language, depth = "", "", 0
    for line in text.splitlines():
        match = _FENCE.match(line)
        if not mark:
            if match:
                mark, language, depth = match[1], match[2].lower(), 0
            continue
        if match and match[1].startswith(mark):
            if match[2]:
                depth += 1
            elif depth:
                depth -= 1
            else:
                found.append(Fence(language=language, text="\n".join(inside)))
                mark, inside = "", []
                continue
        inside.append(line)
    if mark:
        found.append(Fence(language=language, text="\n".join(inside)))
    return tuple(found)


def unfenced(text: str) -> str:
    """What a text says that is nothing but one fenced block; any other text as it is."""
    blocks = fences(text)
    lines = text.strip().splitlines()
    if len(blocks) == 1 and lines and _FENCE.match(lines[0]) and len(blocks[0].text.splitlines()) >= len(lines) - 2:
        return blocks[0].text.strip()
    return text.strip()
