"""The planning problem as a planner model is told it, with its encoding in the text of a prompt.

Shared by the `llm` router, which writes it, and the simulated planner, which reads it back. In the text it is one line
of JSON between two markers, so that a model, a program and a person find it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.errors import BadReplyError
from pytest_swarm.fields import Fields, Json

PROBLEM_OPEN: Final = "<routing_problem>"
PROBLEM_CLOSE: Final = "</routing_problem>"
_BLOCK: Final = re.compile(f"{PROBLEM_OPEN}\n(.*)\n{PROBLEM_CLOSE}")
_DECIMALS: Final = 6  # what is told of a float; finer differences no planner can use


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The estimates of one task on one model; `utility` is its term of the objective."""

    quality: float
    token_cost: float
    utility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemTask:
    """A task of the horizon: its stage (0 = runs now), its parents within the horizon, and an offer per able model."""

    id: str
    type: str
    difficulty: float
    estimated_tokens: int
    stage: int
    after: tuple[str, ...]
    offers: Mapping[str, Offer]

    def __post_init__(self) -> None:
        object.__setattr__(self, "offers", MappingProxyType(dict(self.offers)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemModel:
    """A model on offer: VRAM in GB, what a load costs (0 where it is resident), and whether it is pinned in VRAM.

    `load_price` is what a load takes from the objective where seconds have a weight (0 where it is resident); None
    where they have none: then it is lambda_switch * switch_cost. `shares_with` is the model whose copy in VRAM it uses;
    None = one of its own.
    """

    tag: str
    vram_gb: float
    resident: bool
    switch_cost: float
    pinned: bool = False
    load_price: float | None = None
    shares_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerProblem:
    """One planning step as the planner sees it: the same figures as the LP, and no task's prompt.

    `refused` is the reason for which an earlier answer was refused, None in the first prompt.
    """

    vram_budget_gb: float
    lambda_token: float
    lambda_switch: float
    lambda_latency: float
    models: tuple[ProblemModel, ...]
    tasks: tuple[ProblemTask, ...]
    refused: str | None = field(default=None)


def problem_block(problem: PlannerProblem) -> str:
    """Return the problem as one line of JSON between its markers; floats to six decimals."""
    line = json.dumps(encode_problem(problem), ensure_ascii=True, separators=(",", ":"))
    return f"{PROBLEM_OPEN}\n{line}\n{PROBLEM_CLOSE}"


def find_problem(text: str) -> PlannerProblem | None:
    """Return the problem in a prompt; None where it holds none, or none that can be read."""
    match = _BLOCK.search(text)
    if match is None:
        return None
    try:
        return decode_problem(Fields(json.loads(match[1]), where="routing problem", error=BadReplyError))
    except (ValueError, RecursionError, BadReplyError):
        return None


def encode_problem(problem: PlannerProblem) -> dict[str, Json]:
    """Return the JSON object of a problem."""
    encoded: dict[str, Json] = {
        "vram_budget_gb": problem.vram_budget_gb,
        "lambda_token": problem.lambda_token,
        "lambda_switch": problem.lambda_switch,
        "lambda_latency": problem.lambda_latency,
        "models": [_encode_model(model) for model in problem.models],
        "tasks": [_encode_task(task) for task in problem.tasks],
    }
    return encoded if problem.refused is None else encoded | {"refused": problem.refused}


def decode_problem(fields: Fields) -> PlannerProblem:
    """Return the problem of its JSON object; raises the error of `fields`."""
    return PlannerProblem(
        vram_budget_gb=fields.number("vram_budget_gb"),
        lambda_token=fields.number("lambda_token"),
        lambda_switch=fields.number("lambda_switch"),
        lambda_latency=fields.number("lambda_latency"),
        models=tuple(map(_decode_model, fields.tables("models"))),
        tasks=tuple(map(_decode_task, fields.tables("tasks"))),
        refused=fields.optional_text("refused"),
    )


def _encode_model(model: ProblemModel) -> dict[str, Json]:
    encoded: dict[str, Json] = {
        "model": model.tag,
        "vram_gb": model.vram_gb,
        "resident": model.resident,
        "switch_cost": round(model.switch_cost, _DECIMALS),
        "pinned": model.pinned,
    }
    if model.load_price is not None:
        encoded["load_price"] = round(model.load_price, _DECIMALS)
    return encoded if model.shares_with is None else encoded | {"shares_with": model.shares_with}


def _decode_model(row: Fields) -> ProblemModel:
    return ProblemModel(
        tag=row.text("model"),
        vram_gb=row.number("vram_gb"),
        resident=row.flag("resident"),
        switch_cost=row.number("switch_cost"),
        pinned=row.flag("pinned"),
        load_price=row.optional_number("load_price"),
        shares_with=row.optional_text("shares_with"),
    )


def _encode_task(task: ProblemTask) -> dict[str, Json]:
    offers: dict[str, Json] = {tag: _encode_offer(offer) for tag, offer in task.offers.items()}
    return {
        "task": task.id,
        "type": task.type,
        "difficulty": task.difficulty,
        "estimated_tokens": task.estimated_tokens,
        "stage": task.stage,
        "after": list(task.after),
        "offers": offers,
    }


def _decode_task(row: Fields) -> ProblemTask:
    offers = row.table("offers")
    return ProblemTask(
        id=row.text("task"),
        type=row.text("type"),
        difficulty=row.number("difficulty"),
        estimated_tokens=row.whole("estimated_tokens"),
        stage=row.whole("stage"),
        after=row.texts("after"),
        offers={tag: _decode_offer(offers.table(tag)) for tag in offers},
    )


def _encode_offer(offer: Offer) -> dict[str, Json]:
    return {
        "quality": round(offer.quality, _DECIMALS),
        "token_cost": round(offer.token_cost, _DECIMALS),
        "utility": round(offer.utility, _DECIMALS),
    }


def _decode_offer(row: Fields) -> Offer:
    return Offer(quality=row.number("quality"), token_cost=row.number("token_cost"), utility=row.number("utility"))
