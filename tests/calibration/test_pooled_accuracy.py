"""Accuracies of unseen tasks: each type pooled with the model's other types, and the share of right parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.calibration.accuracy import AccuracyCount, ScoredAnswers, TaskSamples
from pytest_swarm.calibration.pooled_accuracy import partial_share, pooled_accuracies
from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.simulator.models.difficulty import right_probability
from pytest_swarm.simulator.models.profile import load_profile

A40 = load_profile("a40")
MIDDLE = A40.behaviour.reference_difficulty


def count(right: int, scored: int, difficulty: float = MIDDLE) -> AccuracyCount:
    return AccuracyCount(right=right, scored=scored, mean_difficulty=difficulty, tasks=scored, effective=float(scored))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {}),
        ({"math": count(1, 1)}, {"math": (1 + 5 / 2) / 6, "*": 1.5 / 2}),  # nothing else is known: the prior of 1/2
        (
            {"math": count(0, 1), "code": count(9, 9)},
            {"math": (5 * 9.5 / 10) / 6, "code": (9 + 5 / 4) / 14, "*": 9.5 / 11},
        ),
        (
            {"math": count(0, 40), "code": count(0, 40)},
            {"math": 5 * (0.5 / 41) / 45, "code": 5 * (0.5 / 41) / 45, "*": 0.5 / 81},
        ),
    ],
)
def test_a_type_is_pooled_with_the_others_of_its_model(
    counts: dict[str, AccuracyCount], expected: dict[str, float]
) -> None:
    assert pooled_accuracies(counts, A40.behaviour) == pytest.approx(expected)


def test_an_accuracy_gives_the_measured_rate_at_the_difficulty_where_it_was_measured() -> None:
    level = pooled_accuracies({"math": count(5, 10)}, A40.behaviour)
    harder = pooled_accuracies({"math": count(5, 10, 4.5)}, A40.behaviour)
    assert harder["math"] > level["math"]
    (model, *_) = A40.models
    profile = replace(
        A40,
        known=(),
        models=(replace(model, accuracy={"math": replace(model.accuracy["math"], value=harder["math"])}),),
    )
    task = Task(id="t", type=TaskType.MATH, prompt="?", estimated_tokens=1, difficulty=4.5, expected=Number(value=1))
    assert right_probability(profile, model.spec.name, task) == pytest.approx(level["math"])


def samples(parts: int, *scores: float) -> TaskSamples:
    return TaskSamples(
        job="j", task="t", has_parents=False, outputs_given=False, parts=parts, scores=scores, completion_tokens=()
    )


@pytest.mark.parametrize(
    ("tasks", "share"),
    [
        ([], 0.5),  # nothing measured: what is assumed
        ([samples(1, 0.0), samples(3, 1.0)], 0.5),  # neither tells of parts
        ([samples(4, 0.0, 0.0)] * 9, 0.05),  # never right: what is assumed weighs as much as one task
        ([samples(2, 0.375)] * 9, 0.5),  # two parts by the toss of a coin: 1/2 - 1/8
        ([samples(2, 0.0, 0.75, 1.0)] * 9, 0.5),  # a right answer does not count
        ([samples(2, 0.9)], 0.75),  # more than parts can give
    ],
)
def test_the_share_of_right_parts_is_that_of_the_wrong_answers(tasks: list[TaskSamples], share: float) -> None:
    assert partial_share([ScoredAnswers(tasks=tuple(tasks))], 0.5) == pytest.approx(share)
