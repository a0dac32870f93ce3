"""The planning problem as a planner model is told it, with its encoding in the text of a prompt.

Shared by the `llm` router, which writes it, and the simulated planner, which reads it back. In the text it is one line
of JSON between two markers, so that a model, a program and a person find it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from pytest_swarm.fields import strict_json

PROBLEM_OPEN: Final = "<routing_problem>"
PROBLEM_CLOSE: Final = "</routing_problem>"
_BLOCK: Final = re.compile(f"{PROBLEM_OPEN}\n(.*)\n{PROBLEM_CLOSE}")


class Offer(Struct, frozen=True, kw_only=True):
    """The estimates of one task on one model; `utility` is its term of the objective."""

    quality: float
    token_cost: float
    utility: float


class ProblemTask(Struct, frozen=True, kw_only=True, rename={"id": "task"}):
    """A task of the horizon: its stage (0 = runs now), its parents within the horizon, and an offer per able model."""

    id: str
    type: str
    difficulty: float
    estimated_tokens: int
    stage: int
    after: tuple[str, ...]
    offers: Mapping[str, Offer]


class ProblemModel(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"tag": "model"}):
    """A model on offer: VRAM in GB, what a load costs (0 where it is resident), and whether it is pinned in VRAM.

    `load_price` is what a load takes from the objective where seconds have a weight (0 where it is resident); None
    where they have none: then it is lambda_switch * switch_cost. `shares_with` is the model whose copy in VRAM it uses;
    None = one of its own.
    """

    tag: str
    vram_gb: float
    resident: bool
    switch_cost: float
    pinned: bool
    load_price: float | None = None
    shares_with: str | None = None


class PlannerProblem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One planning step as the planner sees it: the same figures as the LP, and no task's prompt.

    `refused` is the reason for which an earlier answer was refused, None in the first prompt.
    """

    vram_budget_gb: float
    lambda_token: float
    lambda_switch: float
    lambda_latency: float
    models: tuple[ProblemModel, ...]
    tasks: tuple[ProblemTask, ...]
    refused: str | None = None


def problem_block(problem: PlannerProblem) -> str:
    """Return the problem as one line of JSON between its markers."""
    line = json.dumps(msgspec.to_builtins(problem), ensure_ascii=True, separators=(",", ":"))
    return f"{PROBLEM_OPEN}\n{line}\n{PROBLEM_CLOSE}"


def find_problem(text: str) -> PlannerProblem | None:
    """Return the problem in a prompt; None where it holds none, or none that can be read."""
    match = _BLOCK.search(text)
    if match is None:
        return None
    try:
        return msgspec.convert(strict_json(match[1]), PlannerProblem)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
