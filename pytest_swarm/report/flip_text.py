"""What would change a decision: another weight of token cost, other load times, another budget.

Weights and loads are judged by formula from the means of the run, with its plans as they are; nothing is run again.
docs/deciding.md says how well the formulas hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.criteria import SCORE
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.report.decision_text import policy_name
from pytest_swarm.report.wording import significant
from pytest_swarm.statistics.intervals import ratio_interval
from pytest_swarm.units import format_gb

FORMULA_NOTE: Final = (
    "By formula from the means of this run, with its plans as they are; an interval speaks of other jobs. Under other "
    "weights or load times a policy may plan anew: run it with them before you rely on it."
)
BUDGETS_NOTE: Final = "Other budgets were run."
_TOKENS: Final = 1000  # tokens of a unit of cost in the objective
_LEAST_FACTOR: Final = 0.05  # of load times: what flips below it is no matter of loads
_MOST_FACTOR: Final = 20.0  # beyond it the plans would surely be others
_EQUAL: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """What would change a decision, in sentences, and a note on where they come from; None without any."""

    sentences: tuple[str, ...] = ()
    note: str | None = None


def flips_of(decision: PolicyDecision, others: Sequence[PolicyDecision]) -> Flips:
    """Return what would change the decision: the weight of token cost, the load times, another budget.

    Args:
        decision: The decision.
        others: The decisions at all budgets.
    """
    if decision.best is None or decision.choice.ruling is Ruling.TOO_FEW:
        return Flips()
    by_formula = [each for each in (_token_sentence(decision), _load_sentence(decision)) if each is not None]
    budgets = [
        f"At {format_gb(other.budget_gb)} {_elsewhere(decision, other)}."
        for other in others
        if other is not decision
        and other.choice.ruling is not Ruling.TOO_FEW
        and not (other.stand_in_force and decision.stand_in_force)  # neither chose a policy
    ]
    notes = [*([FORMULA_NOTE] if by_formula else []), *([BUDGETS_NOTE] if budgets else [])]
    return Flips(sentences=(*by_formula, *budgets), note=" ".join(notes) or None)


def _elsewhere(decision: PolicyDecision, other: PolicyDecision) -> str:
    """Return what the decision at another budget leads to: `MILP is in force instead`."""
    if other.stand_in_force:
        return "no policy was chosen"
    ours, theirs = (policy_name(each, each.in_force) for each in (decision, other))
    fault = "" if other.fault_in_force is None else f", although it {other.fault_in_force}"
    if decision.stand_in_force:
        return f"{theirs} is in force{fault}"
    return f"the same policy is in force{fault}" if theirs == ours else f"{theirs} is in force instead{fault}"


def token_flip(decision: PolicyDecision) -> float | None:
    """Return the lambda_token at which the better score of one policy is just worth its tokens.

    It is tasks x difference in score / difference in token cost per 1,000 tokens, between the policy that looks best
    and the present one. None where the better score takes no more tokens, or the scores are equal.
    """
    better, other = _by_score(decision)
    if better is None or other is None or better[1] <= other[1]:
        return None
    return decision.measured.scored_tasks() * (better[0] - other[0]) * _TOKENS / (better[1] - other[1])


def load_flip(decision: PolicyDecision) -> float | None:
    """Return how many times as long loads would take for both policies to be equally fast.

    With makespans s, s' and seconds of loads l, l' of both policies it is 1 + (s' - s) / (l - l'). None where a figure
    is missing, or both take the same seconds for loads.
    """
    spans, loads = (_pair(decision, metric) for metric in ("makespan_s", "load_s"))
    if spans is None or loads is None or abs(loads[0] - loads[1]) <= _EQUAL:
        return None
    return 1 + (spans[1] - spans[0]) / (loads[0] - loads[1])


def token_bounds(decision: PolicyDecision) -> tuple[float, float] | None:
    """Return the 95 % interval of `token_flip` over jobs; None where any weight from some size on is possible."""
    tasks = decision.measured.scored_tasks()
    scores, costs = _job_differences(decision, ("score", "token_cost"))
    return ratio_interval([_TOKENS * tasks * each for each in scores], costs)


def load_bounds(decision: PolicyDecision) -> tuple[float, float] | None:
    """Return the 95 % interval of `load_flip` over jobs; None where any factor from some size on is possible."""
    spans, loads = _job_differences(decision, ("makespan_s", "load_s"))
    found = ratio_interval([-each for each in spans], loads)
    return None if found is None else (1 + found[0], 1 + found[1])


def _job_differences(decision: PolicyDecision, metrics: tuple[str, str]) -> list[list[float]]:
    """Return the best policy's mean of each metric minus the present one's, for each family of jobs: its part of it.

    A job that lacks one of them adds to neither.
    """
    assert decision.best is not None
    own, present = (decision.measured.by_setting[each] for each in (decision.best, decision.present))
    found: list[tuple[float, ...]] = []
    for digest in decision.measured.jobs:
        pairs = [(own[digest].mean(metric), present[digest].mean(metric)) for metric in metrics]
        known = [best - now for best, now in pairs if best is not None and now is not None]
        found.append(tuple(known) if len(known) == len(metrics) else (0.0,) * len(metrics))
    return [list(decision.families.parts(column)) for column in zip(*found, strict=True)]


def _interval(bounds: tuple[float, float] | None) -> str:
    """Return the interval of a flip in words; nothing below 0 is a weight or a time."""
    if bounds is None:
        return " (no 95 % interval: on other jobs it may be any)"
    low, high = (significant(each, 2) if each > 0 else "0" for each in bounds)
    return f" (95 % interval {low} to {high})"


def _token_sentence(decision: PolicyDecision) -> str | None:
    """Return what the better score is worth; None where the scores may be equal: chance has no price."""
    better, other = _by_score(decision)
    if better is None or other is None or not _score_is_sure(decision):
        return None
    best, present = _names(decision)
    scores = _pair(decision, "score")
    assert scores is not None
    name, worse = (best, present) if scores[0] > scores[1] else (present, best)
    worth = token_flip(decision)
    if worth is None:
        tokens = "as many" if better[1] == other[1] else "fewer"
        return f"{name} scores better than {worse} for {tokens} tokens, so no lambda_token makes {worse} worth more."
    return (
        f"The better score of {name} is worth its tokens, compared with {worse}, while lambda_token is below "
        f"{significant(worth, 2)}{_interval(token_bounds(decision))}."
    )


def _score_is_sure(decision: PolicyDecision) -> bool:
    """Return whether the interval of the difference in score excludes zero."""
    assert decision.choice.best is not None
    estimate = decision.choice.estimate(decision.choice.best)
    if estimate is None:
        return False
    score = estimate.gain if decision.question.by == SCORE else estimate.score
    return score is not None and score.excludes_zero


def _load_sentence(decision: PolicyDecision) -> str | None:
    factor, spans, loads = load_flip(decision), _pair(decision, "makespan_s"), _pair(decision, "load_s")
    if factor is None or spans is None or loads is None or abs(spans[0] - spans[1]) <= _EQUAL:
        return None
    best, present = _names(decision)
    faster, slower = (best, present) if spans[0] < spans[1] else (present, best)
    if factor < _LEAST_FACTOR:
        return f"{faster} is faster than {slower} however long the loads take."
    if factor > _MOST_FACTOR:
        return f"{faster} is faster than {slower} while loads take up to {_MOST_FACTOR:g} times as long as measured."
    side = "less" if factor > 1 else "more"
    times = significant(factor, 2)
    interval = _interval(load_bounds(decision))
    return f"{faster} is faster than {slower} while loads take {side} than {times} times as long as measured{interval}."


def _names(decision: PolicyDecision) -> tuple[str, str]:
    """Return the policy that looks best and the present one."""
    assert decision.best is not None
    return policy_name(decision, decision.best), policy_name(decision, decision.present)


def _pair(decision: PolicyDecision, metric: str) -> tuple[float, float] | None:
    """Return the means of a metric under the policy that looks best and under the present one."""
    assert decision.best is not None
    best, present = decision.mean(metric, decision.best), decision.mean(metric, decision.present)
    return None if best is None or present is None else (best, present)


def _by_score(decision: PolicyDecision) -> tuple[tuple[float, float], tuple[float, float]] | tuple[None, None]:
    """Return score and token cost of the policy with the better score, then of the other one."""
    scores, costs = _pair(decision, "score"), _pair(decision, "token_cost")
    if scores is None or costs is None or abs(scores[0] - scores[1]) <= _EQUAL:
        return None, None
    both = tuple(zip(scores, costs, strict=True))
    return (both[0], both[1]) if scores[0] > scores[1] else (both[1], both[0])
