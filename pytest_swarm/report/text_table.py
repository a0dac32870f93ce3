"""Tables and sentences as lines of plain text, for a terminal: aligned columns, and whole words."""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

_MIN_NAME: Final = 12  # columns give way before the first cell of a row is cut to less than this
_MIN_PROSE: Final = 24  # and before sentences are wrapped in less than this
_LEAST_NAME, _LEAST_PROSE = 4, 12  # what they come to where nothing else gives way
_SECOND: Final = "\ufdd0"  # the second column of a wide character while a text is wrapped; never a character of a text


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column, and what becomes of it in a narrow terminal.

    Attributes:
        title: The heading.
        right: Whether its cells are aligned right.
        gives_way: How soon it is dropped (0 = never).
        wraps: Whether its cells are sentences, which go on in the next line before anything else is cut or dropped.
    """

    title: str
    right: bool = True
    gives_way: int = 0
    wraps: bool = False


def columns_under(head: Sequence[str], *, left: int = 1) -> list[TextColumn]:
    """Return the columns under a head, of which none gives way: the first `left` aligned left, the others right."""
    return [TextColumn(title=title, right=n >= left) for n, title in enumerate(head)]


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return the lines of a table of any width, whose first row is its head.

    Args:
        rows: As many cells a row.
        left: How many columns are aligned left; the others are aligned right.
    """
    return text_table(columns_under(rows[0], left=left), rows[1:], sys.maxsize)


def text_table(columns: Sequence[TextColumn], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return aligned lines of at most `width`.

    Sentences wrap first, then gaps shrink, then columns are dropped, then sentences wrap in less and the first column
    is cut, and at last columns are dropped from the end. No other cell is ever cut.

    Args:
        columns: Their heads and alignment.
        rows: As many cells a row.
        width: Columns of the terminal.
    """
    widths = [max(map(columns_of, [col.title, *(row[n] for row in rows)])) for n, col in enumerate(columns)]
    for n, column in enumerate(columns):
        if column.wraps:
            room = width - sum(widths) - 2 * (len(widths) - 1) + widths[n]
            widths[n] = min(widths[n], max(_MIN_PROSE, room))
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= width else 1
    over = sum(widths) + gap * (len(widths) - 1) - width
    first = max((column.gives_way for column in columns), default=0)
    if over > max(0, widths[0] - _MIN_NAME) and first > 0:
        kept = [n for n, column in enumerate(columns) if column.gives_way < first]
        return text_table([columns[n] for n in kept], [[row[n] for n in kept] for row in rows], width)
    prose = [n for n, column in enumerate(columns) if column.wraps]
    for n, least in (*((n, _LEAST_PROSE) for n in prose), (0, _LEAST_NAME)):
        cut = max(0, min(over, widths[n] - least))
        widths[n] -= cut
        over -= cut
    if over > 0 and len(columns) > 1:  # half a figure is another figure
        return text_table(columns[:-1], [row[:-1] for row in rows], width)
    lines = [line for row in ([column.title for column in columns], *rows) for line in _unfolded(columns, widths, row)]
    return [_cut(_line(columns, widths, cells, " " * gap), width).rstrip() for cells in lines]


def _unfolded(columns: Sequence[TextColumn], widths: Sequence[int], row: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of a row: one, and as many more as its longest sentence needs."""
    cells = [
        wrapped(cell, width, indent="") if column.wraps else [cell]
        for column, width, cell in zip(columns, widths, row, strict=True)
    ]
    return zip_longest(*cells, fillvalue="")


def _line(columns: Sequence[TextColumn], widths: Sequence[int], cells: Sequence[str], gap: str) -> str:
    parts: list[str] = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        text = cell if columns_of(cell) <= width else _cut(cell, width - 2) + ".."
        room = " " * (width - columns_of(text))
        parts.append(room + text if column.right else text + room)
    return gap.join(parts)


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a wide character, none for a combining one."""
    return len(text) if text.isascii() else sum(map(_columns_of_character, text))


def _columns_of_character(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _cut(text: str, width: int) -> str:
    """Return as much of the beginning of a text as fits into so many columns."""
    taken = 0
    for n, character in enumerate(text):
        taken += _columns_of_character(character)
        if taken > width:
            return text[:n]
    return text


def wrapped(text: str, width: int, *, indent: str = "  ") -> list[str]:
    """Return the whole text in lines of at most `width`, indented after the first.

    A word that is longer than a line goes on in the next one.
    """
    room = max(4, width)
    spread = "".join(each + _SECOND if _columns_of_character(each) == 2 else each for each in text)
    if spread != text:
        room = max(4, width - 1)  # a line may end between a wide character and its second column
    lines = textwrap.wrap(spread, room, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(_SECOND, "") for line in lines]
