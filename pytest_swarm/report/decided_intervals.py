"""One interval for one comparison: where a decision judges the same pairs, its interval stands wherever people read.

Terminal, page and Markdown show it; report.json and CSV, which programs read, keep that of the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pytest_swarm.decision.choice import GainEstimate
from pytest_swarm.decision.criteria import SCORE
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.decision.measured_policies import PolicySetting, in_hindsight
from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.report_model import Report

_SAME: Final = 1e-9


def decided_report(report: Report) -> Report:
    """Return the report as it is shown: with the decisions on its run, and their intervals.

    Args:
        report: The report; one that has its decisions is returned as it is.
    """
    if report.decisions is not None:
        return report
    decisions = _decisions_on(report)
    return replace(with_decided_intervals(report, decisions), decisions=decisions)


def _decisions_on(report: Report) -> tuple[PolicyDecision, ...]:
    """Return the decision at each budget; none where one policy was run there."""
    if len(report.mode_names) < 2:
        return ()
    try:
        decisions = decide_runs([report.run], DecisionQuestion(), jobs=[report.jobs])
    except OptionError:  # such as a run of which only modes that know the answers came to an end
        return ()
    return tuple(each for each in decisions if sum(not in_hindsight(policy) for policy in each.measured.by_setting) > 1)


def with_decided_intervals(report: Report, decisions: Sequence[PolicyDecision]) -> Report:
    """Return the report with the decisions' intervals in the comparisons that they judge.

    Args:
        report: The report.
        decisions: Decisions on its run; those that are not by score change nothing.
    """
    judged = [each for each in decisions if each.question.by == SCORE]
    one_setting = len({each.setting for each in report.settings}) == 1
    comparisons = tuple(_decided(each, judged, whole=one_setting) for each in report.comparisons)
    return replace(report, comparisons=comparisons)


def _decided(comparison: Comparison, decisions: Sequence[PolicyDecision], *, whole: bool) -> Comparison:
    """Return the comparison; `whole` says that one over everything is one at the only setting."""
    for decision in decisions:
        for own in (comparison, comparison.reversed):
            found = decided_estimate(own, decision, whole=whole)
            if found is not None and own.difference is not None:
                low, high = found.gain.bounds or (None, None)
                judged = replace(own, difference=replace(own.difference, low=low, high=high, note=None))
                return judged if own is comparison else judged.reversed
    return comparison


def decided_estimate(c: Comparison, decision: PolicyDecision, *, whole: bool) -> GainEstimate | None:
    """Return the gain of the same policy over the present one on the same pairs; None where the decision has none.

    Args:
        c: A comparison with the present policy.
        decision: A decision on its run.
        whole: Whether a comparison over everything is one at the only setting.
    """
    present = decision.present
    if c.reference != present.mode or c.difference is None:
        return None
    if not whole and (c.horizon_depth, c.vram_budget_gb, c.lambda_token) != (
        present.horizon,
        decision.budget_gb,
        present.lambda_token,
    ):
        return None
    policy = PolicySetting(mode=c.mode, horizon=present.horizon, lambda_token=present.lambda_token)
    if policy not in decision.policies:
        return None
    found = decision.choice.estimate(decision.policies.index(policy))
    return found if found is not None and abs(found.gain.mean - c.difference.mean) <= _SAME else None
