"""Coverage: how much of what should have been compared was compared, and the names of what was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.pairing import IncompleteJob, Match
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.metrics.measured_jobs import bound_by_failure
from pytest_swarm.metrics.metric_table import GATE_METRICS, MetricTable

_SHOWN: Final = 5  # lost jobs that a row names; the verdicts on cases hold all


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Cases and pairs that were compared, of those that should have been. `lost` are sentences, one for each job.

    A pair is a repeat of a case in this run, beside the baseline.
    """

    cases: int
    cases_expected: int
    pairs: int
    pairs_expected: int
    lost: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The first lost jobs, and how many more there are."""
        more = (f".. and {len(self.lost) - _SHOWN:,} more",) if len(self.lost) > _SHOWN else ()
        return (*self.lost[:_SHOWN], *more)

    def limit(self, verdict: Verdict) -> Verdict:
        """Return the verdict that the coverage allows: nothing is well while results are lost."""
        good = verdict in (Verdict.OK, Verdict.IMPROVED)
        return Verdict.INCONCLUSIVE if good and self.lost else verdict


def coverage_of(
    matches: Sequence[Match], metric: str, *, incomplete: Sequence[IncompleteJob], absent: int, by_slot: bool
) -> Coverage:
    """Return the coverage of one expression under one mode.

    Args:
        matches: the cases that are in both.
        metric: the metric that is compared.
        incomplete: the jobs of this run that did not complete.
        absent: cases of either side that have no counterpart, though they should.
        by_slot: whether a repeat is compared with the same repeat only.
    """
    died = Counter(each.setup for each in incomplete)
    cases = pairs = expected = 0
    lost = [each.sentence for each in incomplete]
    for match in matches:
        then = {sample.slot for sample in match.before.samples if sample.figures.get(metric) is not None}
        slots = {sample.slot for sample in match.before.samples}
        tried = [each for each in match.now.samples if not by_slot or each.slot in slots]
        measured = [each for each in tried if each.figures.get(metric) is not None]
        compared = [each for each in measured if then and (not by_slot or each.slot in then)]
        expected += len(tried) + died.pop(match.setup, 0)
        pairs += len(compared)
        cases += bool(compared)
        if then:
            unmeasured = (each for each in tried if each.figures.get(metric) is None)
            lost += [f"{match.setup.label} r{each.repeat} {_lack(each, metric)}" for each in unmeasured]
    absent += len(died)
    return Coverage(
        cases=cases,
        cases_expected=len(matches) + absent,
        pairs=pairs,
        pairs_expected=expected + sum(died.values()),
        lost=tuple(lost),
    )


def _lack(sample: BaselineSample, metric: str) -> str:
    """Return why a job is not compared: a task failed, so that its figure is but a bound, or there is no figure."""
    bound = sample.figures.get(MetricTable.tasks_failed.name) and bound_by_failure(GATE_METRICS[metric])
    return f"has no {metric} to compare now, because a task failed" if bound else f"has no {metric} now"
