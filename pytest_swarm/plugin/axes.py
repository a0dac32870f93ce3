"""The values of the axes: routing modes, horizon depths, VRAM budgets, weights and repeats, read from a text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_swarm.errors import OptionError
from pytest_swarm.units import parse_size_gb

if TYPE_CHECKING:  # start-up must not pay for the domain
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.routing.mode_table import ModeTable

MOST: Final = 2**53
"""The largest whole number that every reader of a run's files takes exactly."""
_MOST_DEPTH: Final = 10_000
_MOST_WEIGHT: Final = 1_000_000  # far beyond, sums of the objective lose their smaller parts
_MOST_REPEATS: Final = 10_000
_MOST_ITEMS: Final = 1_000
Budget: TypeAlias = float | Literal["auto"]


def parse_modes(text: str, *, what: str, known: ModeTable) -> tuple[str, ...]:
    """Return the modes of `both`, `all` or a comma list.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.
        known: The routing modes of the session.

    Raises:
        OptionError: The table does not have a mode.
    """
    return known.parse(_items(text, what=what, example="both, all or lp,milp"), what=what)


def parse_horizons(text: str, *, what: str) -> tuple[HorizonDepth, ...]:
    """Return the depths of `0,1,flat`, each once.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.

    Raises:
        OptionError: An entry is neither a whole number nor `flat`.
    """
    depths: list[HorizonDepth] = []
    for item in _items(text, what=what, example="0,1,3 or flat"):
        if item == "flat":
            depths.append("flat")
        elif item.isdecimal():
            depths.append(parse_count(item, what=what, low=0, high=_MOST_DEPTH))
        else:
            raise OptionError(f"{what}: {item!r} is not a horizon depth; write 0 or more, or flat")
    return tuple(dict.fromkeys(depths))


def parse_budgets(text: str, *, what: str) -> tuple[Budget, ...]:
    """Return the budgets of `8GB,24GB,auto` in GB, each once.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.

    Raises:
        OptionError: An entry is neither a size nor `auto`.
    """
    items = _items(text, what=what, example="8GB,24GB or auto")
    return tuple(dict.fromkeys("auto" if item == "auto" else parse_size_gb(item, what=what) for item in items))


def parse_count(text: str, *, what: str, low: int, high: int = MOST) -> int:
    """Return the whole number that a text is.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.
        low: The least that is allowed.
        high: The most that is allowed.

    Raises:
        OptionError: It is no whole number, or not within both.
    """
    try:
        count = int(text)
    except ValueError:
        raise OptionError(f"{what}: {text!r} is not a whole number") from None
    if count < low:
        raise OptionError(f"{what}: is {count}, but must be at least {low}")
    if count > high:
        raise OptionError(f"{what}: is {count}, but must be at most {high}")
    return count


def parse_weight(text: str, *, what: str) -> float:
    """Return the weight that a text is.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.

    Raises:
        OptionError: It is no number from 0 to a million.
    """
    try:
        weight = float(text)
    except ValueError:
        raise OptionError(f"{what}: {text!r} is not a number") from None
    if not weight >= 0:  # nor is nan
        raise OptionError(f"{what}: is {text}, but must be a number of at least 0")
    if weight > _MOST_WEIGHT:
        raise OptionError(f"{what}: is {text}, but must be at most {_MOST_WEIGHT:,}")
    return weight + 0.0  # -0 is 0


def parse_weights(text: str, *, what: str) -> tuple[float, ...]:
    """Weights of `0,0.25,1`, each once."""
    items = _items(text, what=what, example="0.5 or 0,0.25,1")
    return tuple(dict.fromkeys(parse_weight(item, what=what) for item in items))


def parse_repeat(text: str, *, what: str) -> tuple[int, bool]:
    """Return (repeats, whether they stop as soon as the gate has decided) of `5` or `auto:20`.

    Args:
        text: As the user wrote it.
        what: The option as an error names it.

    Raises:
        OptionError: It is neither, or `auto` has no limit.
    """
    head, colon, most = text.partition(":")
    if head.strip() == "auto":
        if not colon:
            raise OptionError(f"{what}: auto needs a limit, such as auto:20")
        return parse_count(most, what=what, low=2, high=_MOST_REPEATS), True
    return parse_count(text, what=what, low=1, high=_MOST_REPEATS), False


def _items(text: str, *, what: str, example: str) -> Iterable[str]:
    items = [item.strip() for item in text.split(",")]
    if len(items) > _MOST_ITEMS:
        raise OptionError(f"{what}: has {len(items):,} entries, but may have {_MOST_ITEMS:,} at most")
    if not all(items):
        raise OptionError(f"{what}: {text!r} has an empty entry; write for example {example}")
    return items
