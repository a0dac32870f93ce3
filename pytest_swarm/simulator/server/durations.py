"""Durations and times as the server writes and reads them: Go's formats, errors included."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)")
_FOREVER: Final = timedelta(days=292 * 365)  # the longest that Go's durations reach: 2^63 ns
_FOREVER_S: Final = _FOREVER.total_seconds()


class DurationError(ValueError):
    """A duration that Go would refuse; the message is the server's own."""


def parse_duration_s(text: str) -> float:
    """Seconds of `1h30m`, `500ms` or `0`, with a sign; DurationError with Go's text for anything else."""
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return 0.0
    if not rest:
        raise DurationError(f'time: invalid duration "{text}"')
    total_s, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            raise DurationError(f'time: invalid duration "{text}"')
        number, unit = part.groups()
        if not unit:
            raise DurationError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS_S:
            raise DurationError(f'time: unknown unit "{unit}" in duration "{text}"')
        total_s += float(number) * _UNITS_S[unit]
        position = part.end()
    if total_s > _FOREVER_S:
        raise DurationError(f'time: invalid duration "{text}"')
    return -total_s if text.startswith("-") else total_s


def keep_alive_s(value: object) -> float | None:
    """Seconds of a request's `keep_alive`: a number, or a duration as text; negative is for ever, None is not given.

    DurationError with the server's own text for anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        kinds = {bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"}
        raise DurationError(f"Unsupported type: '{kinds.get(type(value), type(value).__name__)}'")
    return _keep_alive_seconds(parse_duration_s(value) if isinstance(value, str) else float(value))


def environment_keep_alive_s(text: str) -> float:
    """Seconds of OLLAMA_KEEP_ALIVE: a duration, or a bare number of seconds; DurationError for anything else."""
    number = re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", text)
    return _keep_alive_seconds(float(text) if number else parse_duration_s(text))


def rfc3339(wall_s: float) -> str:
    """A moment (seconds since 1970) as the server writes it; infinite is the last that it can write."""
    if math.isinf(wall_s):
        return _text(datetime(2026, 1, 1, tzinfo=UTC) + _FOREVER)
    return _text(datetime.fromtimestamp(wall_s, UTC))


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _keep_alive_seconds(seconds: float) -> float:
    """A negative stay is for ever, and so is one beyond what the server can count."""
    return math.inf if seconds < 0 or seconds > _FOREVER_S else seconds
