"""A decision in words: one sentence that can be acted on, what it rests on, and why policies were left out."""

from __future__ import annotations

import math

from pytest_swarm.decision.choice import MIN_JOBS, GainEstimate, PolicyChoice, Ruling, Shortfall
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.measured_policies import PolicySetting
from pytest_swarm.report.wording import (
    NOT_MEASURED,
    joined,
    mode_name,
    number,
    one_line,
    percent,
    plural,
    points,
    seconds,
    signed_points,
    significant,
)
from pytest_swarm.units import format_gb

TABLE_HEAD = ("policy", "gain", "95 % interval", "score", "loads", "makespan", "token cost", "chosen by parts")


def policy_name(decision: PolicyDecision, policy: PolicySetting) -> str:
    """Return the mode as people read it, with its horizon where several were measured."""
    if policy.mode.startswith("single:"):
        name = f"always {policy.mode.removeprefix('single:')}"
    else:
        name = mode_name(policy.mode)
    parts = [f"horizon {policy.horizon}"] if len({each.horizon for each in decision.policies}) > 1 else []
    if policy.lambda_token is not None:
        parts.append(f"lambda_token {policy.lambda_token:g}")
    return one_line(name, 80) + (f" ({', '.join(parts)})" if parts else "")


def decision_sentence(decision: PolicyDecision) -> str:
    """Return the ruling in one or two sentences."""
    match decision.choice.ruling:
        case Ruling.USE:
            return _use(decision)
        case Ruling.KEEP:
            return _keep(decision)
        case Ruling.TOO_FEW:
            jobs = decision.choice.jobs
            verb = "decides" if jobs == 1 else "decide"
            return f"{plural(jobs, 'job')} {verb} nothing: measure at least {MIN_JOBS}, each under every policy."
        case Ruling.UNKNOWN:
            return _unknown(decision)


def _use(decision: PolicyDecision) -> str:
    best, estimate = decision.best, _best_estimate(decision)
    assert best is not None
    assert decision.choice.honest is not None
    present = policy_name(decision, decision.present)
    gain = gain_text(decision, decision.choice.honest)
    saved = savings_text(decision, best)
    beside = f" It {'also ' if saved.startswith('saves') else ''}{saved} per job." if saved else ""
    was, now = decision.mean("makespan_s", decision.present), decision.mean("makespan_s", best)
    if decision.question.by.name == "makespan" and was is not None and now is not None and now > was:
        beside += " The gain is that of most jobs; some long ones take longer."
    return (
        f"Use {policy_name(decision, best)}: compared with {present} it gains {gain} per job "
        f"({interval_text(decision, estimate)}).{beside}"
    )


def _keep(decision: PolicyDecision) -> str:
    present = policy_name(decision, decision.present)
    if decision.best is None:
        return f"No other policy can be used at {format_gb(decision.budget_gb)}: keep {present}."
    estimate = _best_estimate(decision)
    if estimate.score_high is not None and estimate.low > 0:
        loss = decision.question.max_loss.text
        return f"No policy saves {decision.question.by.saved} without losing more than {loss} of score: keep {present}."
    assert decision.choice.most_open is not None
    widest = decision.choice.estimate(decision.choice.most_open)
    assert widest is not None
    name = policy_name(decision, decision.policies[widest.policy])
    if widest.high <= 0:
        return f"No policy is better than {present}: keep it. Each other one loses."
    return (
        f"No policy is better than {present}: keep it. The most that another one could gain is "
        f"{gain_text(decision, widest.high)} per job ({name})."
    )


def _unknown(decision: PolicyDecision) -> str:
    best, estimate = decision.best, _best_estimate(decision)
    choice = decision.choice
    assert best is not None
    assert choice.honest is not None
    name, present = policy_name(decision, best), policy_name(decision, decision.present)
    gain = f"{gain_text(decision, choice.honest)} per job over {present}"
    if estimate.low > 0 and estimate.score_low is not None:
        return _score_open(decision, estimate) + _ways(
            choice, found="that the score is kept", kept="that more score is lost, where it is"
        )
    if choice.to_find is None or choice.to_find.jobs is None:
        assert choice.most_open is not None
        widest = choice.estimate(choice.most_open)
        assert widest is not None
        if widest.low > 0 and widest.score_low is not None:
            return f"{_score_open(decision, widest)} Measure more jobs, or allow a larger loss with --max-loss."
        return (
            f"Cannot tell: no policy looks better than {present} by more than is allowed, but "
            f"{policy_name(decision, decision.policies[choice.most_open])} could still gain up to "
            f"{gain_text(decision, widest.high)} per job ({interval_text(decision, widest)})."
            + _ways(choice, found="a gain", kept=f"that {present} is as good, where it is")
        )
    return (
        f"Cannot tell: {name} looks best and gains {gain}, but that may be chance "
        f"({interval_text(decision, estimate)})."
        + _ways(choice, found="a gain of that size", kept=f"that {present} is as good, where it is")
    )


def _score_open(decision: PolicyDecision, estimate: GainEstimate) -> str:
    """Return the sentence on a policy that surely gains, and may lose too much score for it."""
    assert estimate.score_low is not None
    assert estimate.score_high is not None
    name, present = (policy_name(decision, each) for each in (decision.policies[estimate.policy], decision.present))
    return (
        f"Cannot tell: {name} gains {gain_text(decision, estimate.mean)} per job over {present} "
        f"({interval_text(decision, estimate)}), but may lose more score than {decision.question.max_loss.text} (95 % "
        f"interval of its gain in score {signed_points(estimate.score_low)} to {signed_points(estimate.score_high)})."
    )


def _ways(choice: PolicyChoice, *, found: str, kept: str) -> str:
    """Return a sentence on what would settle an open choice."""
    find, keep = _needed(choice.to_find, choice.jobs), _needed(choice.to_keep, choice.jobs)
    ways = [f"{count} would show {what}" for count, what in ((find, found), (keep, kept)) if count is not None]
    if not ways:
        return " Measure more jobs, or allow a larger loss with --max-loss."
    text = "; ".join(ways)
    return f" {text[:1].upper()}{text[1:]}."


def _needed(shortfall: Shortfall | None, jobs: int) -> str | None:
    """Return `about 60 more jobs, or 3 more repeats of each job`; None where nothing is enough."""
    if shortfall is None or shortfall.jobs is None:
        return None
    more = f"about {plural(max(1, shortfall.jobs - jobs), 'more job')}"
    if shortfall.repeats is None:
        return more
    return f"{more}, or {plural(shortfall.repeats, 'more repeat')} of each job,"


def gain_text(decision: PolicyDecision, gain: float) -> str:
    """Return a gain as it is told: `3.1 points of score`, `18.0 % of the time`, `0.21 of utility`."""
    by = decision.question.by
    if by.relative:
        return f"{percent(gain, digits=1)} of the {by.saved}"
    if by.name != "score":
        return f"{gain:.3f} of utility"
    return f"{'-' if signed_points(gain).startswith('-') else ''}{points(gain)} of score"


def interval_text(decision: PolicyDecision, estimate: GainEstimate) -> str:
    """Return `95 % interval 1.0 to 5.2`, in the unit of `gain_text`; that there is none where the jobs are too few."""
    bounds = told_bounds(decision, estimate)
    if bounds is None:
        return "no 95 % interval, for so many policies the jobs are too few"
    return f"95 % interval {_plain(decision, bounds[0])} to {_plain(decision, bounds[1])}"


def told_bounds(decision: PolicyDecision, estimate: GainEstimate) -> tuple[float, float] | None:
    """Return the bounds of a gain, those of a score within what a score can be; None where one is infinite."""
    low, high = estimate.low, estimate.high
    if decision.question.by.name == "score":
        low, high = max(-1.0, low), min(1.0, high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _plain(decision: PolicyDecision, gain: float) -> str:
    by = decision.question.by
    if by.relative:
        return percent(gain, digits=1)
    return signed_points(gain) if by.name == "score" else f"{gain:+.3f}"


def savings_text(decision: PolicyDecision, policy: PolicySetting) -> str:
    """Return `saves 1.2 loads and 8.3 s and costs 0.100 more tokens`, compared with the present policy."""
    saved: list[str] = []
    spent: list[str] = []
    for metric, write in (("switches", _loads), ("makespan_s", seconds)):
        was, now = decision.mean(metric, decision.present), decision.mean(metric, policy)
        if was is None or now is None:
            continue
        text = write(abs(was - now))
        if not text.startswith(("0.0 ", "0.00 ")):
            (saved if was > now else spent).append(text)
    parts = [f"saves {joined(saved)}"] if saved else []
    return joined([*parts, f"takes {joined(spent)} more"] if spent else parts) if saved or spent else ""


def _loads(count: float) -> str:
    return f"{number(count)} loads"


def basis_sentence(decision: PolicyDecision) -> str:
    """Return what the decision rests on, and that it is simulated where it is."""
    choice, by = decision.choice, decision.question.by
    repeats = f" of {plural(decision.repeats, 'repeat')}" if decision.repeats > 1 else ""
    together = ""
    if decision.decided_together > 1:
        together = f" The decisions at {decision.decided_together} budgets share one error of 5 %."
    simulated = " All figures are SIMULATED." if any(run.simulated for run in decision.runs) else ""
    count = len(decision.policies)
    noun = "policy" if count == 1 else "policies"
    return f"{plural(choice.jobs, 'job')}{repeats}, {count} {noun}, decided by {by.name}.{together}{simulated}"


def honesty_sentence(decision: PolicyDecision) -> str | None:
    """Return how far the choice flatters itself; None where nothing was chosen."""
    choice, best = decision.choice, decision.best
    if best is None or choice.naive is None or choice.honest is None or choice.ruling is Ruling.KEEP:
        return None
    if choice.ruling is Ruling.UNKNOWN and (choice.to_find is None or choice.to_find.jobs is None):
        return None
    share = choice.shares[choice.best or 0]
    return (
        f"On the jobs that chose it {policy_name(decision, best)} gains {gain_text(decision, choice.naive)}; on jobs "
        f"that had no part in choosing, choosing gains {gain_text(decision, choice.honest)}. "
        f"{percent(share)} of the parts chose it."
    )


def table_rows(decision: PolicyDecision) -> list[tuple[str, ...]]:
    """Return one row per policy, the present one first; parallel to TABLE_HEAD."""
    rows: list[tuple[str, ...]] = []
    for n, policy in enumerate(decision.policies):
        estimate = decision.choice.estimate(n)
        bounds = None if estimate is None else told_bounds(decision, estimate)
        share = percent(decision.choice.shares[n]) if decision.choice.shares else NOT_MEASURED
        rows.append(
            (
                policy_name(decision, policy) + (" (now)" if n == 0 else ""),
                NOT_MEASURED if estimate is None else _plain(decision, estimate.mean),
                NOT_MEASURED if bounds is None else f"{_plain(decision, bounds[0])} to {_plain(decision, bounds[1])}",
                percent(decision.mean("score", policy), digits=1),
                number(decision.mean("switches", policy)),
                seconds(decision.mean("makespan_s", policy)),
                significant(decision.mean("token_cost", policy)),
                share,
            )
        )
    return rows


def decision_lines(decision: PolicyDecision) -> list[str]:
    """Return the decision as the terminal shows it: the sentence, what it rests on, a table, and what was left out."""
    sentences = [decision_sentence(decision), honesty_sentence(decision), basis_sentence(decision)]
    lines = [f"{format_gb(decision.budget_gb)}: {sentences[0]}", *(f"  {each}" for each in sentences[1:] if each)]
    rows = [TABLE_HEAD, *table_rows(decision)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(TABLE_HEAD))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  Left out: {one_line(each)}." for each in decision.measured.excluded]
    return lines


def _best_estimate(decision: PolicyDecision) -> GainEstimate:
    assert decision.choice.best is not None
    estimate = decision.choice.estimate(decision.choice.best)
    assert estimate is not None
    return estimate
