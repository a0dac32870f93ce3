"""The models with which a job scores highest in hindsight, where a task's answer depends on the answers before it.

Tasks are taken in topological order. What the rest of the job depends on is only the texts that later tasks are given,
so of all choices that lead to the same texts, the best one is kept (dynamic programming).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_swarm.routing.base import HindsightAnswers

MAX_WORK: Final = 40_000  # answers looked up in one search, about: some seconds; jobs of eight tasks take far fewer
_NARROW: Final = 16
_DIGITS: Final = 9  # scores and costs that differ by less are equal

Texts: TypeAlias = tuple[tuple[str, str], ...]  # task and its text, of the tasks whose answers are still to be given


@dataclass(frozen=True, slots=True, kw_only=True)
class BestAnswers:
    """The models that each task may take, and the score of each; `proven`: no choice of models has a higher sum.

    A task may take each model whose answer has the same score at the same cost, where nobody is given it or its text
    is the same.
    """

    options: Mapping[str, frozenset[str]]
    scores: Mapping[str, float]
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProblem:
    """Tasks in topological order, with the models that may run each and what they cost there."""

    tasks: Sequence[str]
    cost: Mapping[str, Mapping[str, float]]
    answers: HindsightAnswers

    def given(self, task: str, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the texts that a task is given.

        Args:
            task: Its id.
            texts: Id of a task before it -> the text of that one's answer.
        """
        return {each: texts[each] for each in self.answers.inputs(task) if each in texts}


@dataclass(frozen=True, slots=True)
class _Path:
    """The best way to some texts: score and cost so far, the last choice, and the way to it."""

    score: float
    cost: float
    model: str = ""
    text: str = ""
    before: _Path | None = None

    def rank(self, score: float = 0.0, cost: float = 0.0) -> tuple[float, float]:
        """Return the sort key of the way with this much score and cost to come; the best has the least."""
        return (-round(self.score + score, _DIGITS), round(self.cost + cost, _DIGITS))


def best_answers(problem: AnswerProblem) -> BestAnswers:
    """Return the models with the highest sum of scores, of these with the least cost.

    A first, narrow search gives a choice that the whole one must beat. Where more ways lead on than the limit allows,
    the best ones are kept, and nothing is proven.
    """
    models = max((len(each) for each in problem.cost.values()), default=1)
    width = max(_NARROW, MAX_WORK // max(1, len(problem.tasks) * models))
    best, whole = _search(problem, _NARROW, None)
    if not whole and width > _NARROW:
        best, whole = _search(problem, width, best)
    chosen = _choices(problem.tasks, best)
    texts = {task: text for task, (_, text) in chosen.items()}
    scores = {
        task: problem.answers.answer(task, model, problem.given(task, texts))[1] for task, (model, _) in chosen.items()
    }
    given_on = frozenset(each for task in problem.tasks for each in problem.answers.inputs(task))
    return BestAnswers(options=_options(problem, chosen, given_on), scores=scores, proven=whole)


def _search(problem: AnswerProblem, width: int, known: _Path | None) -> tuple[_Path, bool]:
    """Return the best way, and whether there is none that is better.

    Args:
        problem: The tasks.
        width: The most ways that are followed at a time.
        known: A whole way; others are left once they cannot become better.
    """
    last_use = {each: n for n, task in enumerate(problem.tasks) for each in problem.answers.inputs(task)}
    least = [min(problem.cost[task].values()) for task in problem.tasks]
    paths: dict[Texts, _Path] = {(): _Path(0.0, 0.0)}
    whole = True
    for n, task in enumerate(problem.tasks):
        paths = _following(problem, task, paths, kept=frozenset(each for each, use in last_use.items() if use > n))
        if known is not None:
            most, rest = len(problem.tasks) - n - 1, sum(least[n + 1 :])
            paths = {each: path for each, path in paths.items() if path.rank(most, rest) < known.rank()}
        if not paths:
            break
        if len(paths) > width:
            paths, whole = dict(sorted(paths.items(), key=lambda each: each[1].rank())[:width]), False
    found = [*paths.values(), *([] if known is None else [known])]
    return min(found, key=lambda each: each.rank()), whole


def _following(
    problem: AnswerProblem, task: str, paths: Mapping[Texts, _Path], *, kept: frozenset[str]
) -> dict[Texts, _Path]:
    """Return the best way to each set of texts after a task, of those that later tasks are given."""
    found: dict[Texts, _Path] = {}
    for texts, path in paths.items():
        given = problem.given(task, dict(texts))
        for model, cost in problem.cost[task].items():
            text, score = problem.answers.answer(task, model, given)
            key = tuple((name, value) for name, value in (*texts, (task, text)) if name in kept)
            following = _Path(path.score + score, path.cost + cost, model, text, path)
            if key not in found or following.rank() < found[key].rank():
                found[key] = following
    return found


def _choices(tasks: Sequence[str], path: _Path) -> dict[str, tuple[str, str]]:
    """Return the model and the text of each task on a way."""
    chosen: dict[str, tuple[str, str]] = {}
    at: _Path | None = path
    for task in reversed(tasks):
        assert at is not None, "a way has a choice for each task"
        chosen[task] = (at.model, at.text)
        at = at.before
    return chosen


def _options(
    problem: AnswerProblem, chosen: Mapping[str, tuple[str, str]], given_on: frozenset[str]
) -> dict[str, frozenset[str]]:
    texts = {task: text for task, (_, text) in chosen.items()}
    options: dict[str, frozenset[str]] = {}
    for task, (best, own) in chosen.items():
        given = problem.given(task, texts)
        costs, score = problem.cost[task], problem.answers.answer(task, best, given)[1]
        options[task] = frozenset(
            model
            for model, cost in costs.items()
            if round(cost - costs[best], _DIGITS) == 0
            and (answer := problem.answers.answer(task, model, given))[1] == score
            and (task not in given_on or answer[0] == own)
        )
    return options
