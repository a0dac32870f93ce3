"""--swarm-repeat=auto:MAX: further repeats only of cases that the gate has not decided yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.gate.baseline import Baseline, BaselineSample
from pytest_swarm.gate.draws import bet_scale
from pytest_swarm.gate.rules import DEFAULTS, Rule, parse_expression
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.statistics.sequential import stopping_reason

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, CaseKey
    from pytest_swarm.metrics.job_metrics import JobMetrics

_Watched: TypeAlias = "tuple[str, CaseKey, str]"  # a case without its repeat, and its test


class Repeating:
    """What has been seen of each case in this process. The tests of `statistics.sequential` hold whenever one looks."""

    def __init__(self, baseline: Baseline, rule: Rule) -> None:
        self._then: dict[str, BaselineSample] = {}
        for case in baseline.cases:
            for sample in case.samples:
                self._then.setdefault(sample.digest, sample)
        self._losses: dict[_Watched, list[float]] = {}
        defaults = (parse_expression(text, what="the default") for text in DEFAULTS)
        expression = next(each for each in (*rule.expressions, *defaults) if each.metric.kind is Kind.MEAN)
        self._metric = expression.metric
        known = (sample.figures.get(self._metric.name) for case in baseline.cases for sample in case.samples)
        self._scale = bet_scale(self._metric, [value for value in known if value is not None] or [0.0])
        self._level = expression.level

    def needless(self, case: Case) -> str | None:
        """Why this repeat need not be run; None where it must be. The first repeat always runs."""
        if case.key.repeat == 1:
            return None
        if case.digest not in self._then:
            return "the baseline has no such repeat, so there is nothing to decide"
        return stopping_reason(self._losses.get(_watched(case), []), level=self._level, scale=self._scale)

    def saw(self, case: Case, metrics: JobMetrics) -> None:
        """Take the outcome of a repeat into account."""
        then = self._then.get(case.digest)
        now: float | None = self._metric.of_job(metrics)
        before = None if then is None else then.figures.get(self._metric.name)
        if before is not None and now is not None:
            self._losses.setdefault(_watched(case), []).append(self._metric.worse * (now - before))


def _watched(case: Case) -> _Watched:
    return case.graph.digest, replace(case.key, repeat=1), base_node_id(case.test)
