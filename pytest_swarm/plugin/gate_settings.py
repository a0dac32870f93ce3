"""The options of the gate, parsed and checked before any test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from pytest_swarm.errors import OptionError
from pytest_swarm.gate.policy import DEFAULTS, Incomparable, Inconclusive, Rule, Strictness, parse_expression
from pytest_swarm.gate.updating import Update

if TYPE_CHECKING:
    import pytest

MARKER: Final = "swarm_gate"
DEFAULT_FILE: Final = "swarm-baseline.json"
_STRICTNESS: Final[tuple[Strictness, ...]] = ("off", "warn", "fail")
_INCOMPARABLE: Final[tuple[Incomparable, ...]] = ("warn", "fail", "ignore")
_INCONCLUSIVE: Final[tuple[Inconclusive, ...]] = ("pass", "warn", "fail")
_UPDATES: Final[tuple[Update, ...]] = ("new", "all")


_Word = TypeVar("_Word", bound=str)


class Texts(Protocol):
    """Where the texts of options come from."""

    def text(self, name: str) -> str | None:
        """The text of an option, None where it was not given."""

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a repeatable option."""

    def cli(self, name: str) -> str | None:
        """The text on the command line alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What the options of the gate say. `file` None = there is no gate."""

    file: Path | None
    update: Update | None
    rule: Rule
    incomparable: Incomparable
    inconclusive: Inconclusive


def read_gate_settings(source: Texts, root: Path) -> GateSettings:
    """The settings; OptionError for one that means nothing. A file of the ini file is found from its folder."""
    update = _update(source.text("update-baseline"))
    named = source.text("baseline")
    start = Path.cwd() if source.cli("baseline") is not None else root
    file = None if named is None else start / Path(named).expanduser()
    if file is None and update is not None:
        file = root / DEFAULT_FILE
    if file is None and source.cli("fail") is not None:
        raise OptionError("--swarm-fail compares with a baseline: give one with --swarm-baseline=FILE")
    texts = source.texts("fail") or DEFAULTS
    return GateSettings(
        file=file,
        update=update,
        rule=Rule(
            expressions=tuple(parse_expression(text, what="--swarm-fail") for text in texts),
            gate=_choice(source, "gate", _STRICTNESS) or "fail",
        ),
        incomparable=_choice(source, "incomparable", _INCOMPARABLE) or "warn",
        inconclusive=_choice(source, "inconclusive", _INCONCLUSIVE) or "warn",
    )


def rule_of_marker(item: pytest.Item, default: Rule) -> Rule | None:
    """The rule of a test with `@pytest.mark.swarm_gate("score:-1%", ..., gate="warn")`; None without the marker."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return None
    what = f"@pytest.mark.{MARKER}"
    values: Mapping[str, object] = marker.kwargs
    for key in values:
        if key != "gate":
            raise OptionError(
                f"{what}: unknown keyword {key!r}; it takes expressions, and gate='off', 'warn' or 'fail'"
            )
    gate = values.get("gate", default.gate)
    if gate not in _STRICTNESS:
        raise OptionError(f"{what}: gate={gate!r} is unknown; known are {', '.join(_STRICTNESS)}")
    expressions = tuple(parse_expression(str(text), what=what) for text in marker.args)
    return Rule(
        expressions=expressions or default.expressions,
        gate=_STRICTNESS[_STRICTNESS.index(gate)],
        test=item.nodeid.partition("[")[0],
    )


def _update(text: str | None) -> Update | None:
    if text is None:
        return None
    for update in _UPDATES:
        if text == update:
            return update
    raise OptionError(
        f"--swarm-update-baseline: {text!r} is unknown; known are new and all (a path behind it was taken for its "
        "value: write --swarm-update-baseline=all)"
    )


def _choice(source: Texts, name: str, choices: tuple[_Word, ...]) -> _Word | None:
    text = source.text(name)
    if text is None:
        return None
    for choice in choices:
        if choice == text:
            return choice
    raise OptionError(f"--swarm-{name}: {text!r} is unknown; known are {', '.join(choices)}")
