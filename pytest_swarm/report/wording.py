"""Numbers and foreign text as people read them: percent, seconds, milliseconds, GB, and text made harmless.

Not measured is written as a dash, never as 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from pytest_swarm.errors import printable
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import MOST_RELATIVE, plural, signed_percent

NOT_MEASURED: Final = "-"
MINUTES_FROM_S: Final = 600  # from here on a time is written in minutes
_HOURS_FROM_S: Final = 7200  # and from here on in hours


def percent(share: float | None, *, digits: int = 0) -> str:
    """Return `74 %` of 0.741, `74.1 %` with `digits=1`; `below -1,000 %` of a gain whose base is next to nothing."""
    if share is not None and abs(share) > MOST_RELATIVE:
        return signed_percent(share)
    return NOT_MEASURED if share is None else f"{_rounded(100 * share, digits)} %"


def points(difference: float) -> str:
    """Return `11.1 points` of a difference of 0.111 in score, without its sign."""
    size = _rounded(abs(100 * difference), 1)
    return f"{size} point" if size == "1.0" else f"{size} points"


def signed_points(difference: float) -> str:
    """Return `+11.1` of a difference of 0.111 in score."""
    text = _rounded(100 * difference, 1)
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"


def point_range(low: float | None, high: float | None) -> str | None:
    """Return `-1.2 to +3.4` of an interval of differences in score; None where it has no ends."""
    return None if low is None or high is None else f"{signed_points(low)} to {signed_points(high)}"


def seconds(value_s: float | None) -> str:
    """Return `9.9 s`, `0.45 s`, `12 min 5 s`, `6 h 26 min`."""
    if value_s is None:
        return NOT_MEASURED
    if value_s >= _HOURS_FROM_S:
        return f"{int(value_s // 3600):,} h {int(value_s % 3600 // 60)} min"
    if value_s >= MINUTES_FROM_S:
        return f"{int(value_s // 60)} min {int(value_s % 60)} s"
    return f"{_rounded(value_s, 1 if value_s >= 1 or value_s == 0 else 2)} s"


def milliseconds(value_ms: float | None) -> str:
    """Return `0.38 ms`, `2.9 ms`, `812 ms`, `1.8 s`."""
    if value_ms is None:
        return NOT_MEASURED
    if value_ms >= 1000:
        return seconds(value_ms / 1000)
    return f"{_rounded(value_ms, 2 if value_ms < 1 else 1 if value_ms < 100 else 0)} ms"


def gigabytes(value_gb: float | None) -> str:
    """Return `6.5 GB`."""
    return NOT_MEASURED if value_gb is None else f"{_rounded(value_gb, 1)} GB"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with that many digits after the point, and commas between thousands."""
    return NOT_MEASURED if value is None else _rounded(value, digits)


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits and no exponent: `0.0012`, `0.871`, `1,496`."""
    if value is None:
        return NOT_MEASURED
    if value == 0:
        return "0"
    return _rounded(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def part_of(count: int, total: int, noun: str) -> str:
    """Return `1 of 3 jobs`, `each of 3 jobs` for all of them, `the only job` where there is one."""
    if count == total:
        return f"the only {noun}" if total == 1 else f"each of {plural(total, noun)}"
    return f"{count:,} of {plural(total, noun)}"


def joined(parts: list[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def one_line(text: str, limit: int = 200) -> str:
    """Return foreign text on one line, without control characters, ANSI codes or direction marks, cut at `limit`."""
    clean = printable(" ".join(text[: 2 * limit].split()))
    return clean if len(clean) <= limit else clean[: max(0, limit - 2)] + ".."


def whole_line(text: str) -> str:
    """Return a sentence of ours on one line, made safe like foreign text, and never cut."""
    return printable(" ".join(text.split()))


def short_names(names: Iterable[str], limit: int) -> dict[str, str]:
    """Return the label of each mode, as `short_texts` cuts them."""
    labels = {name: mode_name(name) for name in names}
    cut = short_texts(labels.values(), limit)
    return {name: cut[label] for name, label in labels.items()}


def short_texts(texts: Iterable[str], limit: int) -> dict[str, str]:
    """Return each text cut in its middle to at most `limit` characters; texts that would read alike stay longer.

    Args:
        texts: Foreign texts, such as the tag of a model.
        limit: Characters, at least 4.
    """
    clean = {text: one_line(text, 200) for text in texts}
    longest = max((len(text) for text in clean.values()), default=0)
    room, cut = limit, {name: _middle_cut(text, limit) for name, text in clean.items()}
    while len(set(cut.values())) < len(set(clean.values())) and room < longest:
        room += 4
        shown = Counter(cut.values())
        cut = {name: text if shown[text] == 1 else _middle_cut(clean[name], room) for name, text in cut.items()}
    return cut


def _middle_cut(text: str, limit: int) -> str:
    head = (limit - 2) // 2
    return text if len(text) <= limit else f"{text[:head]}..{text[len(text) - (limit - 2 - head) :]}"


def _rounded(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
