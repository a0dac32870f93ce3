"""What a formula gives, without the name before it and the unit behind it."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(  # "x =", "f(x) =", "AB =", "\mathbf{v} =", "(x, y) =", "x \in", before the only equality
    r"\s*(?:[A-Za-z](?:_\{?\w\}?|'|\^\{-1\})?(?:\([a-z]\))?|[A-Z][A-Za-z]{1,14}"
    r"|\\(?:mathbf|vec|overline|text|mathrm)\s?\{[A-Za-z]{1,14}\}|\([a-z](?:,\s?[a-z]){1,2}\))"
    r"\s?(?:=|\\in(?![a-z])|∈)\s*(?=[^\s=][^=]*$)"
)
_UNIT: Final = re.compile(
    r"(?<=[\w})])\s{0,3}(?:\\?%|\^\{?\\circ\}?|\\?\s{0,3}\\(?:text|mbox|mathrm)\{[A-Za-z\s]{1,60}\}(?:\^\{?\d\}?)?)$"
    r"|(?:(?<=[π})])|(?<=\\pi))\s(?:square |cubic )?"
    r"(?!(?:or|and|only|plus|minus|times|squared|cubed|factorial|[bmtr]+illion|thousand)$)[A-Za-z]{2,14}(?:\^\{?\d\}?|[²³])?$"
)
_APPROXIMATION: Final = re.compile(r"(?<=\S)\s?(?:\\approx|≈)\s?[^\s].*$")


def bare_formula(text: str) -> str:
    """Return a formula without the name of what it gives, its unit and an approximation: `x = 3 \\text{ cm}` is `3`."""
    text = _APPROXIMATION.sub("", text)
    return _UNIT.sub("", _NAME.sub("", text, count=1) if _NAME.match(text) else text)
