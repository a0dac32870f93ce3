"""The items of a list that a text gives, in one line with commas between."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.domain.bare_formula import bare_formula
from pytest_swarm.scoring.asides import without_offers
from pytest_swarm.scoring.fences import unfenced
from pytest_swarm.scoring.patterns import DENIAL
from pytest_swarm.scoring.plain_text import LATEX_TEXT
from pytest_swarm.scoring.same_text import undressed

LIST_MARK: Final = re.compile(
    r"^\s{0,6}(?:>\s?(?=[\w\"*`#+-])){0,3}(?:(?:#{1,6}|[-*+•]|\d{1,2}[.)]|\(?[A-Za-z]\))\s+)?"
)
"""What stands before an item that has a line of its own."""

_MAX_CHARS: Final = 4000
_DENIED: Final = re.compile(DENIAL, re.IGNORECASE)
_ITEM: Final = re.compile(r"\"([^\"]{1,200})\"|'([^']{1,200})'")
_ITEMS: Final = re.compile(rf"\[\s*(?:(?:{_ITEM.pattern})\s*(?:,\s*|(?=\])))*\]\s*\.?")
_ITEM_JOINT: Final = re.compile(  # "4, 6, and 14", "x = 1 or x = 2", but not "1 or 2"
    rf",?\s?{LATEX_TEXT}\s?(?:and|or)\s?\}},?|,\s?(?:and\s)?|\s(?:and|&|or(?=\s[a-z]\s?=))\s"
)


def bare_items(text: str) -> str:
    """Return the items of a list in one line, each without its name and unit: `x = 1 or x = 2` is "1, 2"."""
    return ", ".join(bare_formula(undressed(item)) for item in _ITEM_JOINT.split(undressed(text)))


def list_in_one_line(text: str) -> str:
    """Return the items of a list that ends a text, one a line or in JSON: `["a", "b"]` is "a, b"."""
    text = unfenced(without_offers(text))
    if text.startswith("["):
        items = _ITEM.findall(text) if _ITEMS.fullmatch(text, 0, _MAX_CHARS) else []
        return ", ".join(one or other for one, other in items)
    lines = [line for line in text[-_MAX_CHARS:].split("\n") if line.strip()]
    start = next((number for number, line in enumerate(lines, 1) if line.rstrip(" *_").endswith(":")), 0)
    if any(_DENIED.search(line) for line in lines[:start]):  # "Not these:"
        return ""
    items = [undressed(LIST_MARK.sub("", line)) for line in lines[start:]]
    return ", ".join(items) if len(items) > 1 else ""
