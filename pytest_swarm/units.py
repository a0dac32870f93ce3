"""Units and how they are written: sizes in GB (10^9 bytes), durations in seconds, counts. Knows no options or files."""

from __future__ import annotations

import math
import re
import time
from typing import Final

from pytest_swarm.errors import OptionError

BYTES_PER_GB: Final = 1_000_000_000
BYTES_PER_GIB: Final = 1 << 30
TICKS_PER_S: Final = 1 << 20  # a power of two, so that sums and differences of whole ticks are exact floats

MOST_RELATIVE: Final = 10.0  # a figure that is further from its base has a base next to nothing: how far says nothing
MOST_GB: Final = 1_000_000  # a petabyte
MOST_S: Final = 365 * 86_400
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(gib|gb|g|mib|mb|m)?\s*", re.IGNORECASE)
_SIZE_GB: Final = {
    "gb": 1.0,
    "g": 1.0,
    "gib": BYTES_PER_GIB / BYTES_PER_GB,
    "mb": 1e-3,
    "m": 1e-3,
    "mib": (1 << 20) / BYTES_PER_GB,
}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)?\s*", re.IGNORECASE)
_DURATION_S: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_size_gb(text: str, *, what: str) -> float:
    """Return the size in GB of `8GB`, `8`, `7.5 GiB` or `8192MiB`; without a unit it is GB.

    Args:
        text: The size as the user wrote it.
        what: The option that it belongs to, for the error.

    Raises:
        OptionError: Where the text is not a size above 0.
    """
    match = _SIZE.fullmatch(text)
    size_gb = float(match[1]) * _SIZE_GB[(match[2] or "gb").lower()] if match else 0.0
    if size_gb <= 0:
        raise OptionError(f"{what}: {text!r} is not a size; write for example 8GB or 7.5GiB")
    if size_gb > MOST_GB:
        raise OptionError(f"{what}: {text!r} is more than {MOST_GB:,} GB; write for example 8GB or 7.5GiB")
    return size_gb


def parse_duration_s(text: str, *, what: str) -> float:
    """Return the seconds of `120s`, `500ms`, `2m`, `30min` or `90`; without a unit it is seconds.

    Args:
        text: The duration as the user wrote it.
        what: The option that it belongs to, for the error.

    Raises:
        OptionError: Where the text is not a duration above 0.
    """
    match = _DURATION.fullmatch(text)
    duration_s = float(match[1]) * _DURATION_S[(match[2] or "s").lower()] if match else 0.0
    if duration_s <= 0:
        raise OptionError(f"{what}: {text!r} is not a duration; write for example 120s or 2m")
    if duration_s > MOST_S:
        raise OptionError(f"{what}: {text!r} is more than {MOST_S:,} s, a year; write for example 120s or 2m")
    return duration_s


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 job` and `1,200 jobs`.

    Args:
        count: How many.
        noun: The noun for one of them; an `s` makes its plural, of `family` it is `families`.
    """
    many = f"{noun[:-1]}ies" if noun.endswith(("ily", "icy")) else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def now_ms() -> float:
    """Return the milliseconds since 1970 on the wall clock, in whole microseconds: the timestamp of files."""
    return time.time_ns() // 1_000 / 1_000


def format_duration(duration_s: float) -> str:
    """Return a duration to read, such as `40 s`, `12 min` or `2.5 h`."""
    if duration_s < 90:
        return f"{max(1, round(duration_s))} s"
    minutes = round(duration_s / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def format_gb(size_gb: float, digits: int = 3) -> str:
    """Return a size such as `6.5GB`: the shortest decimal that is exact to a thousandth of a GB.

    Args:
        size_gb: The size in GB.
        digits: Digits after the point; 9 are exact to the byte.
    """
    return f"{size_gb:.{digits}f}".rstrip("0").rstrip(".") + "GB"


def format_gb_apart(size_gb: float, other_gb: float) -> tuple[str, str]:
    """Return two sizes in GB as texts: in as few digits, from three on, as tell them apart, up to the byte."""
    shown = ((format_gb(size_gb, digits), format_gb(other_gb, digits)) for digits in (3, 6, 9))
    return next((pair for pair in shown if pair[0] != pair[1]), (format_gb(size_gb), format_gb(other_gb)))


def bytes_to_gb(size_bytes: int) -> float:
    """Return a size in bytes as GB (10^9 bytes)."""
    return size_bytes / BYTES_PER_GB


def on_tick(seconds: float) -> float:
    """Return the next whole tick (2**-20 s, about a microsecond) at or after `seconds`.

    A thousandth of a tick counts as rounding error: a sum of floats that is slightly above a tick is that tick.
    """
    return math.ceil(seconds * TICKS_PER_S - 1e-3) / TICKS_PER_S


def signed_percent(share: float, digits: int = 0) -> str:
    """Return a change against a base, such as `+12 %` of 0.12; `over +1,000 %` where the base is next to nothing.

    Args:
        share: The change in proportion to the base.
        digits: Digits after the point.
    """
    if abs(share) > MOST_RELATIVE:
        return "over +1,000 %" if share > 0 else "below -1,000 %"
    return f"{round(100 * share, digits) + 0.0:+,.{digits}f} %"
