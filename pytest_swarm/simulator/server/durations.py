"""Durations and times in Go's formats, as the server reads and writes them, with Go's error messages."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

_SECOND_NS: Final = 10**9
_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": _SECOND_NS,
    "m": 60 * _SECOND_NS,
    "h": 3600 * _SECOND_NS,
}
_PART: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)")
_MOST_DIGITS: Final = 19  # of a number of 64 bits
_MOST_NS: Final = 2**63 - 1
LONGEST_S: Final = _MOST_NS / _SECOND_NS
"""The longest duration of Go in seconds, which stands for ever."""


class DurationError(ValueError):
    """A duration that Go rejects; the message is the server's."""


def parse_duration_s(text: str) -> float:
    """Return the seconds of `1h30m`, `-500ms` or `0`; the longest duration of Go is infinite.

    Raises DurationError with Go's message for anything else.
    """
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return 0.0
    if not rest:
        raise DurationError(f"time: invalid duration {_quoted(text)}")
    total_ns, position = 0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            raise DurationError(f"time: invalid duration {_quoted(text)}")
        number, unit = part.groups()
        if not unit:
            raise DurationError(f"time: missing unit in duration {_quoted(text)}")
        if unit not in _UNITS_NS:
            raise DurationError(f"time: unknown unit {_quoted(unit)} in duration {_quoted(text)}")
        whole, _, fraction = number.partition(".")
        if len(whole.lstrip("0")) > _MOST_DIGITS:
            raise DurationError(f"time: invalid duration {_quoted(text)}")
        total_ns += int(whole or 0) * _UNITS_NS[unit]
        total_ns += int((fraction or "0")[:_MOST_DIGITS]) * _UNITS_NS[unit] // 10 ** min(len(fraction), _MOST_DIGITS)
        position = part.end()
    if total_ns > _MOST_NS + text.startswith("-"):
        raise DurationError(f"time: invalid duration {_quoted(text)}")
    total_s = math.inf if total_ns == _MOST_NS else total_ns / _SECOND_NS
    return -total_s if text.startswith("-") else total_s


def _quoted(text: str) -> str:
    """Return a text in quotes as Go's package `time` does: bytes outside ASCII and control characters as `\\xNN`."""
    inside = "".join(
        "".join(f"\\x{byte:02x}" for byte in each.encode()) if each < " " or not each.isascii() else each
        for each in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{inside}"'


def keep_alive_s(value: object) -> float | None:
    """Return the seconds of a request's `keep_alive`: a number, or a duration as text; None means not given.

    Negative means infinite. A number above 2^63 ns is the smallest duration, because the server's conversion overflows
    (on x86-64): the model is loaded, and unloaded as soon as it is idle. Raises DurationError with the server's message
    for anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        kinds = {bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"}
        raise DurationError(f"Unsupported type: '{kinds.get(type(value), type(value).__name__)}'")
    seconds = parse_duration_s(value) if isinstance(value, str) else float(value)
    if seconds < 0 or (isinstance(value, str) and math.isinf(seconds)):
        return math.inf
    return seconds if seconds < LONGEST_S else -LONGEST_S


def environment_keep_alive_s(text: str, *, default_s: float) -> float:
    """Return the seconds of OLLAMA_KEEP_ALIVE: a duration, or whole seconds; negative means infinite.

    Args:
        text: The value of the variable.
        default_s: The seconds for a value that is neither; the server passes over it.
    """
    try:
        seconds = parse_duration_s(text)
    except DurationError:
        seconds = float(text) if re.fullmatch(r"[-+]?[0-9]+", text) else default_s
    return math.inf if seconds < 0 or seconds > LONGEST_S else seconds


def rfc3339(wall_s: float) -> str:
    """Return a time (seconds since 1970) in RFC 3339."""
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
