"""Values as Go's standard library reads and prints them: base64 with its error position, numbers, quoted texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_QUANTUM: Final = 4  # characters that are decoded together
_PADDING: Final = ord("=")
_LEAST_EXPONENT, _FIRST_EXPONENT = -4, 6  # numbers outside this range are written with an exponent
_ESCAPES: Final = {
    **dict(zip("\a\b\f\n\r\t\v", map("\\".__add__, "abfnrtv"), strict=True)),
    **{each: f"\\{each}" for each in ('"', "\\")},
}
_HALF_32, _HALF_64 = 2**31, 2**63
_LARGEST_FLOAT32: Final = 3.4028235677973366e38  # half a step above it rounds to infinity
_FIRST_NOT_ASCII: Final = 0x80
_FIRST_LONG: Final = 0x10000
_NAMES: Final = {str: "string", bool: "bool", int: "float64", float: "float64", list: "[]interface {}"}


class JsonNumber(float):
    """A number that is no whole one of 64 bits, with the text that it has in a request: Go's messages quote it.

    A number that is too large for 64 bits is infinite.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> JsonNumber:
        """Return the number of a text that is valid JSON."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def base64_fault(text: str) -> int | None:
    """Return the position at which Go rejects a base64 text; None if the text is valid. Line ends do not count."""
    data = text.encode()
    places = [at for at, byte in enumerate(data) if byte not in b"\r\n"]
    count = 0  # characters of the present quantum
    for order, at in enumerate(places):
        if data[at] in _ALPHABET:
            count = (count + 1) % _QUANTUM
            continue
        if data[at] != _PADDING or count < 2:
            return at
        return _padding_fault(data, places, order, count)
    return None if count == 0 else len(data) - count


def _padding_fault(data: bytes, places: list[int], order: int, count: int) -> int | None:
    """Return the fault behind the first padding character, which is number `order` and follows `count` others."""
    end = order + (_QUANTUM - count)
    if end > len(places):
        return len(data)
    if any(data[at] != _PADDING for at in places[order:end]):
        return places[end - 1] - 1
    return None if end == len(places) else places[end]


def go_quoted(text: str) -> str:
    """Return a text in quotes, as Go prints it with `%q`."""
    return f'"{"".join(map(_quoted_character, text))}"'


def _quoted_character(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    if code < _FIRST_NOT_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _FIRST_LONG else f"\\U{code:08x}"


def overflows_float32(number: float) -> bool:
    """Return whether a number is infinite in 32 bits."""
    return abs(number) > _LARGEST_FLOAT32


def go_int(value: float) -> int:
    """Return a number as Go converts it to an int on x86-64: one beyond 64 bits becomes the smallest."""
    return int(value) if -_HALF_64 <= value < _HALF_64 else -_HALF_64


def int32(value: int) -> int:
    """Return what is left of a whole number in 32 bits."""
    return (value + _HALF_32) % (2 * _HALF_32) - _HALF_32


def go_number(value: float) -> str:
    """Return a number as Go prints a float64 with `%v`: shortest digits, an exponent for large and small ones."""
    number = Decimal(repr(float(value))).normalize()
    exponent = number.adjusted()
    if number == 0 or _LEAST_EXPONENT <= exponent < _FIRST_EXPONENT:
        return f"{number:f}"
    digits = "".join(map(str, number.as_tuple().digits))
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{'-' if value < 0 else ''}{mantissa}e{exponent:+03d}"


def go_type(value: object) -> str:
    """Return the name of a decoded JSON value's type, as Go prints it with `%T`."""
    if value is None:
        return "<nil>"
    return _NAMES.get(float if isinstance(value, JsonNumber) else type(value), "map[string]interface {}")
