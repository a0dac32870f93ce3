"""One spelling of a formula of LaTeX, so that equal forms are compared as one text."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.plain_text import LATEX_FRACTION, LATEX_SPACE, LATEX_TEXT

_TERM: Final = r"\d*(?:\\pi|\\sqrt\{\w{1,9}\}|[a-z])|\d+"
_SPELLINGS: Final = (  # one after the other, of a formula in lower case
    (re.compile(rf",?\s*{LATEX_TEXT}\s*(?:and|or)\s*\}},?"), ","),  # 4, 6, \text{ and } 14
    (re.compile(r"\\(ne|le|ge)q(?![a-z])"), r"\\\1"),
    (re.compile(r"\\times(?![a-z])"), r"\\cdot"),
    (re.compile(r"\\begin\{[pb]matrix\}"), r"\\matrix["),
    (re.compile(r"(?:\\\\\s*)?\\end\{[pb]matrix\}"), "]"),
    (re.compile(r"(\\\\)\[\d{1,3}(?:pt|ex|em|mm)\]"), r"\1"),  # the height of a row
    (re.compile(rf"\\(?:left|right|bigg?[lr]?|displaystyle)(?![a-z])|{LATEX_SPACE}|\s"), ""),
    (re.compile(LATEX_FRACTION), r"\\frac"),
    (re.compile(r"\\[dt]binom"), r"\\binom"),
    (re.compile(r"\\frac([0-9])([0-9])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\sqrt([\da-z])(?![\da-z])"), r"\\sqrt{\1}"),
    (re.compile(rf"(?<![\w\\^_.}})/])({_TERM})/(\d{{1,9}})(?![\w./^])"), r"\\frac{\1}{\2}"),
    (re.compile(r"(?<![\w})])\\frac\{-(\w{1,9})\}"), r"-\\frac{\1}"),
    (re.compile(r"(?<=\d)\\cdot(?=\\|[a-z(])"), ""),
    (re.compile(r"(?<=[(,])\+(?=\\infty)"), ""),
    (re.compile(r"\^(?:\\circ|\{\\circ\})"), ""),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(rf"{LATEX_TEXT}([^{{}}]{{0,200}})\}}"), r"\1"),
)
_SET: Final = re.compile(r"\\\{([^{}()\[\]]{0,500})\\\}")


def one_formula(text: str) -> str:
    """Return a formula in lower case in one of its spellings: no spaces, one kind of fraction, sets in order."""
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return _SET.sub(lambda found: rf"\{{{','.join(sorted(found[1].split(',')))}\}}", text)
