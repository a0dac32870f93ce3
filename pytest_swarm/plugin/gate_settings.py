"""What the options of the gate say together, and the rule of a marked test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.errors import OptionError
from pytest_swarm.gate.rules import DEFAULTS, Incomparable, Inconclusive, Rule, parse_expression
from pytest_swarm.plugin.option_text import OptionText
from pytest_swarm.plugin.options import Options
from pytest_swarm.plugin.spelling import unknown_keyword

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.gate.updating import Update
    from pytest_swarm.plugin.option_kinds import Option
    from pytest_swarm.routing.mode_table import ModeTable

GATE_MARKER: Final = "swarm_gate"
DEFAULT_FILE: Final = "swarm-baseline.json"
_NEED_A_BASELINE: Final = (Options.fail, Options.gate, Options.incomparable, Options.inconclusive)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What the options of the gate say. `file` None = there is no gate."""

    file: Path | None
    update: Update | None
    rule: Rule
    incomparable: Incomparable
    inconclusive: Inconclusive


def gate_settings(options: Options, *, root: Path, on_cli: Callable[[Option[Any]], bool]) -> GateSettings:
    """Return the settings of the gate; OptionError where they do not go together.

    Args:
        options: The values of all options.
        root: The root folder of the project, where a baseline without a name is written.
        on_cli: Whether an option stands on the command line, where it means this very run.
    """
    file = options.baseline
    if file is None and options.update_baseline is not None:
        file = root / DEFAULT_FILE
    idle = next((row for row in _NEED_A_BASELINE if file is None and on_cli(row)), None)
    if idle is not None:
        raise OptionError(f"{idle.flag} compares with a baseline: give one with --swarm-baseline=FILE")
    default = tuple(parse_expression(text, what=Options.fail.flag) for text in DEFAULTS)
    return GateSettings(
        file=file,
        update=options.update_baseline,
        rule=Rule(expressions=options.fail or default, gate=options.gate),
        incomparable=options.incomparable,
        inconclusive=options.inconclusive,
    )


def check_rule(rule: Rule, *, modes: ModeTable, auto: bool) -> None:
    """Raise OptionError for an expression of a mode that nobody has registered, or that `auto` cannot judge.

    Args:
        rule: The expressions of the run, or of a marked test.
        modes: The modes that there are.
        auto: Whether repeats are added until the gate has decided.
    """
    what = Options.fail.flag if rule.test is None else f"@pytest.mark.{GATE_MARKER} of {rule.test}"
    for expression in rule.expressions:
        if expression.mode is not None:
            try:
                modes.spec(expression.mode)
            except OptionError as error:
                raise OptionError(f"{what}: {expression.text!r}: {error}") from error
        if auto and expression.statistic == "median":
            name = expression.metric.name
            raise OptionError(
                f"{what}: {expression.text!r}: medians cannot be judged while repeats are added "
                f"(--swarm-repeat=auto); compare means: {name}.mean, or give a number of repeats"
            )


def idle_keys(settings: GateSettings, given: Mapping[str, str]) -> str | None:
    """Return a sentence where the ini file has keys of the gate and there is no baseline; None where all is well."""
    keys = [row.dest for row in _NEED_A_BASELINE if row.dest in given]
    if settings.file is not None or not keys:
        return None
    have = "has" if len(keys) == 1 else "have"
    return f"without a baseline the ini file's {' and '.join(keys)} {have} no effect; give --swarm-baseline=FILE"


def rule_of_marker(item: pytest.Item, default: Rule) -> Rule | None:
    """Return the rule of a test with `@pytest.mark.swarm_gate("score:-1%", ..., gate="warn")`; None without one.

    Of several markers, the closest with expressions and the closest with `gate` count.
    """
    markers = list(item.iter_markers(GATE_MARKER))
    if not markers:
        return None
    what = f"@pytest.mark.{GATE_MARKER}"
    for key in (key for marker in markers for key in marker.kwargs):
        if key != "gate":
            raise unknown_keyword(what, key, ("gate",))
    gate = next((marker.kwargs["gate"] for marker in markers if "gate" in marker.kwargs), default.gate)
    texts: tuple[object, ...] = next((marker.args for marker in markers if marker.args), ())
    expressions = tuple(parse_expression(str(text), what=what) for text in texts)
    return Rule(
        expressions=expressions or default.expressions,
        gate=Options.gate.parse(OptionText(str(gate), what=f"{what}(gate=)")),
        test=base_node_id(item.nodeid),
    )
