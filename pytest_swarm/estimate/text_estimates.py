"""Estimates from the text of the prompt where cross-validation says that it adds something to the task type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.domain.estimates_info import EstimatesInfo
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.joined_items import joined_items
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate.estimate_formulas import quality
from pytest_swarm.estimate.scored_calls import ScoredCall
from pytest_swarm.estimate.starting_estimates import CrossFittedEstimates, TypeTable
from pytest_swarm.estimate.text_model import TextModel

FOLDS: Final = 10
_TOO_FEW: Final = "the text of prompts needs answers of several models to tasks of several jobs, so the type decides"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStart:
    """The table of a job, and what the text of each task adds to it by (model, task); empty where it adds nothing."""

    table: TypeTable
    added: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def capability(self, model: Model, task_type: str) -> float:
        """Return the estimate of the type."""
        return self.table.capability(model, task_type)

    def offsets(self, fleet: Fleet, tasks: Sequence[Task]) -> Floats | None:
        """Return what the text of each task adds, (I, M)."""
        if not self.added:
            return None
        tags = [full_tag(tag) for tag in fleet.tags]
        return np.array([[self.added.get((tag, task.id), 0.0) for task in tasks] for tag in tags])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWeight:
    """How much of the text's prediction is taken: 0 where it adds nothing.

    `by_type`, `by_text` and `by_both` are mean squared errors of the differences between models, on answers that were
    held out; `error` is the standard error over jobs of the difference between the first and the last.
    """

    weight: float
    by_type: float
    by_text: float
    by_both: float
    error: float

    @property
    def sentence(self) -> str:
        """What the header says of it."""
        errors = (
            f"(held-out squared error of differences between models {self.by_type:.4f} by type, {self.by_text:.4f} by "
            f"text, {self.by_both:.4f} by both, +-{self.error:.4f})"
        )
        if self.weight == 0.0:
            return f"the text of prompts adds nothing, so the type decides {errors}"
        return f"the text of prompts has weight {self.weight:.2f} {errors}"


def text_weight(actual: Floats, by_type: Floats, by_text: Floats, jobs: Sequence[str]) -> TextWeight:
    """Return the weight w of the text in type + w (text - type), by least squares on held-out answers.

    w = sum (text - type)(score - type) / sum (text - type)^2, within 0 and 1 (stacking: Wolpert, Neural Networks 5
    (1992) 241; Breiman, Machine Learning 24 (1996) 49). It is 0 unless the mean squared error falls by more than one
    standard error, clustered by job.

    Args:
        actual: The scores.
        by_type: Their predictions by type, shape as `actual`.
        by_text: Their predictions by type and text.
        jobs: The job of each.
    """
    gap = by_text - by_type
    total = float(gap @ gap)
    weight = min(1.0, max(0.0, float(gap @ (actual - by_type)) / total)) if total > 0 else 0.0
    squared_type = (actual - by_type) ** 2
    squared_both = (actual - by_type - weight * gap) ** 2
    gain = squared_type - squared_both
    numbers, at = np.unique(np.asarray(jobs), return_inverse=True)
    sums = np.bincount(at, weights=gain - gain.mean())
    count = len(numbers)
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(gain) if count > 1 else math.inf
    return TextWeight(
        weight=weight if gain.mean() > error else 0.0,
        by_type=float(squared_type.mean()),
        by_text=float(((actual - by_text) ** 2).mean()),
        by_both=float(squared_both.mean()),
        error=error,
    )


class TextEstimates:
    """For each job, estimates by type and text from the answers to other jobs.

    Jobs are dealt into ten groups; a job is predicted by a regression that saw no answer of its group, and so is the
    weight of the text decided. Jobs that share a name or a graph are in one group.

    Args:
        calls: All answers.
        fleet: The models, with their priors.
        info: Where the answers come from.
    """

    def __init__(self, calls: Iterable[ScoredCall], fleet: Fleet, *, info: EstimatesInfo) -> None:
        known = {full_tag(model.tag) for model in fleet}
        calls = tuple(call for call in calls if full_tag(call.model) in known)
        self._fleet = fleet
        self._table = CrossFittedEstimates(calls, fleet, info=info)
        self._group = _groups(calls)
        own = np.array([self._group[call.job] for call in calls])
        count = int(own.max(initial=-1)) + 1
        groups = range(count) if count > 1 else ()
        self._models = {group: TextModel(calls[n] for n in np.flatnonzero(own != group)) for group in groups}
        self._whole: TextModel | None = None
        self._calls = calls
        self._weights = self._decided(own, count)
        self.info = replace(info, text=self._sentence() if self._weights else _TOO_FEW)

    @property
    def weight(self) -> float:
        """Return the weight of the text for jobs without an answer among these."""
        return self._weights[None].weight if self._weights else 0.0

    def _sentence(self) -> str:
        """Return what is said of the weight, and of the groups of jobs that have another one than most."""
        weights = [each.weight for group, each in self._weights.items() if group is not None]
        low, high = min(weights), max(weights)
        if low == high == self.weight:
            return self._weights[None].sentence
        some = f"it is {low:.2f} to {high:.2f} over {len(weights)} groups of jobs, each decided by the others' answers"
        return f"{self._weights[None].sentence}; {some}"

    def knows_answers_of(self, graph: TaskGraph) -> bool:  # noqa: ARG002 # of none
        """Return False: each job leaves its own answers out."""
        return False

    def of_job(self, graph: TaskGraph) -> TextStart:
        """Return the estimates of a job."""
        table = self._table.of_job(graph)
        group = self._group.get(graph.name, self._group.get(graph.digest))
        weight = self._weights[group].weight if group in self._weights else 0.0
        if not weight:
            return TextStart(table=table)
        prompts = [(str(task.type), task.prompt) for task in graph.tasks]
        added: dict[tuple[str, str], float] = {}
        for model in self._fleet:
            found = self._model_of(group).predict(full_tag(model.tag), prompts)
            for task, by_text in zip(graph.tasks, () if found is None else found.tolist(), strict=False):
                by_type = quality(table.capability(model, task.type), task.difficulty)
                added[full_tag(model.tag), task.id] = weight * (by_text - by_type)
        return TextStart(table=table, added=added)

    def _model_of(self, group: int | None) -> TextModel:
        if group is not None:
            return self._models[group]
        if self._whole is None:
            self._whole = TextModel(self._calls)
        return self._whole

    def _decided(self, own: npt.NDArray[np.int64], count: int) -> dict[int | None, TextWeight]:
        """The weight of the text for the jobs of each group, and (None) for jobs of none; empty without a choice.

        A router chooses between models, so that only their differences on a task matter: each score and prediction is
        taken relative to the mean over the models that answered the task.
        """
        shared, tasks = _shared_tasks(self._calls)
        if count < 2 or not shared.any():
            return {}
        actual = np.array([call.score for call in self._calls])
        jobs = np.array([call.job for call in self._calls])
        columns = [_relative(values, tasks) for values in (actual, *self._held_out(own))]

        def weight(use: npt.NDArray[np.bool_]) -> TextWeight:
            scores, by_type, by_text = (values[use] for values in columns)
            return text_weight(scores, by_type, by_text, jobs[use].tolist())

        found: dict[int | None, TextWeight] = {None: weight(shared)}
        for group in range(count):
            rest = shared & (own != group)
            if rest.any():
                found[group] = weight(rest)
        return found

    def _held_out(self, own: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Predictions of every answer by type and by text, from the answers of other groups only."""
        by_type, by_text = np.zeros(len(own)), np.zeros(len(own))
        for group, model in self._models.items():
            inside = np.flatnonzero(own == group)
            table = self._table.without(self._calls[n] for n in inside)
            for fleet_model in self._fleet:
                tag = full_tag(fleet_model.tag)
                rows = [n for n in inside if full_tag(self._calls[n].model) == tag]
                asked = [(str(self._calls[n].type), self._calls[n].prompt) for n in rows]
                for n in rows:
                    call = self._calls[n]
                    by_type[n] = quality(table.capability(fleet_model, call.type), call.difficulty)
                found = model.predict(tag, asked) if rows else None
                by_text[rows] = by_type[rows] if found is None else found
        return by_type, by_text


def _groups(calls: Sequence[ScoredCall]) -> dict[str, int]:
    """The group of each job, by its name and by the digest of its graph."""
    stands_for = joined_items((call.graph, call.job) for call in calls)
    group = {name: n % FOLDS for n, name in enumerate(sorted(set(stands_for.values())))}
    return {name: group[root] for name, root in stands_for.items()}


def _shared_tasks(calls: Sequence[ScoredCall]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether several models answered the task of each call, and the number of its task."""
    number: dict[tuple[str, str], int] = {}
    tasks = np.array([number.setdefault((call.graph, call.task), len(number)) for call in calls], dtype=np.int64)
    models: list[set[str]] = [set() for _ in number]
    for call, task in zip(calls, tasks.tolist(), strict=True):
        models[task].add(full_tag(call.model))
    return np.array([len(models[task]) > 1 for task in tasks.tolist()], dtype=np.bool_), tasks


def _relative(values: Floats, tasks: npt.NDArray[np.int64]) -> Floats:
    """Each value less the mean of its task."""
    means = np.bincount(tasks, weights=values) / np.bincount(tasks)
    return values - means[tasks]
