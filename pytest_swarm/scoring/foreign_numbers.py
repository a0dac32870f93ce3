"""Numbers in words of German, French, Spanish and Chinese, as digits: "einhundertfünf", "deux tiers", "十二"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GERMAN: Final = _words(
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
)
_GERMAN_TENS: Final = _words("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
_FRENCH: Final = _words(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
)
_FRENCH_TENS: Final = _words("vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt")
_SPANISH: Final = _words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
)
_SPANISH_TENS: Final = _words("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_SPANISH_HUNDREDS: Final = _words(
    "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
)
_ONLY_ALONE: Final = frozenset({"eins", "uno", "mil", "mille"})
_ALSO_WORDS: Final = _ONLY_ALONE | {"ein", "un", "six", "once", "cent"}  # articles and English words
_THOUSANDS: Final = frozenset({"mil", "mille", "tausend"})
_PARTS: Final = {
    "halb": 2, "halbe": 2, "drittel": 3, "viertel": 4, "fünftel": 5, "achtel": 8, "zehntel": 10, "tiers": 3, "quart": 4,
    "quarts": 4, "cinquième": 5, "cinquièmes": 5, "tercio": 3, "tercios": 3, "cuarto": 4, "cuartos": 4, "quinto": 5,
    "quintos": 5,
}  # fmt: skip
_AMOUNTS: Final = re.compile(
    r"(?<!\w)(?:(?P<dozen>(?:ein|une|una) (?:dutzend|douzaine|docena))|(?P<half>die hälfte|la moitié|la mitad)"
    r"|(?P<more>anderthalb|eineinhalb))(?!\w)",
    re.IGNORECASE,
)
_MAX_WORDS: Final = 6  # "quatre cent quatre-vingt-dix-sept"
_WORD: Final = re.compile(r"[^\W\d_]+")

_CHINESE_DIGITS: Final = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "两": 2,
    "\u3007": 0,
}
_CHINESE_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_CHINESE_NUMERAL: Final = "[零〇一二两三四五六七八九十百千]"
_CHINESE_SHARE: Final = re.compile(rf"(?P<of>{_CHINESE_NUMERAL}{{1,12}})分之(?P<share>{_CHINESE_NUMERAL}{{1,12}})")
_CHINESE: Final = re.compile(rf"{_CHINESE_NUMERAL}{{1,12}}(?:万{_CHINESE_NUMERAL}{{0,12}})?")
_MEASURE: Final = re.compile(r"[个個只隻本张張元块塊天年岁歲人次米斤分小公厘千]|[\s\u3002.!\uff01,\uff0c]|$")


def with_foreign_digits(text: str) -> str:
    """Return the text with its numbers in these languages as digits; "one" stays, which is an article too."""
    text = _AMOUNTS.sub(lambda match: "12" if match["dozen"] else "1/2" if match["half"] else "1.5", text)
    parts, start = [], 0
    for begin, end, digits in _phrases(text):
        parts += [text[start:begin], digits]
        start = end
    text = "".join((*parts, text[start:]))
    return _CHINESE.sub(_chinese_digits, _CHINESE_SHARE.sub(_chinese_share, text))


@cache
def _below_thousand() -> Mapping[str, int]:
    """The numbers up to 999 by their words, with a space between these."""
    names: dict[str, int] = {"eins": 1, "cien": 100}
    for value in range(1000):
        for name in (_german(value), _french(value), _spanish(value)):
            names[name.replace("-", " ")] = value
        if 100 <= value < 200:
            names[_german(value).removeprefix("ein")] = value
    return MappingProxyType(names)


def _german(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    below = _GERMAN[rest] if rest < 20 else (f"{_GERMAN[ones]}und" if ones else "") + _GERMAN_TENS[tens - 2]
    ending = "s" if rest == 1 and hundreds else ""
    return f"{_GERMAN[hundreds]}hundert{below if rest else ''}{ending}" if hundreds else below


def _french(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    if rest < 20:
        below = _FRENCH[rest]
    else:
        ones += 10 if tens in (7, 9) else 0
        et = " et " if ones in (1, 11) and tens < 8 else "-"
        below = _FRENCH_TENS[tens - 2] + (et + _FRENCH[ones] if ones else "s" if tens == 8 else "")
    many = "" if hundreds == 1 else f"{_FRENCH[hundreds]} "
    return f"{many}cent{f' {below}' if rest else 's' if many else ''}" if hundreds else below


def _spanish(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    below = _SPANISH[rest] if rest < 30 else _SPANISH_TENS[tens - 3] + (f" y {_SPANISH[ones]}" if ones else "")
    return f"{_SPANISH_HUNDREDS[hundreds - 1]}{f' {below}' if rest else ''}" if hundreds else below


def _phrases(text: str) -> Iterator[tuple[int, int, str]]:
    """Where the numbers of the first three languages begin and end in a text, and their digits."""
    words = list(_WORD.finditer(text))
    no_numbers = _ALSO_WORDS if len(words) > 1 else _ALSO_WORDS - _ONLY_ALONE
    at = 0
    while at < len(words):
        value, after = _number(text, words, at)
        if value is None or (
            words[at][0] == "null" and not text[: words[at].start()].rstrip()[-1:].isalpha()
        ):  # JSON's
            at += 1
            continue
        parts = _PARTS.get(words[after][0].lower()) if after < len(words) else None
        if parts is not None:
            yield words[at].start(), words[after].end(), f"{value}/{parts}"
            after += 1
        elif after - at > 1 or words[at][0].lower() not in no_numbers:
            yield words[at].start(), words[after - 1].end(), str(value)
        at = after


def _number(text: str, words: list[re.Match[str]], at: int) -> tuple[int | None, int]:
    """The number whose words begin at a place, with its thousands, and the place after it."""
    value, after = _hundreds(text, words, at)
    if after < len(words) and words[after][0].lower() in _THOUSANDS:
        rest, end = _hundreds(text, words, after + 1)
        return (1 if value is None else value) * 1000 + (rest or 0), end if rest is not None else after + 1
    if value is None and "tausend" in words[at][0].lower():
        high, _, low = words[at][0].lower().partition("tausend")
        names = _below_thousand()
        if (not high or high in names) and (not low or low in names):
            return names.get(high, 1) * 1000 + names.get(low, 0), at + 1
    return value, after


def _hundreds(text: str, words: list[re.Match[str]], at: int) -> tuple[int | None, int]:
    """The number up to 999 with the most words from a place on, and the place after it."""
    names = _below_thousand()
    for end in range(min(len(words), at + _MAX_WORDS), at, -1):
        phrase = text[words[at].start() : words[end - 1].end()].lower().replace("-", " ")
        if phrase in names:
            return names[phrase], end
    return None, at


def _chinese_share(match: re.Match[str]) -> str:
    share = _chinese_value(match["share"])
    return f"{share}%" if match["of"] == "百" else f"{share}/{_chinese_value(match['of'])}"


def _chinese_digits(match: re.Match[str]) -> str:
    """The digits of a numeral; the numeral itself where it may be part of a word, such as 一共 (in all)."""
    numeral = match[0]
    if numeral == "一" or (len(numeral) == 1 and _MEASURE.match(match.string, match.end()) is None):
        return numeral
    if numeral[0] == "一" and len(numeral) > 1 and numeral[1] in "一二三四五六七八九":
        return numeral
    high, ten_thousand, low = numeral.rpartition("万")
    return str(_chinese_value(high) * 10_000 + _chinese_value(low) if ten_thousand else _chinese_value(numeral))


def _chinese_value(numeral: str) -> int:
    """The value of a numeral below ten thousand."""
    total, digit = 0, 0
    for character in numeral:
        if character in _CHINESE_UNITS:
            total, digit = total + (digit or 1) * _CHINESE_UNITS[character], 0
        else:
            digit = _CHINESE_DIGITS[character]
    return total + digit
