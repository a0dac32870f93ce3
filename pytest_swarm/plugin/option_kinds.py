"""The kinds of options. A row of the table in `options` is one of them, and reads as a typed attribute of Settings.

Loaded at every start of pytest, so it imports next to nothing, and a row names its type by a function that is called
late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Generic, Literal, Self, TypedDict, TypeVar, Unpack, cast, overload

from pytest_swarm.domain.run_options import RUN_OPTIONS, flag_of

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.plugin.option_text import OptionText

T = TypeVar("T")
DEST_PREFIX: Final = "swarm_"
FLAG_PREFIX: Final = "--swarm-"
ON_WORDS: Final = ("true", "on", "yes", "1")
OFF_WORDS: Final = ("false", "off", "no", "0")
_UNITS: Final = ("_s", "_bytes")  # `timeout_s` is the option --swarm-timeout, in seconds


class OptionValues:
    """The values of all options, by the name of the attribute."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values


class Facts(TypedDict, total=False):
    """What else a row says of its option.

    Attributes:
        metavar: The placeholder of the value in `--help`.
        bare: The value of the option when it stands without one.
        marker: The keyword of `@pytest.mark.swarm` that gives the same.
        needs: Another option's attribute, and its values without which this one has no effect.
        reproduces: Whether it belongs to the command that reproduces a run (default: yes).
    """

    metavar: str
    bare: str
    marker: str
    needs: tuple[str, ...]
    reproduces: bool


class Option(Generic[T]):
    """One option: its type and help. Its name is the attribute's, on the command line and in the ini.

    `parse` makes the value of a text. `default` is the text that is read where none is given, and the word that
    messages, help and docs print: whoever types it gets what is printed.
    """

    ini_type: Literal["string", "bool", "linelist"] = "string"
    absent = False
    """Whether the default is a word for a value that is not given, such as `none`."""

    def __init__(self, parse: Callable[[OptionText], T], meaning: str, **facts: Unpack[Facts]) -> None:
        self.parse = parse
        self.meaning = meaning
        self.metavar = facts.get("metavar", "VALUE")
        self.bare = facts.get("bare")
        self.marker = facts.get("marker")
        self.needs = facts.get("needs")
        self.reproduces = facts.get("reproduces", True)

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        unit = next((each for each in _UNITS if attribute.endswith(each)), "")
        self.dest = DEST_PREFIX + attribute.removesuffix(unit)
        self.flag = flag_of(self.dest)
        self.default = RUN_OPTIONS[self.dest].default  # a KeyError here: a new option has no row there yet

    @overload
    def __get__(self, values: None, owner: type) -> Self: ...

    @overload
    def __get__(self, values: OptionValues, owner: type) -> T: ...

    def __get__(self, values: OptionValues | None, owner: type) -> Self | T:
        return self if values is None else cast("T", values.values[self.attribute])

    def canonical(self, text: str) -> str:
        """Return the text as run files hold it: the word for a value that is not given has one spelling."""
        return text.lower() if self.absent and text.lower() == self.default else text

    def register(self, group: pytest.OptionGroup, parser: pytest.Parser) -> None:
        """Add the option and its ini twin. Both default to None, so that "not given" can be told from any value."""
        shown = f"{self.meaning} (default: {self.default})" if self.default else self.meaning
        group.addoption(self.flag, dest=self.dest, default=None, help=shown.replace("%", "%%"), **self._argument())
        parser.addini(self.dest, shown, type=self.ini_type, default=None)

    def _argument(self) -> dict[str, str]:
        """What argparse wants to know of the option's value."""
        if self.bare is None:
            return {"metavar": self.metavar}
        return {"metavar": self.metavar, "nargs": "?", "const": self.bare}


class Maybe(Option[T | None]):
    """An option whose value is None where it is not given."""

    absent = True

    def __init__(self, parse: Callable[[OptionText], T], meaning: str, **facts: Unpack[Facts]) -> None:
        super().__init__(lambda given: None if given.stands_for_none(self.default) else parse(given), meaning, **facts)


class Many(Option[tuple[T, ...]]):
    """A repeatable option; `parse` reads one text. Its value is empty where it is not given."""

    ini_type = "linelist"
    absent = True

    def __init__(self, parse: Callable[[OptionText], T], meaning: str, **facts: Unpack[Facts]) -> None:
        super().__init__(
            lambda given: () if given.stands_for_none(self.default) else (parse(given),),
            f"{meaning}; repeatable",
            **facts,
        )

    def _argument(self) -> dict[str, str]:
        return {"metavar": self.metavar, "action": "append"}


class Flag(Option[bool]):
    """An option without a value, off where it is not given."""

    ini_type = "bool"

    def __init__(self, meaning: str, **facts: Unpack[Facts]) -> None:
        super().__init__(lambda _: True, meaning, **facts)

    def _argument(self) -> dict[str, str]:
        return {"action": "store_true"}


class FlagOrWord(Option[T | None]):
    """An option that stands alone or says how with a word; None where it is not given, or where the ini says false."""

    absent = True

    def canonical(self, text: str) -> str:
        """Return the one spelling of a text that means "on", `True` as a flag has it, or "off"."""
        return "True" if text.lower() in ON_WORDS else "off" if text.lower() in OFF_WORDS else text


class Axis(Option[T]):
    """An axis of the parametrization. Markers come between command line and ini file, so `Axes` holds its value."""
