"""What a formula gives, without the name before it and the unit behind it."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(  # "x =", "f(x) =", "(x, y) =", "x \in", before the only sign of equality
    r"\s*(?:[A-Za-z](?:\([a-z]\))?|\([a-z](?:,\s?[a-z]){1,2}\))\s?(?:=|\\in(?![a-z]))\s*(?=[^\s=][^=]*$)"
)
_UNIT: Final = re.compile(
    r"(?<=[\w})])\s{0,3}(?:\\?%|\^\{?\\circ\}?|\\?\s{0,3}\\(?:text|mbox|mathrm)\{[A-Za-z\s]{1,60}\}(?:\^\{?\d\}?)?)$"
)


def bare_formula(text: str) -> str:
    """Return a formula without the name of what it gives and without its unit: `x = 3 \\text{ cm}` is `3`."""
    return _UNIT.sub("", _NAME.sub("", text, count=1) if _NAME.match(text) else text)
