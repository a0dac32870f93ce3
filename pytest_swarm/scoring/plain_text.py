"""The words of a text, without Markdown, HTML and LaTeX dress."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_swarm.scoring.fences import without_fence_lines

LATEX_TEXT: Final = r"\\(?:text(?:bf|it|tt)?|math(?:rm|bf|sf|it|tt)|mbox|operatorname|boldsymbol)\s?\{"
"""The start of what LaTeX sets as text or in another font."""

LATEX_SPACE: Final = r"(?<!\\)\\[,!;: ]"
"""A space of LaTeX, which may stand between thousands: `1\\,500`; no end of a row, `\\\\ 3`."""

LATEX_FRACTION: Final = r"\\[dtc]frac(?![a-zA-Z])"
"""A fraction of another size than `\\frac`."""

_WRAPPED: Final = re.compile(rf"{LATEX_TEXT}([^{{}}\n]{{0,500}})\}}")
_LATEX: Final = re.compile(rf"\\[()\[\]]|\\left\b|\\right\b|{LATEX_SPACE}|\$")
_EMPHASIS: Final = re.compile(r"\*{1,3}(?=[^\s*])([^*\n]{1,300})\*{1,3}")
_UNDERSCORES: Final = re.compile(r"(?<!\w)_{1,3}(?=\S)|(?<=[^\s_])_{1,3}(?!\w)")
_LINE_START: Final = re.compile(r"^[ \t]{0,8}(?:[-*+•][ \t]{1,4}|#{1,6}[ \t]{1,4}|>[ \t]?){1,4}", re.MULTILINE)
_HTML: Final = re.compile(r"</?(?:b|i|u|p|em|strong|span|div|br|code|h[1-6])\s?/?>", re.IGNORECASE)
INVISIBLE: Final = dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks without a width or of the direction of writing, each with None; joiners, which emoji need, are none of them."""

_QUOTES: Final = str.maketrans(
    {
        **INVISIBLE,
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "’": "'",
        "‘": "'",
        "`": None,
        "\uff08": "(",
        "\uff09": ")",
    }
)
_SPACES: Final = re.compile(r"[^\S\n]{200,}")
_BLANK_LINES: Final = re.compile(r"\n(?:[^\S\n]*\n){20,}")
_SENTENCE_END: Final = re.compile(r"[.!?…](?=[\s\"')\]]|$)|\n")
_BROKEN_OFF: Final = re.compile(  # "So we multiply 3 by", "12 * 3 =", "Option A says that"
    r"(?:[+×·÷/=]|\s[*x-]|\b(?:and|or|but|by|to|(?<!is )that|which|because|if|than|plus|minus|times|to get|we get"
    r"|the|an?|(?:is|are|was|were)(?: about)?|has|have|had|he|she|we|they))\s*\Z",
    re.IGNORECASE,
)
_MAX_END_CHARS: Final = 300  # of which 200 may be space
MAX_STATEMENT_CHARS: Final = 2000  # of a statement or an ending, so many characters are looked at
_CJK: Final = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uff0f\uff1a-\uff20"
_CJK_EDGE: Final = re.compile(rf"(?<=[{_CJK}])(?=[\w$(-])(?![{_CJK}])|(?<=[\w)%])(?<![{_CJK}])(?=[{_CJK}])")


def without_cjk_edges(text: str) -> str:
    """The text with a space where Chinese, Japanese or Korean characters touch others: they write none."""
    return _CJK_EDGE.sub(" ", text)


def with_short_gaps(text: str) -> str:
    """Return the text with at most 200 spaces and 20 line ends in a row, since a pattern may go back over them."""
    return _BLANK_LINES.sub("\n" * 20, _SPACES.sub(" " * 200, text))


def plain_words(text: str) -> str:
    """Return the text with its emphasis, headings, list marks, fences and LaTeX wrappers taken off."""
    text = _HTML.sub("", without_fence_lines(text)).translate(_QUOTES)
    if "\\" in text or "$" in text:
        text = _LATEX.sub("", _WRAPPED.sub(r"\1", text))
    text = _LINE_START.sub("", text)
    return _UNDERSCORES.sub("", _EMPHASIS.sub(r"\1", text)).strip()


def first_statement(text: str) -> str:
    """Return the first sentence or line of a text that has words in it; "" where none has."""
    return next(_sentences(text), "")


def breaks_off(text: str, position: int) -> bool:
    """Return whether a text ends in the sentence of a position, with a sign or word after which it must go on."""
    end = max(position, len(text) - _MAX_END_CHARS)
    return _SENTENCE_END.search(text, position) is None and _BROKEN_OFF.search(text, end) is not None


def statements(text: str, *, limit: int) -> list[str]:
    """Return the sentences and lines of a text that have words in them, at most `limit`, from the end."""
    return list(_sentences(text[-limit * 400 :]))[-limit:]


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in (*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)):
        part = text[start:end].strip()
        if any(char.isalnum() for char in part):
            yield part
        start = end
