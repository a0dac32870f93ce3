"""The estimator: the learned state of one run of jobs, and the table of estimates for a horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import MIN_DIFFICULTY, Task
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.estimate import estimate_formulas
from pytest_swarm.estimate.estimate_table import EstimateTable, Matrix
from pytest_swarm.estimate.starting_estimates import StartingEstimates, TypeTable

_FLEETS: Final = 16  # whose arrays are remembered; a fleet with an "auto" context has one for each context of a step


@dataclass(frozen=True, slots=True, eq=False)
class _Offered:
    """The models on offer as arrays of shape (I, 1); tables share `load_cost`, (I,), so it is not to be changed."""

    cost_per_token: Matrix
    prefill_tokens_per_s: Matrix
    decode_tokens_per_s: Matrix
    max_ctx: Matrix
    context_tokens: Matrix
    load_cost: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class _Beliefs:
    """What is believed of each model and type of task, (I, T): at the start, and now; `column` is a type's place."""

    column: Mapping[str, int]
    start: Matrix
    now: Matrix


@lru_cache(maxsize=_FLEETS)
def _offered(fleet: Fleet) -> _Offered:
    rows = [(each.cost_per_token, *each.speeds, each.max_ctx, each.context_tokens) for each in fleet]
    cost_per_token, prefill, decode, max_ctx, context = (
        np.array(rows, dtype=np.float64).reshape(-1, 5, 1).swapaxes(0, 1)
    )
    load_cost = np.array([estimate_formulas.load_cost(model.load_time_ms) for model in fleet])
    load_cost.flags.writeable = False
    return _Offered(cost_per_token, prefill, decode, max_ctx, context, load_cost)


class Estimator:
    """Estimated quality per model and task type, and estimated token use per model.

    Starts from the fleet's priors, or from `start`; `learn` moves it toward what was observed, unless `learning` is
    off. `--swarm-carryover` decides how long one lives: a case, or all jobs of one mode, horizon and budget.
    """

    def __init__(self, fleet: Fleet, *, start: StartingEstimates | None = None, learning: bool = True) -> None:
        self.fleet = fleet
        self._start = start or TypeTable()
        self._learning = learning
        nothing = np.empty((len(fleet), 0))
        self._beliefs = _Beliefs({}, nothing, nothing)  # of the types that were asked for
        self._token_factor = np.ones((len(fleet), 1))

    def capability(self, tag: str, task_type: str) -> float:
        """Return the estimated quality of a model on a task type at difficulty 1, in [0, 1].

        Args:
            tag: The model.
            task_type: The task type.
        """
        known, (column,) = self._known([task_type])
        return known.now.item(self.fleet.row[tag], column)

    def token_factor(self, tag: str) -> float:
        """Return the estimated number of tokens used per estimated token of a task."""
        return float(self._token_factor[self.fleet.row[tag], 0])

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
        row = self.fleet.row[tag]
        if score is not None:
            known, (column,) = self._known([task.type])
            if known.now is known.start:
                known = self._beliefs = replace(known, now=known.start.copy())
            known.now[row, column] = estimate_formulas.learned_capability(known.now.item(row, column), score)
        if used_tokens is not None:
            factor = self.token_factor(tag)
            self._token_factor = self._token_factor.copy()  # earlier tables keep theirs
            self._token_factor[row] = estimate_formulas.learned_token_factor(factor, used_tokens, task.estimated_tokens)

    def table(
        self, tasks: Sequence[Task], *, fleet: Fleet | None = None, prompts: Mapping[str, int] | None = None
    ) -> EstimateTable:
        """Return the estimates of every fleet model (rows) on every task (columns), in the given orders.

        Args:
            tasks: The tasks.
            fleet: The models with their present contexts; None = those of the fleet file.
            prompts: Task ID to estimated tokens of its prompt: a model whose context is too short is not on offer.
        """
        offered, factor = _offered(fleet or self.fleet), self._token_factor
        tokens = np.array([task.estimated_tokens for task in tasks], dtype=np.float64)
        allowed = tokens <= offered.max_ctx
        if prompts:
            allowed &= np.array([prompts.get(task.id, 0) for task in tasks]) < offered.context_tokens
        known, columns = self._known([task.type for task in tasks])
        start = capability = known.start.take(columns, axis=1)
        if known.now is not known.start:
            capability = known.now.take(columns, axis=1)
        by_text = self._start.offsets(self.fleet, tasks)
        if by_text is not None:
            capability = capability + by_text
        if by_text is not None or any(task.difficulty != MIN_DIFFICULTY for task in tasks):
            difficulty = np.array([task.difficulty for task in tasks], dtype=np.float64)
            capability = estimate_formulas.quality(capability, difficulty)
        return EstimateTable(
            models=self.fleet.tags,
            tasks=tuple([task.id for task in tasks]),
            quality=capability,
            token_cost=estimate_formulas.token_cost(offered.cost_per_token, tokens, factor),
            latency=lambda: estimate_formulas.call_latency_s(
                np.array([tokens_by_length(task.whole_prompt) for task in tasks], dtype=np.float64),
                tokens * factor,
                offered.prefill_tokens_per_s,
                offered.decode_tokens_per_s,
            ),
            allowed=allowed,
            load_cost=offered.load_cost,
            start=start,
        )

    def _known(self, types: Sequence[str]) -> tuple[_Beliefs, list[int]]:
        """Return what is believed of the models, and the columns of some types of task in it."""
        known = self._beliefs
        missing = [each for each in types if each not in known.column]
        if missing:
            new = list(dict.fromkeys(missing))
            fresh = np.array([[self._start.capability(model, each) for each in new] for model in self.fleet])
            start = np.hstack([known.start, fresh])
            now = start if known.now is known.start else np.hstack([known.now, fresh])
            column = {each: place for place, each in enumerate([*known.column, *new])}
            known = self._beliefs = _Beliefs(column, start, now)  # at once, for the sake of other threads
        return known, [known.column[each] for each in types]
