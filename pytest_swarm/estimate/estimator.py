"""The estimator: the learned state of one run of jobs, and the table of estimates for a horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate import estimate_formulas
from pytest_swarm.estimate.estimate_table import EstimateTable, Matrix
from pytest_swarm.estimate.starting_estimates import StartingEstimates, TypeTable

_REMEMBERED: Final = 1024  # tasks; a prompt is some KB


@dataclass(frozen=True, slots=True)
class _Column:
    """The estimates of one task, by model."""

    quality: list[float] = field(default_factory=list)
    token_cost: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)
    allowed: list[bool] = field(default_factory=list)
    start: list[float] = field(default_factory=list)


class Estimator:
    """Estimated quality per model and task type, and estimated token use per model.

    Starts from the fleet's priors, or from `start`; `learn` moves it toward what was observed, unless `learning` is
    off. `--swarm-carryover` decides how long one lives: a case, or all jobs of one mode, horizon and budget.
    """

    def __init__(self, fleet: Fleet, *, start: StartingEstimates | None = None, learning: bool = True) -> None:
        self.fleet = fleet
        self._start = start or TypeTable()
        self._learning = learning
        self._learned: dict[tuple[str, str], float] = {}
        self._starts: dict[str, list[float]] = {}
        self._offered, self._load_cost = fleet, _load_costs(fleet)
        self._known: dict[tuple[str, float, int, str, int], _Column] = {}
        self._token_factor = dict.fromkeys(fleet.tags, 1.0)

    def capability(self, tag: str, task_type: str) -> float:
        """Return the estimated quality of a model on a task type at difficulty 1, in [0, 1].

        Args:
            tag: The model.
            task_type: The task type.
        """
        learned = self._learned.get((tag, task_type))
        return self._start.capability(self.fleet[tag], task_type) if learned is None else learned

    def token_factor(self, tag: str) -> float:
        """Return the estimated number of tokens used per estimated token of a task."""
        return self._token_factor[tag]

    def learn(self, task: Task, tag: str, *, score: float | None, used_tokens: int | None) -> None:
        """Update the estimates by one outcome; with learning off, leave them as they are.

        Args:
            task: The task that ended.
            tag: The model that it ran on.
            score: Its score in [0, 1]; None = not scored.
            used_tokens: Tokens of prompt and completion; None = not measured.
        """
        if not self._learning:
            return
        self._known.clear()
        if score is not None:
            known = self.capability(tag, task.type)
            self._learned[tag, task.type] = estimate_formulas.learned_capability(known, score)
        if used_tokens is not None:
            factor = self._token_factor[tag]
            self._token_factor[tag] = estimate_formulas.learned_token_factor(factor, used_tokens, task.estimated_tokens)

    def table(
        self, tasks: Sequence[Task], *, fleet: Fleet | None = None, prompts: Mapping[str, int] | None = None
    ) -> EstimateTable:
        """Return the estimates of every fleet model (rows) on every task (columns), in the given orders.

        Args:
            tasks: The tasks.
            fleet: The models with their present contexts; None = those of the fleet file.
            prompts: Task ID to estimated tokens of its prompt: a model whose context is too short is not on offer.
        """
        offered, needed = fleet or self.fleet, prompts or {}
        if offered is not self._offered:
            self._offered, self._known, self._load_cost = offered, {}, _load_costs(offered)
        columns = [self._column(task, needed.get(task.id, 0)) for task in tasks]
        shape = (len(columns), 4, len(offered.models))
        figures = np.array(
            [(each.quality, each.token_cost, each.latency_s, each.start) for each in columns], dtype=np.float64
        )
        quality, token_cost, latency_s, start = np.ascontiguousarray(figures.reshape(shape).transpose(1, 2, 0))
        allowed = np.array([each.allowed for each in columns], dtype=np.bool_).reshape(shape[::2])
        return EstimateTable(
            models=self.fleet.tags,
            tasks=tuple([task.id for task in tasks]),
            quality=quality,
            token_cost=token_cost,
            latency_s=latency_s,
            allowed=np.ascontiguousarray(allowed.T),
            load_cost=self._load_cost,
            start=start,
        )

    def _column(self, task: Task, need: int) -> _Column:
        """Return the estimates of a task; they are remembered until the next outcome."""
        text = task.whole_prompt
        key = (task.type, task.difficulty, task.estimated_tokens, text, need)
        column = self._known.get(key)
        if column is not None:
            return column
        column = _Column()
        starts = self._starts.get(task.type)
        if starts is None:
            starts = [self._start.capability(model, task.type) for model in self.fleet]
            self._starts[task.type] = starts
        for model, given, start in zip(self._offered, self.fleet, starts, strict=True):
            factor = self._token_factor[model.tag]
            capability = self._learned.get((model.tag, task.type), start) + self._start.offset(given, task)
            speeds = model.prefill_tokens_per_s, model.decode_tokens_per_s
            column.quality.append(estimate_formulas.quality(capability, task.difficulty))
            column.token_cost.append(estimate_formulas.token_cost(model.cost_per_token, task.estimated_tokens, factor))
            column.latency_s.append(estimate_formulas.call_latency_s(text, task.estimated_tokens * factor, *speeds))
            column.allowed.append(model.can_take(task) and model.fits(need))
            column.start.append(start)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = column
        return column


def _load_costs(fleet: Fleet) -> Matrix:
    """Return load_time_ms / 1500 of each model, shape (I,); not to be changed, because tables share it."""
    costs = np.array([estimate_formulas.load_cost(model.load_time_ms) for model in fleet])
    costs.flags.writeable = False
    return costs
