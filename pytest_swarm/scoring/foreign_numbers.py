"""Small whole numbers in words of German, French and Spanish, and in Chinese characters."""

from __future__ import annotations

import re
from typing import Final

_GERMAN: Final = (
    "null - zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn zwanzig"
)
_FRENCH: Final = (
    "zéro - deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf vingt"
)
_SPANISH: Final = (
    "cero - dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte"
)
_NAMES: Final = {
    word: value
    for language in (_GERMAN, _FRENCH, _SPANISH)
    for value, word in enumerate(language.split())
    if word not in ("-", "once", "six")  # "-": one is an article; the others are English words too
}
_WORD: Final = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(_NAMES, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)
_TENS: Final = {
    "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70,
    "achtzig": 80, "neunzig": 90,
    "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
    "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
}  # fmt: skip
_ONES: Final = {name: value for name, value in _NAMES.items() if value < 10} | {
    "ein": 1,
    "un": 1,
    "une": 1,
    "uno": 1,
    "six": 6,
}
_COMPOUND: Final = re.compile(
    rf"(?<![\w-])(?:(?P<one>{'|'.join(_ONES)})und(?P<ten>{'|'.join(_TENS)})"
    rf"|(?P<tens>{'|'.join(_TENS)})(?:(?:-|\set\s|\sy\s)(?P<ones>{'|'.join(_ONES)}))?)(?![\w-])",
    re.IGNORECASE,
)
_DIGITS: Final = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "\u3007": 0}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_CHINESE: Final = re.compile(r"[零〇一二两三四五六七八九十百千]{1,12}(?:万[零〇一二两三四五六七八九十百千]{0,12})?")
_MEASURE: Final = re.compile(r"[个個只隻本张張元块塊天年岁歲人次米斤分小公厘千]|[\s\u3002.!\uff01,\uff0c]|$")


def with_foreign_digits(text: str) -> str:
    """Return the text with its numbers in words of these languages as digits; "one" stays, as it is an article too."""
    text = _COMPOUND.sub(_compound, text)
    text = _WORD.sub(lambda match: str(_NAMES[match[0].lower()]), text)
    return _CHINESE.sub(lambda match: _chinese(match[0], text, match.end()), text)


def _compound(match: re.Match[str]) -> str:
    """The digits of "einundzwanzig", "vingt et un", "treinta y cinco" or "dreißig"."""
    tens, ones = match["ten"] or match["tens"], match["one"] or match["ones"]
    return str(_TENS[tens.lower()] + (_ONES[ones.lower()] if ones else 0))


def _chinese(numeral: str, text: str, end: int) -> str:
    """The digits of a numeral; the numeral itself where it may be part of a word, such as 一共 (in all)."""
    if numeral == "一" or (len(numeral) == 1 and _MEASURE.match(text, end) is None):
        return numeral
    if numeral[0] == "一" and len(numeral) > 1 and numeral[1] in "一二三四五六七八九":
        return numeral
    high, ten_thousand, low = numeral.rpartition("万")
    return str(_group(high) * 10_000 + _group(low)) if ten_thousand else str(_group(numeral))


def _group(numeral: str) -> int:
    """The value of a numeral below ten thousand."""
    total, digit = 0, 0
    for character in numeral:
        if character in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[character], 0
        else:
            digit = _DIGITS[character]
    return total + digit
