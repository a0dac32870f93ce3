"""Tables and sentences as lines of plain text, for a terminal: aligned columns, and whole words."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

_MIN_SENTENCE: Final = 24  # a column that wraps is never narrower
_MIN_NAME: Final = 12  # columns give way before the first cell of a row is cut to less than this


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A heading, whether its cells are aligned right, and how soon it is dropped in a narrow terminal (0 = never).

    The sentences of a column that wraps go on in further lines, so that no name beside them is cut.
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
    """Return aligned lines of at most `width`: gaps shrink, columns are dropped, sentences wrap, the first is cut.

    Args:
        columns: Their heads and alignment.
        rows: As many cells a row.
        width: Columns of the terminal.
    """
    widths = [max([len(col.title), *(len(row[n]) for row in rows)]) for n, col in enumerate(columns)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= width else 1
    over = sum(widths) + gap * (len(widths) - 1) - width
    first = max((column.gives_way for column in columns), default=0)
    if over > max(0, widths[0] - _MIN_NAME) and first > 0:
        kept = [n for n, column in enumerate(columns) if column.gives_way < first]
        return text_table([columns[n] for n in kept], [[row[n] for n in kept] for row in rows], width)
    for n, column in enumerate(columns):
        if column.wraps and over > 0:
            narrow = max(_MIN_SENTENCE, widths[n] - over)
            over, widths[n] = over - (widths[n] - narrow), narrow
    if over > 0:
        widths[0] = max(4, widths[0] - over)
    lines = [line for row in ([column.title for column in columns], *rows) for line in _broken(columns, widths, row)]
    return [_line(columns, widths, cells, " " * gap)[:width].rstrip() for cells in lines]


def _broken(columns: Sequence[TextColumn], widths: Sequence[int], row: Sequence[str]) -> list[tuple[str, ...]]:
    """Return a row as lines of cells: of the columns that wrap, what does not fit stands in the lines below."""
    parts = [
        textwrap.wrap(cell, width) or [""] if column.wraps and len(cell) > width else [cell]
        for column, width, cell in zip(columns, widths, row, strict=True)
    ]
    return list(zip_longest(*parts, fillvalue=""))


def _line(columns: Sequence[TextColumn], widths: Sequence[int], cells: Sequence[str], gap: str) -> str:
    parts: list[str] = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        text = cell if len(cell) <= width else cell[: width - 2] + ".."
        parts.append(text.rjust(width) if column.right else text.ljust(width))
    return gap.join(parts)


def wrapped(text: str, width: int) -> list[str]:
    """Return the whole text in lines of at most `width`, indented by two after the first.

    A word that is longer than a line goes on in the next one.
    """
    return textwrap.wrap(text, max(4, width), subsequent_indent="  ", break_on_hyphens=False)
