"""The axes of the parametrisation: modes x horizons x budgets x repeats, from command line, marker and ini."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_swarm.errors import OptionError
from pytest_swarm.units import parse_size_gb

if TYPE_CHECKING:  # start-up must not pay for the domain
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.routing.registry import ModeTable

Budget: TypeAlias = float | Literal["auto"]

MARKER_KEYS: Final = ("modes", "horizon", "vram", "repeat", "carryover", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What one source says of the parametrisation; None = it says nothing."""

    modes: tuple[str, ...] | None = None
    horizons: tuple[HorizonDepth, ...] | None = None
    budgets: tuple[Budget, ...] | None = None
    repeat: int | None = None
    auto_repeat: bool | None = None
    carryover: Carryover | None = None
    version: int | None = None

    def over(self, weaker: Axes) -> Axes:
        """These axes, and where they say nothing, the weaker source's."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return Axes(**{name: getattr(weaker, name) if value is None else value for name, value in values.items()})

    def once(self) -> Axes:
        """Only the first of every list: for a run without a comparison."""
        return Axes(
            modes=None,
            horizons=None if self.horizons is None else self.horizons[:1],
            budgets=None if self.budgets is None else self.budgets[:1],
            repeat=None,
            auto_repeat=None,
            carryover=self.carryover,
            version=self.version,
        )


def parse_modes(text: str, *, what: str, known: ModeTable) -> tuple[str, ...]:
    """Modes of `both`, `all` or a comma list; OptionError for one that the table does not have."""
    return known.parse(_items(text, what=what, example="both, all or lp,milp"), what=what)


def parse_horizons(text: str, *, what: str) -> tuple[HorizonDepth, ...]:
    """Depths of `0,1,flat`; OptionError for anything else."""
    depths: list[HorizonDepth] = []
    for item in _items(text, what=what, example="0,1,3 or flat"):
        if item == "flat":
            depths.append("flat")
        elif item.isdecimal():
            depths.append(int(item))
        else:
            raise OptionError(f"{what}: {item!r} is no horizon depth; write 0 or more, or flat")
    return tuple(dict.fromkeys(depths))


def parse_budgets(text: str, *, what: str) -> tuple[Budget, ...]:
    """Budgets in GB of `8GB,24GB,auto`."""
    items = _items(text, what=what, example="8GB,24GB or auto")
    return tuple(dict.fromkeys("auto" if item == "auto" else parse_size_gb(item, what=what) for item in items))


def parse_count(text: str, *, what: str, low: int) -> int:
    """A whole number of at least `low`."""
    try:
        count = int(text)
    except ValueError:
        raise OptionError(f"{what}: {text!r} is no whole number") from None
    if count < low:
        raise OptionError(f"{what}: is {count}, but must be at least {low}")
    return count


def parse_repeat(text: str, *, what: str) -> tuple[int, bool]:
    """(repeats, whether they stop as soon as the gate has decided) of `5` or `auto:20`."""
    head, colon, most = text.partition(":")
    if head.strip() == "auto":
        if not colon:
            raise OptionError(f"{what}: auto needs a limit, such as auto:20")
        return parse_count(most, what=what, low=2), True
    return parse_count(text, what=what, low=1), False


def parse_carryover(text: str, *, what: str) -> Carryover:
    """`case` or `group`."""
    if text == "case":
        return "case"
    if text == "group":
        return "group"
    raise OptionError(f"{what}: {text!r} is unknown; write case or group")


def axes_of_texts(texts: Callable[[str], str | None], *, what: Callable[[str], str], known: ModeTable) -> Axes:
    """Axes of a source whose values are texts; `what(name)` is how the source names a value in an error."""

    def given(name: str) -> str | None:
        text = texts(name)
        return None if text is None or not text.strip() else text

    modes, horizon, vram = given("compare"), given("horizon"), given("vram")
    repeat, carryover = given("repeat"), given("carryover")
    return Axes(
        modes=None if modes is None else parse_modes(modes, what=what("compare"), known=known),
        horizons=None if horizon is None else parse_horizons(horizon, what=what("horizon")),
        budgets=None if vram is None else parse_budgets(vram, what=what("vram")),
        repeat=None if repeat is None else parse_repeat(repeat, what=what("repeat"))[0],
        auto_repeat=None if repeat is None else parse_repeat(repeat, what=what("repeat"))[1],
        carryover=None if carryover is None else parse_carryover(carryover, what=what("carryover")),
    )


def axes_of_marker(args: tuple[object, ...], values: dict[str, object], *, known: ModeTable) -> Axes:
    """Axes of `@pytest.mark.swarm(...)`: texts as on the command line, single values, or lists of them."""
    if args:
        raise OptionError("@pytest.mark.swarm takes keywords only: " + ", ".join(MARKER_KEYS))
    for key in values:
        if key not in MARKER_KEYS:
            raise OptionError(f"@pytest.mark.swarm: unknown keyword {key!r}; known are {', '.join(MARKER_KEYS)}")
    names = {"compare": "modes", "horizon": "horizon", "vram": "vram", "repeat": "repeat", "carryover": "carryover"}

    def text(name: str) -> str | None:
        value = values.get(names[name])
        if value is None:
            return None
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    axes = axes_of_texts(text, what=lambda name: f"@pytest.mark.swarm({names[name]}=)", known=known)
    if axes.auto_repeat:
        raise OptionError("@pytest.mark.swarm(repeat=): auto belongs on the command line or in the ini file")
    version = values.get("version")
    if version is None:
        return axes
    if not isinstance(version, int) or isinstance(version, bool):
        raise OptionError(f"@pytest.mark.swarm(version=): {version!r} is no whole number")
    return Axes(version=version).over(axes)


def _items(text: str, *, what: str, example: str) -> Iterable[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise OptionError(f"{what}: {text!r} has an empty entry; write for example {example}")
    return items
