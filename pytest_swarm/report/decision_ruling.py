"""The ruling of a decision in words: a sentence that can be acted on, and how far the choice flatters itself.

Each sentence holds for every table that can lead to it; tests/decision/test_sentences.py walks through them.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.decision.choice import MIN_FAMILIES, GainEstimate, PolicyChoice, Ruling, Shortfall
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.measured_policies import PolicySetting
from pytest_swarm.report.decision_text import (
    basis_sentence,
    chosen_text,
    gain_text,
    interval_text,
    left_out,
    policy_name,
    savings_sentence,
    table_head,
    table_rows,
    undeclared_text,
)
from pytest_swarm.report.text_table import aligned
from pytest_swarm.report.uncounted_jobs import uncounted_jobs
from pytest_swarm.report.wording import percent, point_range, whole_line
from pytest_swarm.statistics.intervals import Interval
from pytest_swarm.units import format_gb, plural

_NOTHING: Final = 5e-4  # of a gain: what is below it is shown as 0.0
_MOST_JOBS: Final = 1000  # further jobs that are counted; beyond it the count would pretend to a precision


def decision_sentence(decision: PolicyDecision) -> str:
    """Return the ruling in a few sentences; that times are predicted, or the present policy unusable, where so."""
    return " ".join(each for each in _sentences(decision) if each)


def _sentences(decision: PolicyDecision) -> tuple[str, ...]:
    fault, choice = _fault_sentence(decision), decision.choice
    match choice.ruling:
        case Ruling.USE:
            return _use(decision), fault
        case Ruling.KEEP:
            return _keep(decision), *_most(decision)
        case Ruling.UNUSABLE:
            return _unusable(decision), _times(decision)
        case Ruling.TOO_FEW:
            verb = "decides" if choice.jobs == 1 else "decide"
            least = str(MIN_FAMILIES) if choice.families == choice.jobs else f"{MIN_FAMILIES} families"
            few = f"{decision.counted} {verb} nothing: measure at least {least}, each under every policy."
            return f"{few}{uncounted_jobs(decision)}", fault, _other_present(decision)
        case Ruling.UNKNOWN:
            return _unknown(decision), fault, _other_present(decision)


def _times(decision: PolicyDecision) -> str:
    """Return that times are predicted, of a decision by time that tells no gain, beside which it would stand."""
    mark = decision.figures.of_times if decision.question.by.name == "makespan" else None
    return "" if mark is None else f"Times are {mark}."


def _keep(decision: PolicyDecision) -> str:
    """Return `No policy is better than M: keep it.`; of a policy that only stands for what is done now, no advice."""
    present = policy_name(decision, decision.present)
    if decision.choice.best is None:
        verb = "can be used" if decision.measured.excluded else "was run"
        reasons = left_out(decision)
        why = f" ({reasons[0]})" if len(reasons) == 1 else ""
        nothing = f"No other policy {verb} at {format_gb(decision.budget_gb)}{why}"
        advice = f", so there is nothing to compare {present} with" if decision.present_assumed else f": keep {present}"
        return f"{nothing}{advice}."
    advice = "" if decision.present_assumed else f": keep {present if _all_lose_score(decision) else 'it'}"
    return f"{_nothing_better(decision, 'No policy')}{advice}."


def _fault_sentence(decision: PolicyDecision) -> str:
    """Return `M breaks the budget in 3 of 8 jobs, so it cannot be used at 8GB.`; nothing where M can be used."""
    fault = decision.measured.present_fault
    if fault is None:
        return ""
    present, budget = policy_name(decision, decision.present), format_gb(decision.budget_gb)
    return f"{present} {fault}, so it cannot be used at {budget}."


def _other_present(decision: PolicyDecision) -> str:
    """Return how to compare with a policy that can be used; nothing where the present one can, or is the only one."""
    if decision.measured.present_fault is None or len(decision.policies) == 1:
        return ""
    return "Name a usable one with --against."


def _use(decision: PolicyDecision) -> str:
    best, estimate = decision.best, _estimate(decision, decision.choice.best)
    assert best is not None
    assert decision.choice.honest is not None
    present = policy_name(decision, decision.present)
    gain = gain_text(decision, decision.choice.honest)
    sentences = (
        f"Use {policy_name(decision, best)}: compared with {present} it gains {gain} per job "
        f"({chosen_text(decision, estimate)}).",
        savings_sentence(decision, best),
        _uneven(decision),
        undeclared_text(decision),
    )
    return " ".join(each for each in sentences if each)


def _uneven(decision: PolicyDecision) -> str:
    """Return why a policy that saves a share of the time takes more seconds in the mean; nothing where it does not."""
    by, best = decision.question.by, decision.best
    if by.name != "makespan" or best is None:
        return ""
    was, now = decision.mean("makespan_s", decision.present), decision.mean("makespan_s", best)
    if was is None or now is None or now <= was:
        return ""
    return "The gain is that of most jobs; some long ones take longer."


def _all_lose_score(decision: PolicyDecision) -> bool:
    """Return whether a policy that surely loses too much score could save more than is allowed to be lost."""
    return any(_estimate(decision, n).gain.may_exceed(decision.choice.margin) for n in decision.choice.losing)


def _nothing_better(decision: PolicyDecision, no_policy: str) -> str:
    """Return that no policy is better than the present one, without a full stop."""
    if _all_lose_score(decision):
        loss, least = decision.question.max_loss.text, percent(decision.choice.margin)
        saved = decision.question.by.saved
        return f"{no_policy} saves more than {least} of the {saved} without losing more than {loss} of score"
    return f"{no_policy} is better than {policy_name(decision, decision.present)}"


def _most(decision: PolicyDecision) -> tuple[str, ...]:
    """Return `The most that another one could gain is ..` where one could; and what is said of predicted times."""
    choice = decision.choice
    if choice.best is None or choice.most_open is None or choice.most_open in choice.losing:
        return (_times(decision),)
    widest = _estimate(decision, choice.most_open)
    if not widest.gain.may_exceed(_NOTHING):
        loses = "Each other one loses." if widest.gain.is_below_zero else "No other one gains anything."
        return "" if choice.losing else loses, _times(decision)
    which = "another one that may keep the score" if choice.losing else "another one"
    name = policy_name(decision, decision.policies[widest.policy])
    return (f"The most that {which} could gain is {gain_text(decision, widest.most)} per job ({name}).",)


def _unusable(decision: PolicyDecision) -> str:
    """Return the sentence where no usable policy is better than a present one that cannot be used itself."""
    others = [policy_name(decision, each) for each in decision.policies[1:]]
    fault = _fault_sentence(decision)
    if not others:
        budget = format_gb(decision.budget_gb)
        return f"No policy that was run can be used at {budget}. {fault} Run others, or decide for a larger budget."
    nothing = _nothing_better(decision, "No usable policy")
    return f"{nothing}, but {fault} Usable are {', '.join(others)}: decide among them with --against."


def _unknown(decision: PolicyDecision) -> str:
    choice, best = decision.choice, decision.best
    assert best is not None
    assert choice.honest is not None
    assert choice.cross_fitted is not None
    assert choice.naive is not None
    estimate = _estimate(decision, choice.best)
    name, present = policy_name(decision, best), policy_name(decision, decision.present)
    elsewhere = gain_text(decision, choice.cross_fitted)
    more = any(each.gain.mean > estimate.gain.mean for each in choice.estimates)
    keeping = f" of those that {'seem to' if _seems_to_keep(decision, best) else 'may'} keep the score,"
    looks = f"{name} looks best{keeping if more else ''}"
    as_good = f"that {present} is as good, if it is"
    if estimate.gain.is_above_zero and estimate.score is not None:
        return _score_open(decision, estimate, estimate.score) + _ways(
            choice, found="that the score is kept", kept="that more score is lost, if it is"
        )
    if choice.naive <= choice.margin:
        return _nothing_looks_better(decision, _ways(choice, found="a gain", kept=as_good))
    if choice.honest <= choice.margin or not choice.shares[decision.policies.index(best)]:
        size = choice.honest if choice.honest > choice.margin else choice.naive
        return (
            f"Cannot tell: {looks} with {gain_text(decision, choice.naive)} per job over {present}, but on "
            f"jobs that had no part in choosing, choosing gains {elsewhere}: that may be "
            f"chance ({interval_text(decision, estimate)}){_score_doubt(decision, estimate)}."
            + _ways(choice, found=f"a gain of {gain_text(decision, size)}", kept=as_good)
        )
    return (
        f"Cannot tell: {looks} and gains {gain_text(decision, choice.honest)} per job over {present}, but "
        f"that may be chance ({chosen_text(decision, estimate)}){_score_doubt(decision, estimate)}."
        + _ways(choice, found="a gain of that size", kept=as_good)
    )


def _nothing_looks_better(decision: PolicyDecision, ways: str) -> str:
    """Return the sentence where no policy looks better by more than is allowed, and one still could be."""
    choice = decision.choice
    widest = _estimate(decision, choice.most_open)
    if widest.gain.is_above_zero and widest.score is not None:
        return f"{_score_open(decision, widest, widest.score)} {_measure_more(choice)}"
    keeping = "" if widest.score is None else " that seems to keep the score"
    by_more = f" by more than {gain_text(decision, choice.margin)}" if choice.margin else ""
    return (
        f"Cannot tell: no policy{keeping} looks better than {policy_name(decision, decision.present)}{by_more}, but "
        f"{policy_name(decision, decision.policies[widest.policy])} could still gain up to "
        f"{gain_text(decision, widest.most)} per job ({interval_text(decision, widest)}).{ways}"
    )


def _score_doubt(decision: PolicyDecision, estimate: GainEstimate) -> str:
    """Return `, and it may lose more score than 2%` where time or cost decides and the score may not be kept."""
    score, was = estimate.score, decision.mean("score", decision.present)
    if score is None or score.low is None or was is None or score.low >= -decision.question.max_loss.of(was):
        return ""
    return f", and it may lose more score than {decision.question.max_loss.text}"


def _seems_to_keep(decision: PolicyDecision, policy: PolicySetting) -> bool:
    """Return whether a policy lost no more score than is allowed, as far as was seen."""
    was, now = decision.mean("score", decision.present), decision.mean("score", policy)
    return was is None or now is None or now - was >= -decision.question.max_loss.of(was)


def _score_open(decision: PolicyDecision, estimate: GainEstimate, score: Interval) -> str:
    """Return the sentence on a policy that surely gains, and may lose too much score for it."""
    name, present = (policy_name(decision, each) for each in (decision.policies[estimate.policy], decision.present))
    return (
        f"Cannot tell: {name} gains {gain_text(decision, estimate.gain.mean)} per job over {present} "
        f"({interval_text(decision, estimate)}), but may lose more score than {decision.question.max_loss.text} (95 % "
        f"interval of its gain in score {point_range(score.low, score.high)})."
    )


def _ways(choice: PolicyChoice, *, found: str, kept: str) -> str:
    """Return a sentence on what would settle an open choice."""
    find, keep = _needed(choice.to_find, choice), _needed(choice.to_keep, choice)
    ways = [f"{count} would show {what}" for count, what in ((find, found), (keep, kept)) if count is not None]
    if not ways:
        return f" {_measure_more(choice)}"
    text = "; ".join(ways)
    return f" {text[:1].upper()}{text[1:]}."


def _measure_more(choice: PolicyChoice) -> str:
    unit = "jobs" if choice.families == choice.jobs else "families of jobs"
    return f"Measure more {unit}, or allow a larger loss with --max-loss."


def _needed(shortfall: Shortfall | None, choice: PolicyChoice) -> str | None:
    """Return `about 60 more jobs, or 3 more repeats of each job`; None where nothing is enough.

    Where families are declared, they are what is counted: more jobs of the same ones would not do.
    """
    if shortfall is None or shortfall.families is None:
        return None
    count = max(1, shortfall.families - choice.families)
    noun = "more job" if choice.families == choice.jobs else "more family"
    more = f"over {plural(_MOST_JOBS, noun)}" if count > _MOST_JOBS else f"about {plural(count, noun)}"
    if choice.families != choice.jobs:
        more += " of jobs"
    if shortfall.repeats is None:
        return more
    return f"{more}, or {plural(shortfall.repeats, 'more repeat')} of each job,"


def honesty_sentence(decision: PolicyDecision) -> str | None:
    """Return how far the choice flatters itself; None where nothing was chosen, or the ruling says it."""
    choice, best = decision.choice, decision.best
    if best is None or choice.naive is None or choice.honest is None or choice.cross_fitted is None:
        return None
    if choice.ruling not in (Ruling.USE, Ruling.UNKNOWN) or choice.honest <= choice.margin < choice.naive:
        return None
    if choice.ruling is Ruling.UNKNOWN and choice.naive <= choice.margin:
        return None
    share = choice.shares[choice.best or 0]
    return (
        f"On jobs that had no part in choosing, choosing gains {gain_text(decision, choice.cross_fitted)}. "
        f"Of the choices by four fifths of the jobs {percent(share)} fell on {policy_name(decision, best)}."
    )


def decision_details(decision: PolicyDecision) -> tuple[str, ...]:
    """Return the sentences after the ruling: how far the choice flatters itself, and what it rests on."""
    return tuple(each for each in (honesty_sentence(decision), basis_sentence(decision)) if each)


def decision_lines(decision: PolicyDecision) -> list[str]:
    """Return the decision as the terminal shows it: the sentence, what it rests on, a table, and what was left out."""
    lines = [f"{format_gb(decision.budget_gb)}: {decision_sentence(decision)}"]
    lines += [f"  {each}" for each in decision_details(decision)]
    lines += [f"  {line}" for line in aligned([table_head(decision), *table_rows(decision)])]
    lines += [f"  Left out: {whole_line(each)}." for each in left_out(decision)]
    return lines


def _estimate(decision: PolicyDecision, policy: int | None) -> GainEstimate:
    assert policy is not None
    estimate = decision.choice.estimate(policy)
    assert estimate is not None
    return estimate
