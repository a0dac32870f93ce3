"""Foreign text and tables in GitHub's Markdown: nothing that a file or a model wrote is live."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pytest_swarm.report.wording import one_line

_SPECIAL: Final = re.compile(r"[\\`*_\[\]|~$]")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LIVE: Final = re.compile(r"(@|#|:(?=//)|www(?=[.]))")  # GitHub makes a mention, a reference or a link of these


def escaped(text: str) -> str:
    """Return foreign text that Markdown shows as it is: no markup, no HTML, no line break, no mention and no link."""
    return inert(one_line(text, 600))


def inert(line: str) -> str:
    """Return a line in which nothing is live."""
    plain = "".join(_HTML.get(char, char) for char in line)
    return _LIVE.sub(r"\1<!-- -->", _SPECIAL.sub(r"\\\g<0>", plain))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return the lines of a table. Every cell is escaped.

    Args:
        head: The cells of the head.
        rows: Rows of as many cells.
        left: How many columns are aligned left; the others are aligned right.
    """
    marks = [":---" if n < left else "---:" for n in range(len(head))]
    return [_row(head), f"| {' | '.join(marks)} |", *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"
