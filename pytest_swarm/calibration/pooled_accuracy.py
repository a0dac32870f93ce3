"""How good a model is on tasks that were not recorded: each type of task, pooled with the model's other types.

    a(t) = (r(t) + k A(t)) / (n(t) + k)
    A(t) = (sum of r(u) + 1/2) / (sum of n(u) + 1)        over the types u other than t

r and n are right answers and answers, each as many as answers to different tasks would say as much; k is POOLED_TASKS.
A starts at 1/2 with the weight of one answer (the prior of Jeffreys), so that no accuracy is 0 or 1. Types that were
not recorded have A over all types. So what a model did decides how good it is, and not the models of a base profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean

from pytest_swarm.calibration.accuracy import AccuracyCount, ScoredAnswers
from pytest_swarm.domain.task import ANY_TYPE
from pytest_swarm.simulator.models.difficulty import at_reference
from pytest_swarm.simulator.models.profile_types import POOLED_TASKS, Behaviour


def pooled_accuracies(accuracy: Mapping[str, AccuracyCount], behaviour: Behaviour) -> dict[str, float]:
    """Return the probability of a right answer at the reference difficulty, by type and for `*`; empty for no answers.

    Args:
        accuracy: The scored answers of one model, by type.
        behaviour: Gives the reference difficulty, and what a step of difficulty costs: answers to harder tasks than
            those say of these that they are right more often.
    """
    rates = {
        kind: (count.rate * count.effective + POOLED_TASKS * _rate(each for u, each in accuracy.items() if u != kind))
        / (count.effective + POOLED_TASKS)
        for kind, count in accuracy.items()
    }
    found = {
        kind: at_reference(rate, accuracy[kind].mean_difficulty, behaviour) for kind, rate in sorted(rates.items())
    }
    if accuracy:
        weight = sum(count.effective for count in accuracy.values())
        difficulty = sum(count.mean_difficulty * count.effective for count in accuracy.values()) / weight
        found[ANY_TYPE] = at_reference(_rate(accuracy.values()), difficulty, behaviour)
    return found


def _rate(counts: Iterable[AccuracyCount]) -> float:
    rows = [(count.rate * count.effective, count.effective) for count in counts]
    return (sum(right for right, _ in rows) + 0.5) / (sum(answers for _, answers in rows) + 1)


def partial_share(models: Iterable[ScoredAnswers], assumed: float) -> float:
    """Return the probability that one part of a wrong answer is right: what was measured, pooled with what is assumed.

    q solves the sum of q - q^p / p = the sum of s, over the tasks of p > 1 parts with a mean score s of their wrong
    answers: an answer of which all parts are drawn right loses one. What is assumed weighs as much as one such task.

    Args:
        models: The scored answers of each model.
        assumed: The share of the base profile.
    """
    from scipy.optimize import brentq

    rows = [(task.parts, [score for score in task.scores if score < 1]) for each in models for task in each.tasks]
    means = [(parts, fmean(scores)) for parts, scores in rows if parts > 1 and scores]
    if not means:
        return assumed

    def excess(share: float) -> float:
        return sum(share - share**parts / parts - score for parts, score in means)

    share = float(brentq(excess, 0.0, 1.0)) if excess(1.0) > 0 else 1.0
    return (len(means) * share + assumed) / (len(means) + 1)
