"""What difficulty does to the probability of a right answer: the Rasch model.

    logit p = logit a - slope (difficulty - reference)

a is the accuracy at the reference difficulty; the slope is in logits per step. 0 and 1 stay what they are.
"""

from __future__ import annotations

import math

from pytest_swarm.domain.task import Task
from pytest_swarm.simulator.models.profile_types import Behaviour, Profile


def right_probability(profile: Profile, model: str, task: Task) -> float:
    """Return the probability that a model is right on a task.

    Args:
        profile: The profile, with the accuracy for model and task type.
        model: The model's name.
        task: The task, with its type and its difficulty from 1 to 5.
    """
    return _shifted(profile.accuracy(model, task.type), -_logits(task.difficulty, profile.behaviour))


def at_reference(rate: float, difficulty: float, behaviour: Behaviour) -> float:
    """Return the accuracy at the reference difficulty that gives a rate at another: `right_probability` turned around.

    Args:
        rate: The probability of a right answer.
        difficulty: The difficulty that it holds for.
        behaviour: The slope and the reference difficulty.
    """
    return _shifted(rate, _logits(difficulty, behaviour))


def _logits(difficulty: float, behaviour: Behaviour) -> float:
    return behaviour.difficulty_slope * (difficulty - behaviour.reference_difficulty)


def _shifted(probability: float, logits: float) -> float:
    return probability / (probability + (1.0 - probability) * math.exp(-logits))
