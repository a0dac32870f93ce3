"""One spelling of a formula, of LaTeX or of plain signs, so that equal forms are compared as one text."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.plain_text import LATEX_FRACTION, LATEX_SPACE, LATEX_TEXT

_MAX_CHARS: Final = 2000  # of a formula
_GREEK: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
    "upsilon phi chi psi omega"
)
_SIGNS: Final = {
    "infty": "∞",
    "cup": "\u222a",
    "cap": "∩",
    "in": "∈",
    "pm": "±",
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "times": "\u00d7",
    "to": "→",
    "land": "\u2227",
    "lor": "\u2228",
    **{name: chr(ord("\u03b1") + number) for number, name in enumerate(_GREEK.split())},
}
_SIGN_NAME: Final = re.compile(rf"\s?\\(?:({'|'.join(_SIGNS)})|(le|ge|ne)q(?:slant)?)(?![a-z])\s?")
_DISPLAYED: Final = re.compile(r"\\\[((?:(?!\\[\[\]]).){1,1000})\\\]|\$\$([^$]{1,1000})\$\$", re.DOTALL)
_INLINE: Final = re.compile(r"(?<![\\\w$])\$(?![\s$])([^$]{1,300})(?<![\s\\])\$(?![\d$])|\\\(([^()]{1,300})\\\)")
_FUNCTION: Final = "(?:log|ln|sin|cos|tan|sqrt)"
_WORD: Final = re.compile(rf"\b(?!{_FUNCTION}\b)[^\W\d_π]{{2}}")
_PLAIN: Final = re.compile(
    r"[/^√\u222a∩∈±≤≥≠\u00d7→\u2227\u2228]|[<>]=|\d°(?=[,)\]}]|$)"
    r"|\s-\s|\d\s?[+*]\s?\w|\w\s?\+\s?\d|\b(?:[a-z]|sqrt)\(|^\{[^{}\"':]{1,300}\}$"
)
_PART: Final = r"\{(?:[^{}]|\{[^{}]{0,40}\}){0,100}\}"
_TERM: Final = rf"\d{{0,9}}(?:\\sqrt{_PART}|[a-z\u03b1-\u03c9])|\d{{1,9}}"
_DIVISOR: Final = rf"\\sqrt{_PART}|[a-z\u03b1-\u03c9]|\d{{1,9}}"  # what 1/2x means is not clear
_SUM: Final = r"(?:\d{0,9}[a-z\u03b1-\u03c9]?)\([^(),]{1,60}\)"  # (x+1)
_SPELLINGS: Final = (  # one after the other, of a formula in lower case
    (re.compile(r"^\{([^{}]*)\}$"), r"\\{\1\\}"),  # a set without backslashes
    (re.compile(rf",?\s*{LATEX_TEXT}\s*(?:and|or)\s*\}}(?![^,]{{0,60}}[<>≤≥]),?"), ","),  # 4, 6, \text{ and } 14
    (re.compile(rf"\\({_FUNCTION[3:-1].removesuffix('|sqrt')})(?![a-z])"), r"\1"),
    (re.compile(r"(?<![a-z])(?<![a-z]\s)\u00d7|\u00d7(?=\s?\d)|(?<=\d)\s?\*"), r"\\cdot"),  # a \times b is no ab
    *((re.compile(f"{sign}="), one) for sign, one in zip("<>", "≤≥", strict=True)),
    (re.compile(r"([_^])(\d{1,9})\s(?=\d)"), r"\1{\2}"),  # \log_2 3
    (re.compile(rf"\\(?:left|right|bigg?[lr]?|displaystyle)(?![a-z])|{LATEX_SPACE}|(?<!\d)\s|\s(?!\d)"), ""),
    (re.compile(r"\\begin\{[pb]matrix\}|[(\[]\\begin\{array\}\{[clr|]{1,9}\}"), r"\\matrix["),
    (re.compile(r"(?:\\\\)?(?:\\end\{[pb]matrix\}|\\end\{array\}[)\]])"), "]"),
    (re.compile(r"(\\\\)\[\d{1,3}(?:pt|ex|em|mm)\]"), r"\1"),  # the height of a row
    (
        re.compile(r"√(?:(\d{1,9}|[a-z\u03b1-\u03c9])|\(([^()]{1,60})\))|(?<!\\)sqrt\(([^()]{1,60})\)"),
        r"\\sqrt{\1\2\3}",
    ),
    (re.compile(r"\\sqrt([\da-z\u03b1-\u03c9])(?![\da-z\u03b1-\u03c9])"), r"\\sqrt{\1}"),
    (re.compile(r"\^\(([^()]{1,60})\)"), r"^{\1}"),
    (re.compile(LATEX_FRACTION), r"\\frac"),
    (re.compile(r"\\[dt]binom"), r"\\binom"),
    (re.compile(rf"\\frac({_PART}|[\da-z\u03b1-\u03c9])([\da-z\u03b1-\u03c9])"), r"\\frac\1{\2}"),
    (re.compile(r"\\frac([\da-z\u03b1-\u03c9])(?=\{)"), r"\\frac{\1}"),
    (
        re.compile(rf"(?<![\w\\^_.)}}/])({_TERM}|{_SUM})/({_DIVISOR}|{_SUM})(?![\w./^(]|\\(?!\\))"),
        r"\\frac{\1}{\2}",
    ),
    (re.compile(r"(?<=\{)\(([^(){}]{1,60})\)(?=\})"), r"\1"),  # \frac{(x+1)}{2}
    (re.compile(rf"(?<![\w)}}])\((\\frac{_PART}{_PART})\)(?!\^)"), r"\1"),
    (re.compile(rf"(?<![\w}})])\\frac\{{-({_TERM})\}}"), r"-\\frac{\1}"),
    (
        re.compile(
            rf"(?<![\w}})])\\frac\{{(?:1|(\d{{1,9}}))\}}(\{{\d{{1,9}}\}})((?:(?:\\sqrt{_PART}|[a-z\u03b1-\u03c9])(?:\^\d)?){{1,9}})(?![\w^_{{(\\])"
        ),
        r"\\frac{\1\3}\2",
    ),
    (re.compile(r"(?<=[\da-z\u03b1-\u03c9)}])\\cdot(?=\\|[a-z\u03b1-\u03c9(])"), ""),
    (re.compile(r"(?:^|(?<=[(,=]))\+"), ""),
    (re.compile(r"\^(?:\\circ|\{\\circ\})|(?<=\d)°(?=[,)\]}]|$)"), ""),
    (re.compile(r"(?<=\d)\s(?=\\frac)"), ""),  # 1 1/2
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(rf"{LATEX_TEXT}([^{{}}]{{0,200}})\}}"), r"\1"),
)
_SIDE: Final = re.compile(r"([,=])")
_SUMMAND: Final = re.compile(
    rf"[+-]?(?:\^-?|\\[a-z]{{2}}|[^-+^(){{}}\[\]\\,=<>|≤≥≠→±\u222a∩∈&]|{_PART}|{_SUM}){{1,60}}"
)
_SET: Final = re.compile(r"\\\{([^{}()\[\]]{0,500})\\\}")


def without_delimiters(text: str) -> str:
    r"""Return a text without the signs around the formulas in it: `$x$ and \(y\)` is `x and y`; "$5" stays."""
    if "$" not in text and "\\" not in text:
        return text
    return _INLINE.sub(lambda found: found[1] or found[2], _DISPLAYED.sub(lambda found: found[1] or found[2], text))


def with_formulas_in_lines(text: str) -> str:
    """Return a text with each displayed formula, which may take several lines, in one line."""
    return _DISPLAYED.sub(lambda found: found[0].replace("\n", " "), text) if "\\[" in text or "$$" in text else text


def is_formula(text: str) -> bool:
    """Return whether a text in lower case is a formula: it has a sign of LaTeX, or a plain one and no words."""
    if len(text) > _MAX_CHARS:
        return False
    return "\\" in text or (_PLAIN.search(text) is not None and not _WORD.search(text))


def one_formula(text: str) -> str:
    """Return a formula in lower case in one of its spellings: without spaces, its sums and sets in order."""
    text = _SIGN_NAME.sub(lambda found: _SIGNS[found[1] or found[2]], text)
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    if text.count("±") == 1 and "," not in text:
        text = f"{text.replace('±', '+')},{text.replace('±', '-')}".removeprefix("+")
    text = "".join(map(_sum_in_order, _SIDE.split("\u222a".join(sorted(text.split("\u222a"))))))
    if text.count("=") == 1 and "," not in text:
        text = "=".join(sorted(text.split("=")))
    return _SET.sub(lambda found: rf"\{{{','.join(sorted(found[1].split(',')))}\}}", text)


def _sum_in_order(text: str) -> str:
    """The text with its summands in order, where it is a sum with a sign that no name or number has."""
    summands = _SUMMAND.findall(text) if re.search(r"[+^\\\u03b1-\u03c9]", text) else []
    if len(summands) < 2 or "".join(summands) != text:
        return text
    return "".join(sorted(each if each[0] in "+-" else f"+{each}" for each in summands))
