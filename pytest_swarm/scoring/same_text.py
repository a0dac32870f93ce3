"""When two texts are the same but for their spelling: dress, case, spaces, kinds of signs, LaTeX."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pytest_swarm.scoring.formulas import is_formula, one_formula
from pytest_swarm.scoring.plain_text import INVISIBLE

_WRAPPERS: Final = (
    *zip("*_`\"'$“‘«„", "*_`\"'$”’»“", strict=True),
    *(("['", "']"), ('["', '"]'), ("\\(", "\\)"), ("\\[", "\\]")),
    *((f"\\{name}{{", "}") for name in ("text", "textbf", "mathrm", "boxed")),
    *((f"<{name}>", f"</{name}>") for name in ("em", "strong", "b", "i")),
)
_SIGNS: Final = str.maketrans(
    {**INVISIBLE, "’": "'", "‘": "'", "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2044": "/"}
)
_THOUSANDS: Final = re.compile(r"(?<![\w.,(\[{])\d{1,3}(?:,\d{3})+(?![\w)\]}]|[.,]\d)")  # no list such as (1,200)
_SPACED_SIGN: Final = re.compile(  # "(1, 2)" is "(1,2)", but "] ]" is not "]]"
    r"(?<=[,;])\s|(?<=[()\[\]{}=+*/^<>|])\s(?=[\w-])|(?<=\w)\s(?=[()\[\]{},;=+*/^<>|])|(?<=\d)\s(?=%|:\s?\d)|(?<=\d\s:)\s(?=\d)"
)
_MONTH: Final = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_WEEKDAY: Final = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s(?=[a-z]{3} \d{1,2}, \d{4}\b)")
_DATES: Final = (  # both are July 4, 1776
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH},?\s(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>\d{{4}})\b", re.IGNORECASE),
)
_AMOUNTS: Final = (  # $1,200.00 and 1,200 dollars are $1,200, and 75 percent is 75%
    (re.compile(r"([$€£]\d[\d,]*)\.00(?!\d)"), r"\1"),
    (re.compile(r"(?<![\w.,$])(\d[\d,]*(?:\.\d+)?)\s(?:US\s)?dollars?\b", re.IGNORECASE), r"$\1"),
    (re.compile(r"(?<![\w.,€])(\d[\d.,]*?)\s?(?:€|euros?\b|EUR\b)(?!\w)", re.IGNORECASE), r"€\1"),
    (re.compile(r"(?<=\d)\s?per\s?cent\b", re.IGNORECASE), "%"),
)
_TITLE: Final = re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs)\.", re.IGNORECASE)
_MOUNT: Final = re.compile(r"\bMt\.?\s(?=[A-Z])")
_LETTER: Final = re.compile(r"\(([a-z])\)")
_BRACED: Final = re.compile(r"([_^])\{(?:(-?\d{1,9})\}(?!\d)|([a-z])\}(?!\w))")  # 2516_{8} is 2516_8
_SUPERSCRIPT: Final = re.compile(r"[⁰¹²³⁴-⁹⁻]+")  # x² is x^2, where NFKC makes it x2
_POWER_OF_UNIT: Final = re.compile(r"(?<=m)\^(?=[23](?![\w^]))")  # cm², cm^2, cm2
_UNIT_SPACE: Final = re.compile(r"(?<=\d)\s(?=[^\W\d_])")  # 42 kg is 42kg
_INITIALS: Final = re.compile(r"(?<![\w.])(?:[A-Z]\.\s?){2,8}(?=\W|$|(?<=\s))", re.IGNORECASE)  # T. S. Eliot, D.C.
_MAX_WRAPPERS: Final = 4  # around each other
_STOPS: Final = ".!,;:。"
_ARTICLE: Final = re.compile(r"(?:the|an?)\s+(?=\S)")
_SYMBOLS: Final = re.compile(
    r"^[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\s]+|[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\s]+$"
)


def normalized(text: str) -> str:
    """Return a text as it is compared: Unicode's NFKC form, lower case, single spaces, none beside brackets and signs.

    Emphasis and quotes around it, a leading article and stops at its end are taken off, unless nothing would be left.
    """
    text = one_spelling(text).casefold()
    text = undressed(without_symbols(_WEEKDAY.sub("", text)) or text)
    text = _BRACED.sub(r"\1\2\3", _UNIT_SPACE.sub("", _SPACED_SIGN.sub("", text)))
    if is_formula(text):
        text = undressed(one_formula(text))
    if letter := _LETTER.fullmatch(text):
        return letter[1]
    return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text


def without_symbols(text: str) -> str:
    """Return the text without marks and emoji at its ends."""
    return _SYMBOLS.sub("", text)


def one_spelling(text: str) -> str:
    """Return a text in Unicode's NFKC form, with one spelling of spaces, signs, thousands, dates and initials."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _SUPERSCRIPT.sub(r"^\g<0>", text)).translate(_SIGNS)
    text = _POWER_OF_UNIT.sub("", " ".join(text.split()))
    if text.isalpha():
        return text
    for pattern in _DATES:
        text = pattern.sub(_one_date, text)
    text = _INITIALS.sub(lambda match: re.sub(r"\.\s?(?!$)|\.", "", match[0]), text)
    text = _MOUNT.sub("Mount ", _TITLE.sub(r"\1", text))
    for pattern, replacement in _AMOUNTS:
        text = pattern.sub(replacement, text)
    return _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)


def _one_date(match: re.Match[str]) -> str:
    """A date in one of its spellings: 21 February 2026 is Feb 21, 2026."""
    return f"{match['month'][:3]} {int(match['day'])}, {match['year']}"


def undressed(text: str) -> str:
    """Return the text without emphasis and quotes around it and without stops at its end, unless nothing is left."""
    for _ in range(_MAX_WRAPPERS):
        bare = _bare(text)
        if bare == text:
            break
        text = bare
    return text


def _bare(text: str) -> str:
    """The text without one pair of signs around it, and without stops at its end."""
    text = (text.rstrip(_STOPS + " ") or text).strip()
    if text[:1].isalnum():  # as no wrapper begins
        return text
    for start, end in _WRAPPERS:
        if len(text) > len(start) + len(end) and text.startswith(start) and text.endswith(end):
            inner = text[len(start) : -len(end)].strip()
            if inner and end not in inner.strip(end):
                return inner
    return text
