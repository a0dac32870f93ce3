"""The estimator: the learned state of one run of jobs, and the table of estimates for a horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate import formulas
from pytest_swarm.estimate.estimate_table import EstimateTable
from pytest_swarm.estimate.starting_estimates import StartingEstimates, TypeTable


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
        self._known_starts: dict[str, Mapping[str, float]] = {}
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
        if score is not None:
            known = self.capability(tag, task.type)
            self._learned[tag, task.type] = formulas.learned_capability(known, score)
        if used_tokens is not None:
            factor = self._token_factor[tag]
            self._token_factor[tag] = formulas.learned_token_factor(factor, used_tokens, task.estimated_tokens)

    def table(
        self, tasks: Sequence[Task], *, fleet: Fleet | None = None, prompts: Mapping[str, int] | None = None
    ) -> EstimateTable:
        """Return the estimates of every fleet model (rows) on every task (columns), in the given orders.

        Args:
            tasks: The tasks.
            fleet: The models with their present contexts; None = those of the fleet file.
            prompts: Task ID to estimated tokens of its prompt: a model whose context is too short is not on offer.
        """
        models, prompts = (fleet or self.fleet).models, prompts or {}
        starts = [self._starts(task.type) for task in tasks]
        needs = [prompts.get(task.id, 0) for task in tasks]
        quality, cost, latency, allowed = [], [], [], []
        for model, given in zip(models, self.fleet.models, strict=True):
            tag, factor = model.tag, self._token_factor[model.tag]
            speeds = model.prefill_tokens_per_s, model.decode_tokens_per_s
            for task, start, need in zip(tasks, starts, needs, strict=True):
                capability = self._learned.get((tag, task.type), start[tag]) + self._start.offset(given, task)
                quality.append(formulas.quality(capability, task.difficulty))
                cost.append(formulas.token_cost(model.cost_per_token, task.estimated_tokens, factor))
                latency.append(formulas.call_latency_s(task.whole_prompt, task.estimated_tokens * factor, *speeds))
                allowed.append(model.can_take(task) and model.fits(need))
        shape = (len(models), len(tasks))
        return EstimateTable(
            models=self.fleet.tags,
            tasks=tuple(task.id for task in tasks),
            quality=np.array(quality, dtype=float).reshape(shape),
            token_cost=np.array(cost, dtype=float).reshape(shape),
            latency_s=np.array(latency, dtype=float).reshape(shape),
            allowed=np.array(allowed, dtype=np.bool_).reshape(shape),
            load_cost=np.array([formulas.load_cost(model.load_time_ms) for model in models]),
            start=np.array([[start[tag] for start in starts] for tag in self.fleet.tags], dtype=float).reshape(shape),
        )

    def _starts(self, task_type: str) -> Mapping[str, float]:
        """Return the starting quality of each model on a type; the starting estimates do not change."""
        known = self._known_starts.get(task_type)
        if known is None:
            known = {model.tag: self._start.capability(model, task_type) for model in self.fleet}
            self._known_starts[task_type] = known
        return known
