"""The reader of a planner's answer: untrusted text in, choices and counted failures out.

What is kept of an answer (docs/llm.md has the table):

- `invalid_json`: no object with a list of rows is found; nothing is kept.
- `unknown_task`: the row is left out, the others are kept.
- `unknown_model`: the model is not on offer for the task (unknown, or its context is too short); the row is left out,
  the others are kept, the task counts as not answered.
- `duplicate_task`: two rows with one model count as one row; with different models the task counts as not answered.
- `missing_task`: the task was not answered at all; the others are kept.

A task that a row named but that ended up without a choice is not counted as missing as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.plan import PlannerFailure
from pytest_swarm.fields import json_values
from pytest_swarm.routing.base import PlanningView

MAX_ANSWER_CHARS: Final = 200_000  # an answer for a thousand tasks is a quarter of this
_ROWS_KEY: Final = "assignments"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerAnswer:
    """Choices that are kept (task -> model), the failures, each kind as often as it happened, and why in a sentence."""

    choices: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[PlannerFailure, ...] = ()
    detail: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", MappingProxyType(dict(self.choices)))


def read_answer(text: str, view: PlanningView) -> PlannerAnswer:
    """Return what an answer says about the tasks of the view; never raises, whatever the text.

    Of several JSON values in the form that was asked for, the last that names a task of the horizon counts: models
    repeat the form first, and think aloud before they decide.

    Args:
        text: The planner's answer, whatever it is.
        view: The step to plan.
    """
    if len(text) > MAX_ANSWER_CHARS:
        return _unreadable(f"the answer has {len(text)} characters, more than {MAX_ANSWER_CHARS}")
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: _Pairs(tuple(pairs)), parse_constant=_no_constant)
    values = json_values(text, opening="{[", decoder=decoder)
    candidates = [rows for value in values if (rows := _rows(value)) is not None]
    if not candidates:
        return _unreadable('the answer holds no JSON object with "assignments", a list of task and model')
    known = {task.id for task in view.tasks}
    serious = [rows for rows in candidates if any(task in known for task, _ in rows)]
    return _judge((serious or candidates)[-1], view)


def _unreadable(detail: str) -> PlannerAnswer:
    return PlannerAnswer(failures=(PlannerFailure.INVALID_JSON,), detail=detail)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A JSON object as it stands: in a plain dict a repeated key would go unnoticed."""

    pairs: tuple[tuple[str, object], ...]

    def get(self, key: str) -> object:
        """Return the value of a key, None where it is absent or appears more than once."""
        values = [value for name, value in self.pairs if name == key]
        return values[0] if len(values) == 1 else None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _rows(value: object) -> list[tuple[str, str]] | None:
    """(task, model) rows of a parsed answer, None where it has not the form that was asked for.

    Besides the form of the schema: the list alone (not an empty one), and an object task -> model in place of the list.
    """
    inner = value.get(_ROWS_KEY) if isinstance(value, _Pairs) else value or None
    if isinstance(inner, _Pairs):
        cells = [(task, model) for task, model in inner.pairs]
    elif isinstance(inner, list) and all(isinstance(row, _Pairs) for row in inner):
        cells = [(row.get("task"), row.get("model")) for row in inner]
    else:
        return None
    rows = [(task, model) for task, model in cells if isinstance(task, str) and isinstance(model, str)]
    return rows if len(rows) == len(cells) else None


def _judge(rows: list[tuple[str, str]], view: PlanningView) -> PlannerAnswer:
    offered = view.models_by_task(view.estimates.allowed)
    choices: dict[str, set[str]] = {}
    named: set[str] = set()
    failures: list[PlannerFailure] = []
    details: list[str] = []
    for task, model in rows:
        if task not in offered:
            failures.append(PlannerFailure.UNKNOWN_TASK)
            details.append(f"task {_short(task)} is not in the horizon")
            continue
        if task in named:
            failures.append(PlannerFailure.DUPLICATE_TASK)
            details.append(f"task {_short(task)} is assigned more than once")
        named.add(task)
        choices.setdefault(task, set()).add(model)
        if model not in offered[task]:
            failures.append(PlannerFailure.UNKNOWN_MODEL)
            details.append(f"model {_short(model)} is not on offer for task {_short(task)}")
    missing = [task.id for task in view.tasks if task.id not in named]
    failures += [PlannerFailure.MISSING_TASK] * len(missing)
    details += [f"task {_short(task)} is missing" for task in missing]
    kept = {task: next(iter(models)) for task, models in choices.items() if len(models) == 1}
    kept = {task: model for task, model in kept.items() if model in offered[task]}
    return PlannerAnswer(choices=kept, failures=tuple(failures), detail=_sentence(details))


def _sentence(details: list[str], most: int = 5) -> str | None:
    more = f"; and {len(details) - most} more" if len(details) > most else ""
    return "; ".join(details[:most]) + more if details else None


def _short(text: str, limit: int = 60) -> str:
    shown = repr(text)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
