"""JavaScript between `{{` and `}}`, as far as it is joined texts: literals, templates, `+`, `||` and `??`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_QUOTES: Final = "'\"`"
_OPEN, _CLOSE = "([{", ")]}"
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_PLACE: Final = re.compile(r"(?<!\\)\$\{")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?|true|false|null|undefined")


def split_script(script: str, *marks: str) -> list[str]:
    """Return the pieces between operators that stand outside quotes and brackets; one piece where there are none.

    Args:
        script: The script.
        marks: The operators, such as `+`.
    """
    pieces: list[str] = []
    start = depth = at = 0
    while at < len(script):
        char = script[at]
        if char in _QUOTES:
            at = _end_of_quote(script, at)
            continue
        depth += (char in _OPEN) - (char in _CLOSE)
        mark = next((each for each in marks if script.startswith(each, at)), None) if depth == 0 else None
        if mark is not None:
            pieces.append(script[start:at].strip())
            at += len(mark)
            start = at
        else:
            at += 1
    return [*pieces, script[start:].strip()]


def ternary(script: str) -> tuple[str, str, str] | None:
    """Return condition and both values of `a ? b : c`; None for any other script."""
    marked = script.replace("??", "\0\0").replace("?.", "\1\1")
    condition, *rest = split_script(marked, "?")
    values = split_script(rest[0], ":") if len(rest) == 1 else []
    if len(values) != 2:
        return None
    first, second, third = (each.replace("\0\0", "??").replace("\1\1", "?.") for each in (condition, *values))
    return first, second, third


def unwrapped(script: str) -> str:
    """Return a script without what stands around the whole of it, and with `$if` and `$ifEmpty` as operators."""
    script = script.strip().removesuffix(";").strip()
    while script.startswith("(") and _end_of_bracket(script) == len(script):
        script = script[1:-1].strip()
    name, mark, _ = script.partition("(")
    if mark and name in ("$if", "$ifEmpty") and len(name) + _end_of_bracket(script[len(name) :]) == len(script):
        given = split_script(script[len(name) + 1 : -1], ",")
        if len(given) == 3 and name == "$if":
            return f"{given[0]} ? {given[1]} : {given[2]}"
        return " || ".join(given) if len(given) == 2 else script
    return script


def literal(script: str) -> str | None:
    """Return the text of a quoted literal or a number; None for anything else, and for a template with `${...}`."""
    script = script.strip()
    if _NUMBER.fullmatch(script):
        return "" if script in ("null", "undefined") else script
    if not _is_quoted(script):
        return None
    return None if script[0] == "`" and "${" in script else _unescaped(script[1:-1])


def template(script: str) -> list[tuple[str, bool]] | None:
    """Return the pieces of a template literal, each with whether it is a script; None where it is none."""
    script = script.strip()
    if not _is_quoted(script) or script[0] != "`":
        return None
    return list(_pieces(script[1:-1]))


def _is_quoted(script: str) -> bool:
    """Return whether a script is one quoted text."""
    is_open = len(script) > 1 and script[0] in _QUOTES and script[-1] == script[0]
    return is_open and _end_of_quote(script, 0) == len(script)


def _pieces(inside: str) -> Iterator[tuple[str, bool]]:
    at = 0
    while found := _PLACE.search(inside, at):
        yield _unescaped(inside[at : found.start()]), False
        end = found.end() - 1 + _end_of_bracket(inside[found.end() - 1 :])
        yield inside[found.end() : end - 1], True
        at = end
    yield _unescaped(inside[at:]), False


def _end_of_quote(script: str, start: int) -> int:
    """Return the place behind a quoted text; the script's end where it is not closed."""
    quote, at = script[start], start + 1
    while at < len(script):
        if script[at] == "\\":
            at += 2
        elif quote == "`" and script.startswith("${", at):
            at += 1 + _end_of_bracket(script[at + 1 :])
        elif script[at] == quote:
            return at + 1
        else:
            at += 1
    return len(script)


def _end_of_bracket(script: str) -> int:
    """Return the place behind the bracket that a script begins with; its length where it is not closed."""
    depth = at = 0
    while at < len(script):
        if script[at] in _QUOTES:
            at = _end_of_quote(script, at)
            continue
        depth += (script[at] in _OPEN) - (script[at] in _CLOSE)
        at += 1
        if depth == 0:
            return at
    return len(script)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text, flags=re.DOTALL)
