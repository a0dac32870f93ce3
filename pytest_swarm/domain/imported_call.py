"""A call that others measured: what a table of prompts and models says of one prompt on one model.

A row has `job`, `task`, `model` and `score`; the other keys are null where they were not measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Fields, Json

_MEASURED: Final = ("prompt_tokens", "completion_tokens", "cost", "latency_s")
_KEYS: Final = ("job", "task", "model", "score", *_MEASURED)
MEASURED_ELSEWHERE: Final = "measured elsewhere"  # the detail of a score that a table gave


class CallKey(NamedTuple):
    """The job, task and model of a call."""

    job: str
    task: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCall:
    """The score of one model on one task, in [0, 1], and what else was measured of the call; None = not measured.

    `cost` is in the unit of the fleet's `cost_per_token`. `latency_s` is the whole call.
    """

    score: float
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    latency_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ProfileError(f"a measured score is {self.score:g}, but must be from 0 to 1")
        for name in _MEASURED:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ProfileError(f"the measured {name} is {value:g}, but must be at least 0")


def encode_imported_call(key: CallKey, call: ImportedCall) -> dict[str, Json]:
    """Return the row of a call.

    Args:
        key: The job, task and model.
        call: What was measured.
    """
    measured: dict[str, Json] = {name: getattr(call, name) for name in ("score", *_MEASURED)}
    return {**key._asdict(), **measured}


def decode_imported_call(row: Fields) -> tuple[CallKey, ImportedCall]:
    """Return the key and the call of a row; raise the error of `row` where a value is invalid."""
    row.only(_KEYS)
    key = CallKey(job=row.text("job"), task=row.text("task"), model=row.text("model"))
    return key, ImportedCall(
        score=row.number("score", low=0, high=1),
        prompt_tokens=row.optional_whole("prompt_tokens", low=0),
        completion_tokens=row.optional_whole("completion_tokens", low=0),
        cost=row.optional_number("cost", low=0),
        latency_s=row.optional_number("latency_s", low=0),
    )
