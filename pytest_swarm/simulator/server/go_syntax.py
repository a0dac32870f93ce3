"""The message with which Go's JSON decoder refuses a text: the first byte that does not fit, and where it stands.

Follows the states of `encoding/json`'s scanner. Values are decoded elsewhere.
"""

from __future__ import annotations

from typing import Final

_BLANKS: Final = b" \t\r\n"
_DIGITS: Final = b"0123456789"
_HEX: Final = b"0123456789abcdefABCDEF"
_ESCAPES: Final = b'bfnrt\\/"'
_LITERALS: Final = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_VALUE: Final = "looking for beginning of value"
_KEY: Final = "looking for beginning of object key string"
_FIRST_CONTROL: Final = 0x20
_PRINTABLE_FROM: Final = 0xA1
_SOFT_HYPHEN: Final = 0xAD
_SHORT: Final = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\", 39: "\\'"}
MAX_DEPTH: Final = 200
"""Levels that are read: Go reads 10,000, and Python may not."""


def syntax_fault(text: bytes, *, whole: bool = False) -> str | None:
    """Return why Go refuses a text as JSON; None where its first value is valid.

    Args:
        text: The text.
        whole: Whether nothing may follow that value.
    """
    scanner = _Scanner(text, end="unexpected end of JSON input" if whole else "unexpected EOF")
    try:
        scanner.value()
        if whole:
            scanner.nothing_more()
    except _FaultError as fault:
        return str(fault)
    return None


class _FaultError(Exception):
    """A text that is not JSON; the message is Go's."""


class _Scanner:
    """Reads a text from its beginning; raises at the first byte that does not fit."""

    def __init__(self, text: bytes, *, end: str) -> None:
        self._text = text
        self._end = end
        self._at = 0

    def value(self) -> None:
        """Read a value, with the blanks before it. Open brackets are a list here, so that no depth is too much."""
        open_brackets: list[str] = []
        while True:
            closing = self._opened(len(open_brackets))
            if closing is not None:
                open_brackets.append(closing)
                continue
            while open_brackets and self._ends(open_brackets[-1]):
                open_brackets.pop()
            if not open_brackets:
                return
            if open_brackets[-1] == "}":
                self._key()

    def nothing_more(self) -> None:
        """Read the blanks behind a value, up to the end."""
        self._skip_blanks()
        if self._at < len(self._text):
            raise self._fault("after top-level value")

    def _opened(self, depth: int) -> str | None:
        """Read a value that holds none, and return None; or what opens one, and return what closes it."""
        found = self._after_blanks()
        if found in (ord("{"), ord("[")):
            if depth == MAX_DEPTH:
                raise self._fault("exceeded max depth")
            closing = "}" if found == ord("{") else "]"
            self._at += 1
            if self._after_blanks() != ord(closing):
                if closing == "}":
                    self._key()
                return closing
            self._at += 1
        elif found == ord('"'):
            self._string()
        elif found in _LITERALS:
            self._literal(_LITERALS[found])
        elif found == ord("-") or found in _DIGITS:
            self._number()
        else:
            raise self._fault(_VALUE)
        return None

    def _key(self) -> None:
        if self._after_blanks() != ord('"'):
            raise self._fault(_KEY)
        self._string()
        if self._after_blanks() != ord(":"):
            raise self._fault("after object key")
        self._at += 1

    def _ends(self, closing: str) -> bool:
        """Read what follows a value in brackets: return True for the end, False for a comma."""
        found = self._after_blanks()
        if found not in (ord(closing), ord(",")):
            raise self._fault("after array element" if closing == "]" else "after object key:value pair")
        self._at += 1
        return found == ord(closing)

    def _string(self) -> None:
        self._at += 1
        while (found := self._byte()) != ord('"'):
            if found < _FIRST_CONTROL:
                raise self._fault("in string literal")
            self._at += 1
            if found == ord("\\"):
                self._escape()
        self._at += 1

    def _escape(self) -> None:
        found = self._byte()
        if found != ord("u") and found not in _ESCAPES:
            raise self._fault("in string escape code")
        self._at += 1
        for _ in range(4 if found == ord("u") else 0):
            if self._byte() not in _HEX:
                raise self._fault("in \\u hexadecimal character escape")
            self._at += 1

    def _literal(self, word: bytes) -> None:
        for wanted in word:
            if self._byte() != wanted:
                raise self._fault(f"in literal {word.decode()} (expecting '{chr(wanted)}')")
            self._at += 1

    def _number(self) -> None:
        if self._byte() == ord("-"):
            self._at += 1
            self._digit("in numeric literal")
        first = self._text[self._at : self._at + 1]
        self._at += 1
        if first != b"0":
            self._digits()
        if self._text[self._at : self._at + 1] == b".":
            self._at += 1
            self._digit("after decimal point in numeric literal")
            self._digits()
        if self._text[self._at : self._at + 1] in (b"e", b"E"):
            self._at += 1
            if self._byte() in b"+-":
                self._at += 1
            self._digit("in exponent of numeric literal")
            self._digits()

    def _digit(self, where: str) -> None:
        if self._byte() not in _DIGITS:
            raise self._fault(where)

    def _digits(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _DIGITS:
            self._at += 1

    def _after_blanks(self) -> int:
        self._skip_blanks()
        return self._byte()

    def _skip_blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANKS:
            self._at += 1

    def _byte(self) -> int:
        if self._at >= len(self._text):
            raise _FaultError(self._end)
        return self._text[self._at]

    def _fault(self, where: str) -> _FaultError:
        return _FaultError(f"invalid character {_quoted(self._byte())} {where}")


def _quoted(byte: int) -> str:
    """Return a byte as Go quotes it: as the character of that number."""
    if byte in _SHORT:
        return f"'{_SHORT[byte]}'"
    if byte < _FIRST_CONTROL or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    if 0x80 <= byte < _PRINTABLE_FROM or byte == _SOFT_HYPHEN:
        return f"'\\u{byte:04x}'"
    return f"'{chr(byte)}'"
