"""The words and the table of a decision: what it rests on, names of policies, gains, intervals, what is saved."""

from __future__ import annotations

from itertools import chain
from typing import Final

from pytest_swarm.decision.choice import GainEstimate
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.measured_policies import PolicySetting
from pytest_swarm.metrics.figures_origin import FiguresOrigin
from pytest_swarm.report.server_text import main_memory_sentences, slow_server_sentences
from pytest_swarm.report.wording import (
    NOT_MEASURED,
    joined,
    number,
    one_line,
    percent,
    points,
    seconds,
    signed_points,
    significant,
)
from pytest_swarm.units import format_gb, plural

_HEAD: Final = ("policy", "gain", "95 % interval", "score", "loads", "makespan", "token cost", "share of choices")
_TIMES: Final = ("loads", "makespan")


def table_head(decision: PolicyDecision) -> tuple[str, ...]:
    """Return the heads of the table; predicted loads and makespans are called so, with how well they were verified."""
    if decision.figures.origin is not FiguresOrigin.PREDICTED:
        return _HEAD
    return tuple(f"{each}, predicted" if each in _TIMES else each for each in _HEAD)


def basis_sentence(decision: PolicyDecision) -> str:
    """Return what the decision rests on, and where its figures come from where no real server gave them all."""
    by = decision.question.by
    repeats = f" of {plural(decision.repeats, 'repeat')}" if decision.repeats > 1 else ""
    marked = decision.figures.sentence
    source = "" if marked is None else f" {marked}"
    jobs = {policy_name(decision, each): decision.jobs_under(each) for each in decision.policies}
    server = (
        *slow_server_sentences(jobs, origin=decision.figures.origin),
        *main_memory_sentences(chain(*jobs.values())),
    )
    policies = plural(len(decision.policies), "policy")
    return (
        f"{decision.counted}{repeats}, {policies}, decided by {by.name}.{_now(decision)}"
        f"{_together(decision)}{source}{''.join(f' {each}' for each in server)}"
    )


def undeclared_text(decision: PolicyDecision) -> str:
    """Return that jobs which look like variants of templates were counted one by one; nothing where none do."""
    if decision.undeclared_templates is None:
        return ""
    templates = plural(decision.undeclared_templates, "template")
    return (
        f"But these {plural(decision.choice.jobs, 'job')} look like variants of {templates}, within which they gain"
        " alike, and were counted as independent: if they are variants, give those of a template one family (in the"
        " graph, or @pytest.mark.swarm(family=...)); counted so, the gain may be chance."
    )


def _now(decision: PolicyDecision) -> str:
    """Return that the present policy stands for another, or for none; nothing where it was named, or is plain."""
    if not decision.present_assumed:
        reason = passed_over(decision)
        return "" if reason is None else f" {reason}."
    present, budget = policy_name(decision, decision.present), format_gb(decision.budget_gb)
    return (
        f" No mode with figures at {budget} says what you do now, so {present} stands for it; decide --against=MODE "
        "names another."
    )


def passed_over(decision: PolicyDecision) -> str | None:
    """Return `MILP stands for what you do now, because LP breaks the budget in 3 of 8 jobs at 8GB`; None without."""
    named = decision.presents[decision.budget_gb].instead_of
    reason = None if named is None else decision.measured.excluded.get(named)
    if named is None or reason is None:
        return None
    present, why = policy_name(decision, decision.present), f"{policy_name(decision, named)} {reason}"
    return f"{present} stands for what you do now, because {why} at {format_gb(decision.budget_gb)}"


def _together(decision: PolicyDecision) -> str:
    """Return what is said of the other budgets: one error for all, and which of them have another present policy."""
    if len(decision.presents) == 1:
        return ""
    others: dict[PolicySetting, list[str]] = {}
    for budget_gb, now in decision.presents.items():
        if now.setting != decision.present:
            others.setdefault(now.setting, []).append(format_gb(budget_gb))
    told = (f" At {joined(each)} the comparison is with {policy_name(decision, now)}." for now, each in others.items())
    return f"{''.join(told)} The decisions at {len(decision.presents)} budgets share one error of 5 %."


def policy_name(decision: PolicyDecision, policy: PolicySetting) -> str:
    """Return the name of a policy in the texts of a decision; it holds foreign text."""
    return one_line(decision.measured.name_of(policy), 120)


def left_out(decision: PolicyDecision) -> tuple[str, ...]:
    """Return why each policy that was left out cannot be used: `LP (horizon 0) breaks the budget in 3 of 8 jobs`."""
    return tuple(f"{policy_name(decision, each)} {reason}" for each, reason in decision.measured.excluded.items())


def gain_text(decision: PolicyDecision, gain: float) -> str:
    """Return a gain as it is told: `3.1 points of score`, `18.0 % of the time`, `0.21 of utility`.

    Args:
        decision: Gives the criterion, and with it the unit.
        gain: In the unit of the criterion: a difference, or the share from 0 to 1 that is saved.
    """
    by = decision.question.by
    if by.relative:
        mark = time_mark(decision) if by.name == "makespan" else ""
        return f"{percent(gain, digits=1)} of the {by.saved}{mark}"
    if by.name != "score":
        return f"{gain:.3f} of utility"
    return f"{'-' if signed_points(gain).startswith('-') else ''}{points(gain)} of score"


def time_mark(decision: PolicyDecision) -> str:
    """Return ` (PREDICTED, not verified)` and the like beside seconds and loads that were predicted."""
    mark = decision.figures.of_times
    return "" if mark is None else f" ({mark})"


def interval_text(decision: PolicyDecision, estimate: GainEstimate) -> str:
    """Return `95 % interval 1.0 to 5.2`, in the unit of `gain_text`; that there is none where the jobs are too few.

    Args:
        decision: Gives the criterion, and with it the unit.
        estimate: A gain with its bounds.
    """
    bounds = estimate.gain.bounds
    if bounds is None:
        return "no 95 % interval, for so many policies the jobs are too few"
    return f"95 % interval {_plain(decision, bounds[0])} to {_plain(decision, bounds[1])}"


def chosen_text(decision: PolicyDecision, estimate: GainEstimate) -> str:
    """Return the interval of the policy that looks best, after its gain on the jobs that chose it.

    That is the gain which the comparisons show; without it, the one that the decision tells would seem to deny it.
    """
    choice, interval = decision.choice, interval_text(decision, estimate)
    if choice.naive is None or choice.honest is None:
        return interval
    naive = _plain(decision, choice.naive)
    return interval if naive == _plain(decision, choice.honest) else f"{naive} on the jobs that chose it; {interval}"


def _plain(decision: PolicyDecision, gain: float) -> str:
    by = decision.question.by
    if by.relative:
        return percent(gain, digits=1)
    return signed_points(gain) if by.name == "score" else f"{gain:+.3f}"


def savings_sentence(decision: PolicyDecision, policy: PolicySetting) -> str:
    """Return `It also saves 1.2 loads and takes 8.3 s more per job.`, compared with the present policy.

    Args:
        decision: The decision.
        policy: One of its policies.

    Returns:
        Nothing where neither loads nor time differ by what a figure shows.
    """
    saved: list[str] = []
    spent: list[str] = []
    for metric, digits, write in (("switches", 1, _loads), ("makespan_s", 2, seconds)):
        was, now = decision.mean(metric, decision.present), decision.mean(metric, policy)
        if was is not None and now is not None and round(abs(was - now), digits):
            (saved if was > now else spent).append(write(abs(was - now)))
    parts = [f"also saves {joined(saved)}"] if saved else []
    parts += [f"takes {joined(spent)} more"] if spent else []
    mark = "" if decision.question.by.name == "makespan" else time_mark(decision)
    return f"It {joined(parts)} per job{mark}." if parts else ""


def _loads(count: float) -> str:
    return f"{number(count)} loads"


def table_rows(decision: PolicyDecision) -> list[tuple[str, ...]]:
    """Return one row per policy, the present one first; parallel to `table_head`."""
    rows: list[tuple[str, ...]] = []
    fault = "" if decision.measured.present_fault is None else "; cannot be used"
    now = f" (now{', assumed' if decision.present_assumed else ''}{fault})"
    for n, policy in enumerate(decision.policies):
        estimate = decision.choice.estimate(n)
        bounds = None if estimate is None else estimate.gain.bounds
        share = percent(decision.choice.shares[n]) if decision.choice.shares else NOT_MEASURED
        rows.append(
            (
                policy_name(decision, policy) + ("" if n else now),
                NOT_MEASURED if estimate is None else _plain(decision, estimate.gain.mean),
                NOT_MEASURED if bounds is None else f"{_plain(decision, bounds[0])} to {_plain(decision, bounds[1])}",
                percent(decision.mean("score", policy), digits=1),
                number(decision.mean("switches", policy)),
                seconds(decision.mean("makespan_s", policy)),
                significant(decision.mean("token_cost", policy)),
                share,
            )
        )
    return rows
