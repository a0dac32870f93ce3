"""The search for the best models in hindsight against every choice of models, where answers depend on answers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random

import pytest

from pytest_swarm.routing import best_answers as module
from pytest_swarm.routing.best_answers import AnswerProblem, best_answers
from tests.tries import tries

MODELS = ("a", "b", "c")


class DrawnAnswers:
    """Answers whose text and score are drawn from task, model and all texts that the task is given."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        self._seed = seed
        self.tasks = tuple(f"t{n}" for n in range(rng.randint(1, 6)))
        self._inputs = {
            task: tuple(each for each in self.tasks[:n] if rng.random() < 0.5) for n, task in enumerate(self.tasks)
        }

    def inputs(self, task: str) -> tuple[str, ...]:
        return self._inputs[task]

    def answer(self, task: str, model: str, given: Mapping[str, str]) -> tuple[str, float]:
        rng = Random(f"{self._seed} {task} {model} {sorted(given.items())}")
        return rng.choice(["right", "wrong", "odd"]), rng.choice([0.0, 0.5, 1.0])


def problem(seed: int) -> AnswerProblem:
    answers, rng = DrawnAnswers(seed), Random(seed)
    cost = {task: {model: float(rng.randint(1, 2)) for model in MODELS} for task in answers.tasks}
    return AnswerProblem(tasks=answers.tasks, cost=cost, answers=answers)


def played(of: AnswerProblem, models: Mapping[str, str]) -> tuple[float, float]:
    """Minus the sum of the scores, and the cost, of one choice of models."""
    texts: dict[str, str] = {}
    total = cost = 0.0
    for task in of.tasks:
        texts[task], score = of.answers.answer(task, models[task], of.given(task, texts))
        total, cost = total + score, cost + of.cost[task][models[task]]
    return -total, cost


@pytest.mark.thorough
@pytest.mark.parametrize("narrow", [1, 2, 64])
def test_no_choice_of_models_scores_higher_or_as_high_for_less(narrow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NARROW", narrow)
    for seed in range(tries(120)):
        of = problem(seed)
        every = (dict(zip(of.tasks, each, strict=True)) for each in product(MODELS, repeat=len(of.tasks)))
        best = min(played(of, each) for each in every)
        found = best_answers(of)
        assert found.proven
        for pick in (min, max):  # every model of the options does
            assert played(of, {task: pick(found.options[task]) for task in of.tasks}) == pytest.approx(best)
        assert sum(found.scores.values()) == pytest.approx(-best[0])


def test_a_search_that_was_cut_short_proves_nothing_and_still_gives_a_whole_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_NARROW", 1)
    monkeypatch.setattr(module, "MAX_WORK", 0)
    found = [(problem(seed), best_answers(problem(seed))) for seed in range(20)]
    assert not all(each.proven for _, each in found)
    for of, each in found:
        chosen = {task: min(each.options[task]) for task in of.tasks}
        assert -played(of, chosen)[0] == pytest.approx(sum(each.scores.values()))
