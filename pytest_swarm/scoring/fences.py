"""Fenced blocks of a Markdown text, as CommonMark defines them and as models really write them.

Beyond CommonMark: a block with a language may stand inside another one of the same length, an opening fence may follow
words on its line, and a closing fence may be glued to the last line of code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_MAX_INDENT: Final = 3  # of a fence, relative to the list item that holds it
_MAX_NESTED_ITEMS: Final = 8  # on one line
_FENCE: Final = re.compile(r"(`{3,}|~{3,})[ \t]*([^`\n]{0,400})$")
_FENCE_LINE: Final = re.compile(
    r"^[ \t>]{0,12}(?:[-*+][ \t]{1,4}|\d{1,3}[.)][ \t]{1,4})?(?:`{3,}|~{3,})[^`\n]{0,400}$", re.MULTILINE
)
_QUOTE: Final = re.compile(r"(?: {0,3}>[ ]?){1,8}")
_ITEM: Final = re.compile(r"([ \t]{0,20})(?:[-*+]|\d{1,3}[.)])([ \t]{1,4})(?=\S)")
_OPENED_LATE: Final = re.compile(r"[^`\n]{1,400}[^`\s]\s?(`{3,})([A-Za-z][\w+#-]{0,39})\s?$")
_ONE_LINE: Final = re.compile(r"\s{0,3}(`{3,})(?:(python3?|py)\s)?([^`\n]+)\1\s{0,3}$", re.IGNORECASE)
_GLUED_END: Final = re.compile(r"([^`\n]*[^`\s])\s{0,3}(`{3,})\s{0,3}$")
_LANGUAGE: Final = re.compile(r"\{?\.?([A-Za-z][\w+#-]{0,39})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block: its language in lower case ("" where none is named), and the text inside."""

    language: str
    text: str


@dataclass(slots=True)
class _OpenBlock:
    """A block that is being read: its fence, its indent, the offset of its list item, and the lines so far."""

    mark: str
    language: str
    indent: int
    offset: int
    quoted: bool
    depth: int = 0
    lines: list[str] = field(default_factory=list)

    def closed(self) -> Fence:
        return Fence(language=self.language, text="\n".join(self.lines))


@lru_cache(maxsize=8)  # the scorers of one answer ask for the same text
def fences(text: str) -> tuple[Fence, ...]:
    """Return the outermost fenced blocks of a Markdown text, in order.

    A block ends at a fence of the same sign that is at least as long, carries no language and is indented by at most
    three spaces within its list item: a fence inside a docstring does not end the code around it. A block that is
    never closed runs to the end. Lines end at line feeds only, because U+2028 may stand in a string.
    """
    found: list[Fence] = []
    block: _OpenBlock | None = None
    offsets: list[int] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if block is None:
            whole = _ONE_LINE.match(line)
            if whole:
                found.append(Fence(language=(whole[2] or "").lower(), text=whole[3].strip()))
                continue
            block = _opened(line, offsets)
            continue
        if _feed(block, line):
            found.append(block.closed())
            block = None
    if block is not None:
        found.append(block.closed())
    return tuple(found)


def without_fence_lines(text: str) -> str:
    """Return the text without the lines that open or close a fenced block."""
    return _FENCE_LINE.sub("", text)


def before_first_fence(text: str) -> str:
    """Return the text before the first line that opens or closes a fenced block."""
    line = _FENCE_LINE.search(text)
    return text if line is None else text[: line.start()]


def unfenced(text: str) -> str:
    """Return what a text says that is nothing but one fenced block; any other text as it is."""
    text = text.strip()
    blocks = fences(text)
    if len(blocks) == 1 and _FENCE_LINE.match(text.split("\n", 1)[0]):
        rest = text.count("\n") + 1 - len(blocks[0].text.split("\n"))
        if rest <= 2:  # the two fences
            return blocks[0].text.strip()
    return text


def _opened(line: str, offsets: list[int]) -> _OpenBlock | None:
    """The block that a line opens; `offsets` are those of the list items around it, kept up to date."""
    quote = _QUOTE.match(line)
    rest = line[quote.end() :] if quote else line
    if not rest.strip():
        return None
    indent = _indent(rest)
    while offsets and indent < offsets[-1]:
        offsets.pop()
    for _ in range(_MAX_NESTED_ITEMS):
        item = _ITEM.match(rest)
        if item is None or indent - (offsets[-1] if offsets else 0) > _MAX_INDENT:
            break
        offsets.append(len(item[0].expandtabs(4)))
        rest = " " * offsets[-1] + rest[item.end() :]
        indent = offsets[-1]
    offset = offsets[-1] if offsets else 0
    match = _FENCE.match(rest.lstrip())
    if match and indent - offset <= _MAX_INDENT:
        return _OpenBlock(match[1], _language(match[2]), indent, offset, quote is not None)
    late = _OPENED_LATE.match(rest)
    return _OpenBlock(late[1], late[2].lower(), 0, 0, quoted=False) if late else None


def _feed(block: _OpenBlock, line: str) -> bool:
    """Whether the line ends the block; any other line is added to it."""
    quote = _QUOTE.match(line) if block.quoted else None
    rest = line[quote.end() :] if quote else line
    match = _FENCE.match(rest.lstrip())
    if match and match[1].startswith(block.mark) and _indent(rest) - block.offset <= _MAX_INDENT:
        if match[2].strip():
            block.depth += 1
        elif block.depth:
            block.depth -= 1
        else:
            return True
    glued = _GLUED_END.match(rest) if not match and not block.depth else None
    if glued and glued[2].startswith(block.mark):
        block.lines.append(_dedented(glued[1], block.indent))
        return True
    block.lines.append(_dedented(rest, block.indent))
    return False


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _dedented(line: str, indent: int) -> str:
    """The line without up to `indent` of its leading spaces."""
    if indent and line[:1] == "\t":
        line = line.expandtabs(4)
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]


def _language(info: str) -> str:
    """The language that a fence's info string names: "python" for `python`, `py:solution.py`, `solution.py`."""
    if re.search(r"\.py\b", info):
        return "python"
    match = _LANGUAGE.match(info.strip())
    return "" if match is None else match[1].lower()
