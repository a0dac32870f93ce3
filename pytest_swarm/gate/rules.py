"""The rules of a gate: its expressions, the tests that they hold for, and what its verdicts do.

An expression reads `[mode/]metric[.statistic]:allowed[%][@confidence]`, or `@exact` for a count; see docs/gate.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.metric_table import GATE_METRICS, AnyMetric
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.routing.registry import MODES

if TYPE_CHECKING:
    from pytest_swarm.gate.baseline import BaselineCase

Statistic = Literal["mean", "median", "sum"]
Strictness: TypeAlias = Literal["off", "warn", "fail"]
Incomparable: TypeAlias = Literal["warn", "fail", "ignore"]
Inconclusive: TypeAlias = Literal["pass", "warn", "fail"]

DEFAULT_CONFIDENCE: Final = 95.0
DEFAULTS: Final = ("score:-2.5%@95", "violations:+0")
_STATISTICS: Final[Mapping[Kind, tuple[Statistic, ...]]] = MappingProxyType(
    {Kind.COUNT: ("sum",), Kind.MEAN: ("mean",), Kind.TIME: ("median", "mean")}
)
"""How a metric may be summed up; the first is meant where none is named."""
_EXACT: Final = "@exact"
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?|\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A metric and the loss in it that is allowed.

    `allowed` is never negative: in the metric's own unit, or, where `relative`, a share of the baseline's value.
    `mode` None = every mode, each judged on its own. `confidence` in percent, two-sided. `exact` counts fail on one
    more than allowed, whatever chance explains.
    """

    text: str
    metric: AnyMetric
    statistic: Statistic
    allowed: float
    relative: bool
    mode: str | None = None
    confidence: float = DEFAULT_CONFIDENCE
    exact: bool = False

    @property
    def level(self) -> float:
        """The one-sided level of the expression alone, in (0, 1)."""
        return (1 - self.confidence / 100) / 2

    def allowed_loss(self, before: float) -> float:
        """Return the allowed loss in the metric's unit, where the baseline's value is `before`."""
        return self.allowed * abs(before) if self.relative else self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Expressions that hold for a set of cases: those of one test (`test` is its name), or all others (None)."""

    expressions: tuple[Expression, ...]
    gate: Strictness = "fail"
    test: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All rules of a run, and what its verdicts do. `rules` are those of tests with a marker, by the test's name.

    `sequential`: repeats were added only while a case was undecided, so tests must hold at any time.
    """

    default: Rule
    rules: Mapping[str, Rule] = field(default_factory=dict)
    incomparable: Incomparable = "warn"
    inconclusive: Inconclusive = "warn"
    sequential: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", MappingProxyType(dict(self.rules)))

    @property
    def lenient(self) -> Policy:
        """The same rules, of which none fails the run."""
        return replace(
            self,
            default=replace(self.default, gate="warn"),
            rules={name: replace(rule, gate="warn") for name, rule in self.rules.items()},
            incomparable="warn" if self.incomparable == "fail" else self.incomparable,
            inconclusive="warn" if self.inconclusive == "fail" else self.inconclusive,
        )

    def rule_of(self, case: BaselineCase) -> Rule:
        """Return the rule of a case: that of its test, else the default."""
        return self.rule_of_test(case.test_name or "")

    def rule_of_test(self, test: str) -> Rule:
        """Return the rule of a test, by its id without parameters."""
        return self.rules.get(test, self.default)


def parse_expression(text: str, *, what: str) -> Expression:
    """Return the expression of a text.

    Args:
        text: such as `llm/score:-2.5%@95`.
        what: where the text comes from, as named in errors.

    Raises:
        OptionError: the text is not an expression. The message names the character, and what belongs there.
    """
    return _Parser(text.strip(), what).expression()


def check_modes(expressions: Iterable[Expression], modes: Iterable[str], *, what: str) -> None:
    """Raise OptionError for an expression of a mode that is no built-in one, and that neither run nor baseline has.

    Args:
        expressions: the expressions.
        modes: the modes of the run and its baseline.
        what: where the expressions come from, as named in errors.
    """
    known = {*modes, *(spec.name for spec in MODES)}
    for each in expressions:
        if each.mode is not None and each.mode not in known and each.mode.partition(":")[0] not in known:
            near = get_close_matches(each.mode, sorted(known), n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise OptionError(f"{what}: {each.text!r}: no run has the mode {each.mode}{hint}")


class _Parser:
    """A parser that reads from left to right; `at` is the next character."""

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what
        self.at = 0

    def expression(self) -> Expression:
        mode = self._mode()
        metric = self._metric()
        statistic = self._statistic(metric)
        if not self.text.startswith(":", self.at):
            raise self._error("the colon before the allowed loss, as in score:-2.5%")
        self.at += 1
        allowed, relative = self._allowed(metric)
        exact = metric.kind is Kind.COUNT and self.text.startswith(_EXACT, self.at)
        self.at += len(_EXACT) if exact else 0
        confidence = DEFAULT_CONFIDENCE if exact else self._confidence()
        if self.at < len(self.text):
            raise self._error("the end")
        return Expression(
            text=self.text,
            metric=metric,
            statistic=statistic,
            allowed=allowed,
            relative=relative,
            mode=mode,
            confidence=confidence,
            exact=exact,
        )

    def _mode(self) -> str | None:
        """What precedes the last slash: tags of models may hold slashes and colons of their own."""
        slash = self.text.rfind("/")
        if slash < 0:
            return None
        if slash == 0:
            raise self._error("the mode before the slash, as in llm/score:-2%")
        self.at = slash + 1
        return self.text[:slash]

    def _metric(self) -> AnyMetric:
        found = _NAME.match(self.text, self.at)
        if found is None or found[0] not in GATE_METRICS:
            raise self._error(f"a metric: {', '.join(GATE_METRICS)}")
        self.at = found.end()
        return GATE_METRICS[found[0]]

    def _statistic(self, metric: AnyMetric) -> Statistic:
        known = _STATISTICS[metric.kind]
        if not self.text.startswith(".", self.at):
            return known[0]
        self.at += 1
        for name in known:
            if self.text.startswith(name, self.at):
                self.at += len(name)
                return name
        raise self._error(f"how {metric.name} is summed up: {' or '.join(sorted(known))}")

    def _allowed(self, metric: AnyMetric) -> tuple[float, bool]:
        sign, other = ("+", "-") if metric.worse > 0 else ("-", "+")
        if not self.text.startswith(sign, self.at):
            way = "rising" if metric.worse > 0 else "falling"
            lack = f", not {other}" if self.text.startswith(other, self.at) else ""
            raise self._error(f"the sign {sign}{lack}, because {metric.name} gets worse by {way}")
        self.at += 1
        start = self.at
        number = self._number("the allowed loss")
        relative = self.text.startswith("%", self.at)
        if metric.kind is Kind.COUNT and (relative or not number.is_integer()):
            raise self._error(f"a whole number before it, because {metric.name} are counted exactly")
        self._require_possible(metric, number, start=start, relative=relative)
        self.at += relative
        return (number / 100, True) if relative else (number, False)

    def _require_possible(self, metric: AnyMetric, number: float, *, start: int, relative: bool) -> None:
        """Refuse an allowance above the largest loss that there can be, such as score:-2 in place of score:-2%."""
        most = metric.high - (metric.low or 0.0) if metric.high is not None else None
        if relative:
            most = 100.0 if metric.worse < 0 else None
        if most is not None and number > most:
            unit = " %" if relative else ""
            hint = f"; {number:g} % is written {number:g}%" if not relative and number <= 100 else ""
            self.at = start
            raise self._error(f"a loss of at most {most:g}{unit}, because more could never be found{hint}")

    def _confidence(self) -> float:
        if not self.text.startswith("@", self.at):
            return DEFAULT_CONFIDENCE
        self.at += 1
        start = self.at
        confidence = self._number("the confidence in per cent")
        if not 50 <= confidence < 100:
            self.at = start
            raise self._error("a confidence of at least 50 and below 100 (per cent)")
        return confidence

    def _number(self, name: str) -> float:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise self._error(f"{name}, a number")
        number = float(found[0])
        if not math.isfinite(number):
            raise self._error(f"{name}, a number that is not beyond all bounds")
        self.at = found.end()
        return number

    def _error(self, wanted: str) -> OptionError:
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        return OptionError(f"{self.what}: {self.text!r}, character {self.at + 1}: found {found}, expected {wanted}")
