"""Numbers as people and models write them: one pattern, and what a match of it is worth.

`simplified` brings the many spellings (LaTeX, typographic signs, superscripts) to one; `numbers_in` reads that.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.scoring.plain_text import INVISIBLE, LATEX_FRACTION, LATEX_SPACE, LATEX_TEXT, without_cjk_edges

_THIN: Final = "\u2009"
_MAX_EXPONENT: Final = 400  # beyond, no float holds the power of any whole base
_SCALES: Final = {
    "thousand": 1e3, "ten thousand": 1e4, "million": 1e6, "hundred million": 1e8, "billion": 1e9, "trillion": 1e12,
    "dozen": 12,
}  # fmt: skip
_FOREIGN_SCALES: Final = {  # in German, French, Spanish, Italian, Portuguese, Chinese and Japanese
    "tausend": "thousand", "tsd": "thousand", "mil": "thousand", "mille": "thousand", "mila": "thousand",
    **dict.fromkeys(
        ("million", "millionen", "mio", "millions", "millón", "millones", "milione", "milioni", "milhão", "milhões"),
        "million",
    ),
    **dict.fromkeys(("milliarde", "milliarden", "mrd", "milliard", "milliards", "miliardo", "miliardi"), "billion"),
    "万": "ten thousand", "億": "hundred million", "亿": "hundred million",
}  # fmt: skip
_FOREIGN_SCALE: Final = re.compile(
    rf"(?<=\d)(?:[ {_THIN}]?(?P<sign>[万億亿])|[ {_THIN}](?P<word>{'|'.join(_FOREIGN_SCALES)})(?!\w)\.?)", re.IGNORECASE
)
_LETTER_SCALES: Final = {"k": "thousand", "m": "million", "b": "billion"}
_SCALE_LETTER: Final = re.compile(  # $5M and 3k, but "3 m" may be meters
    r"(?<![\w.,-])((?P<money>[$€£¥₹]\s?)?\d[\d,.]{0,20})((?(money)[kmb]|k))(?!\w)", re.IGNORECASE
)
_VULGAR: Final = {sign: unicodedata.normalize("NFKC", sign).replace("⁄", "/") for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"}
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SIGNS: Final = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u202f\u2007\u2008\u200a\u2006", _THIN),
        **INVISIBLE,
        **dict.fromkeys("\u200c\u200d"),
        **dict.fromkeys("’ʼ′", "'"),
        "⁄": "/",
        "∕": "/",
        "％": "%",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    }
)
_LATEX: Final = (
    (re.compile(r"\{,\}"), ","),
    (re.compile(rf"{LATEX_SPACE} ?|(?<!~)~(?!~)"), _THIN),
    (re.compile(r"\\([$%#&])"), r"\1"),
    (re.compile(rf"{LATEX_TEXT}(?:([^{{}}]{{0,100}})\}})?"), r" \1 "),
    (re.compile(LATEX_FRACTION), r"\\frac"),
    (re.compile(r"\\pm\b|\+/-"), "±"),
    (re.compile(r"(?<=\d)\.(\d{0,9})\\overline\s?\{?(\d{1,9})\}?"), lambda match: f".{match[1]}{match[2] * 15}"),
)
_FRACTION: Final = re.compile(
    r"(?:(?P<glued>\d)\s?)?\\frac\s?(?:\{\s?(?P<sign>[-+]?)\s?(?P<over>\d[\d,.]{0,20})\s?\}|(?P<digit>\d))\s?"
    r"(?:\{\s?(?P<under>\d[\d,.]{0,20})\s?\}|(?P<low>\d))"
)
_SUPERSCRIPT: Final = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]{1,5}")
_VULGAR_SIGN: Final = re.compile(rf"(?:(\d)[ {_THIN}]?)?([{''.join(_VULGAR)}])")
_CITATION: Final = re.compile(r"(?<=[\w.%)])\[\d{1,3}\]|(?<=\d) \[\d{1,3}\]")
_SPACED_THOUSANDS: Final = re.compile(r"(?<![\d.,] )(?<![\w.,])\d{1,3}(?: \d{3}){2,}(?![\w]| \d)")
_ONE_SPACE: Final = re.compile(  # 1 500, but not "3 100-watt bulbs"
    r"(?<![\d.,)/*+x×-] )(?<![\w.,/^-])[1-9]\d{0,2} \d{3}(?![\w]|(?!,\d{1,2}(?![\d,]))[.,/]\d| \d| ?[-+*/×=])"
)
_DECIMAL_COMMA: Final = re.compile(  # 1.500,00 and 12,5, but not "1,2,3" and (3,4)
    r"(?<![\w.,(\[{^-])(?:\d{1,3}(?:\.\d{3})+|\d{1,9}),(?:\d{1,2}|\d{4,15})(?![\w,)\]}-]|\.\d)"
)
_RARE: Final = re.compile(  # what the three of them need
    r"\d(?: \d{3}|,(?:\d{1,2}|\d{4,15})|-\d\d-\d\d|[./]\d{1,2}[./]\d{4})(?!\d)"
)
_DATE: Final = re.compile(  # 1969-07-20, 20.07.1969 and 7/20/1969
    r"(?<![\w-])([12]\d{3})-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])(?![\w-])"
    r"|(?<![\w./])(?:0?[1-9]|[12]\d|3[01])(?P<sign>[./])(?:0?[1-9]|[12]\d|3[01])(?P=sign)([12]\d{3})(?![\w/])"
)
_ODDS: Final = re.compile(  # "the odds are 1 in 4", "a 3 out of 8 chance"
    r"(?P<said>\b(?:probability|chances?|odds|likelihood)\b[^.\n\d]{1,60})"
    r"(?P<times>\d{1,9}) (?:in|out of) (?P<of>\d{1,9})\b"
    r"|\b(?P<some>\d{1,9})[ -](?:in|out of)[ -](?P<all>\d{1,9})(?=[ *]{1,3}(?:chance|probability|likelihood)\b)"
)
_EMPHASIS: Final = re.compile(r"(?<!\w)_{1,40}(?=[^\s_])")

_WHOLE: Final = (
    rf"(?:\d{{1,3}}(?:,{_THIN}?\d{{3}})+(?!\d)|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?!\d)"
    rf"|\d{{1,3}}(?:{_THIN}\d{{3}})+(?!\d)|\d{{1,3}}(?:'\d{{3}})+(?!\d)|\d{{1,3}}(?:_\d{{3}})+(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,}(?!\d|\.\d)|\d++)"
)
_NUMBER: Final = re.compile(
    r"(?<![\w^±])(?<![^#]#)(?<!± )(?<!\^[-+{])(?<!\^\{[-+])(?<!\d\.)(?<!sqrt\{)(?<!√)(?<!\}\{)"
    rf"(?:(?P<sign>(?<![\w)\]}}])[-+]|(?<![\w)\]}}])(?<!\d[ {_THIN}])–)"
    rf"(?:(?=[$€£¥₹\d.])|(?:(?<=[=:(].)|(?<=[=:(]\s.))[ {_THIN}](?=[$€£¥₹\d.])))?"
    rf"(?:[$€£¥₹][ {_THIN}]?(?P<late>-?))?"
    rf"(?P<base>{_WHOLE}(?:\.\d++)?|\.\d++)"
    r"(?:(?P<mixed>[ \u2009](?:and )?(?P<num>\d{1,3})/(?P<den>\d{1,3})(?![\d/]))"
    r"|(?:\^\{?|(?<=\d)\*\*(?=-?\d))(?P<exponent>[-+]?\d{1,5})\}?"
    r"|[eE](?P<e>[-+]?\d{1,4})(?![\w])"
    r"|\s?(?:[x×*·]|\\times|\\cdot)\s?10\s?(?:\^|\*\*)\s?\{?(?P<power>[-+]?\d{1,4})\}?)?"
    r"(?:[ \u2009]?/[ \u2009]?(?P<divisor>\d{1,20}(?:\.\d{1,20})?)(?![\d/]|\.\d))?"
    r"(?!\s?(?:\\sqrt|√|\\pi\b|π))"
    rf"(?:(?P<percent>[ \u2009]?%|[ \u2009]per ?cent\b)|[ \u2009](?P<scale>{'|'.join(_SCALES)})\b)?"
)
_POINT_THOUSANDS: Final = re.compile(rf"[-–]?(?:€[ {_THIN}]?)?[1-9]\d{{0,2}}\.\d{{3}}")  # 12.500 € and 12.500 euros
_MONEY: Final = re.compile(
    rf"(?:,-{{1,2}})?[ {_THIN}]?(?:€|(?:euros?|eur|pesos|reais|rupiah|lira|kr)\b)", re.IGNORECASE
)
_NEGATIVE_WORD: Final = re.compile(
    r"(?:negative\s|(?:(?:^|[=:(,]|\b(?:is|be|equals|to|of|answer))\s?)minus\s)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenNumber:
    """A number in a text: what it may mean, best first, and its place in the simplified text."""

    values: tuple[float, ...]
    text: str
    start: int
    end: int


def simplified(text: str) -> str:
    """Return the text with one spelling for each sign, space, fraction and power."""
    text = without_cjk_edges(_FOREIGN_SCALE.sub(_english_scale, text.translate(_SIGNS)))
    if "\\" in text or "{,}" in text or "~" in text or "+/-" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
        text = _FRACTION.sub(_fraction, text)
    text = _SPACED_THOUSANDS.sub(lambda match: match[0].replace(" ", _THIN), text)
    if _RARE.search(text):
        text = _DATE.sub(
            lambda match: match[1] or match[3], _ONE_SPACE.sub(lambda match: match[0].replace(" ", _THIN), text)
        )
        text = _DECIMAL_COMMA.sub(lambda match: match[0].replace(".", "").replace(",", "."), text)
    text = _SCALE_LETTER.sub(lambda match: f"{match[1]} {_LETTER_SCALES[match[3].lower()]}", text)
    text = _ODDS.sub(_share, text)
    text = text.replace("<sup>", "^").replace("</sup>", "")
    text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
    text = _VULGAR_SIGN.sub(lambda match: (f"{match[1]} " if match[1] else "") + _VULGAR[match[2]], text)
    return _EMPHASIS.sub("", _CITATION.sub("", text))


def numbers_in(text: str) -> Iterator[WrittenNumber]:
    """The numbers of a simplified text, in order."""
    for match in _NUMBER.finditer(text):
        values = _values(match, text)
        yield WrittenNumber(
            values=values, text=match[0].strip().replace(_THIN, " "), start=match.start(), end=match.end()
        )


def _english_scale(match: re.Match[str]) -> str:
    return f" {_FOREIGN_SCALES[(match['sign'] or match['word']).lower()]}"


def _share(match: re.Match[str]) -> str:
    return f"{match['said'] or ''}{match['times'] or match['some']}/{match['of'] or match['all']}"


def _fraction(match: re.Match[str]) -> str:
    glued = f"{match['glued']} " if match["glued"] else ""
    over, under = match["over"] or match["digit"], match["under"] or match["low"]
    return f"{glued}{match['sign'] or ''}{over}/{under}"


def _values(match: re.Match[str], text: str) -> tuple[float, ...]:
    base = _plain(match["base"])
    value = float(base)
    if match["mixed"]:
        over, under = int(match["num"]), int(match["den"])
        if over < under and "." not in base:
            value += over / under
        else:
            value = math.nan if under == 0 else over / under
    elif match["exponent"]:
        value = _power(value, int(match["exponent"]))
    elif match["e"] or match["power"]:
        value = float(f"{base}e{int(match['e'] or match['power'])}")
    if match["divisor"]:
        divisor = float(match["divisor"])
        value = value / divisor if divisor else math.nan
    if match["sign"] in ("-", "–") or match["late"] == "-" or _negative_word(match, text):
        value = -value
    if match["percent"]:
        return (value, value / 100)
    if _POINT_THOUSANDS.fullmatch(match[0]) and ("€" in match[0] or _MONEY.match(text, match.end())):
        return (value * 1000, value)
    return (value * _SCALES[match["scale"].lower()], value) if match["scale"] else (value,)


def _negative_word(match: re.Match[str], text: str) -> bool:
    return _NEGATIVE_WORD.search(text, max(0, match.start() - 20), match.start()) is not None


def _power(base: float, exponent: int) -> float:
    if abs(exponent) > _MAX_EXPONENT:
        return math.nan
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return math.nan


def _plain(digits: str) -> str:
    """The digits of a number for `float`: without the signs between thousands."""
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    for sign in (",", "'", "_", _THIN):
        digits = digits.replace(sign, "")
    return digits
