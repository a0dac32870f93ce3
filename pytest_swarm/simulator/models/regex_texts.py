"""Texts that a regular expression matches, built from the parse tree of the pattern.

Lookarounds and backreferences are ignored; the caller checks the text with the real scorer.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from random import Random
from typing import Any, Final

_MOST_REPEATS: Final = 3
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": ("7", r"\d"),
    "CATEGORY_NOT_DIGIT": ("x", r"\D"),
    "CATEGORY_SPACE": (" ", r"\s"),
    "CATEGORY_NOT_SPACE": ("x", r"\S"),
    "CATEGORY_WORD": ("w", r"\w"),
    "CATEGORY_NOT_WORD": ("-", r"\W"),
}
"""Category of the parser -> a character of it, and its class."""
_PRINTABLE: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:;!?/()[]{}<>@#%&*+='\" "


def matching_text(pattern: str, rng: Random) -> str:
    """Return a text that `pattern` matches, unless it uses lookarounds or backreferences.

    Args:
        pattern: The regular expression.
        rng: Generator of the choices.
    """
    parser = importlib.import_module("re._parser")  # the parse tree has no public API; sre_parse is deprecated
    return _sequence(parser.parse(pattern, re.MULTILINE), rng)


def _sequence(nodes: Iterable[tuple[Any, Any]], rng: Random) -> str:
    return "".join(_node(str(code), argument, rng) for code, argument in nodes)


def _node(code: str, argument: Any, rng: Random) -> str:
    """Return the text of one node; `argument` is the parser's argument for nodes of that code."""
    match code:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return next(each for each in _PRINTABLE if ord(each) != argument)
        case "ANY":
            return rng.choice(_PRINTABLE[:26])
        case "IN":
            return _member(argument, rng)
        case "BRANCH":
            return _sequence(rng.choice(argument[1]), rng)
        case "SUBPATTERN" | "ATOMIC_GROUP":
            return _sequence(argument[-1] if code == "SUBPATTERN" else argument, rng)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, body = argument
            count = rng.randint(least, max(least, min(most, least + _MOST_REPEATS)))
            return "".join(_sequence(body, rng) for _ in range(count))
    return ""  # anchors and lookarounds match no text of their own


def _member(items: list[tuple[Any, Any]], rng: Random) -> str:
    if str(items[0][0]) == "NEGATE":
        return next((each for each in _PRINTABLE if not any(_contains(item, each) for item in items[1:])), "")
    code, argument = rng.choice(items)
    match str(code):
        case "RANGE":
            return chr(rng.randint(argument[0], argument[1]))
        case "CATEGORY":
            return _CATEGORIES[str(argument)][0]
    return chr(argument)


def _contains(item: tuple[Any, Any], character: str) -> bool:
    code, argument = str(item[0]), item[1]
    match code:
        case "RANGE":
            return bool(argument[0] <= ord(character) <= argument[1])
        case "CATEGORY":
            return re.fullmatch(_CATEGORIES[str(argument)][1], character) is not None
    return bool(ord(character) == argument)
