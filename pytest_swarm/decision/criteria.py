"""What a decision is made by: score, utility, makespan or cost, and how much may be lost without regret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import METRICS

_LOSS: Final = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A figure of a job that a policy should raise, or lower where `relative` (seconds, cost)."""

    name: str
    metric: str
    relative: bool
    saved: str

    @property
    def needed(self) -> tuple[Criterion, ...]:
        """Return the figures that each job must have: time and cost are saved only where the score is kept."""
        return (SCORE, self) if self.relative else (self,)

    def of_job(self, job: MeasuredJob) -> float | None:
        """Return the figure of one job; None where it was not measured, or only says how much it is at least."""
        value = job.comparable(METRICS[self.metric])
        return float(value) if isinstance(value, int | float) else None


CRITERIA: Final[Mapping[str, Criterion]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Criterion(name="score", metric="score", relative=False, saved="score"),
            Criterion(name="utility", metric="utility", relative=False, saved="utility"),
            Criterion(name="makespan", metric="makespan_s", relative=True, saved="time"),
            Criterion(name="cost", metric="token_cost", relative=True, saved="token cost"),
        )
    }
)
SCORE: Final = CRITERIA["score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedLoss:
    """A loss that does not matter: a share of the present policy's figure, or an amount of it."""

    amount: float
    relative: bool

    def of(self, present: float) -> float:
        """Return the loss in the unit of the present policy's figure."""
        return self.amount * abs(present) if self.relative else self.amount

    @property
    def text(self) -> str:
        """The loss as it is written: `2%` or `0.02`."""
        return f"{100 * self.amount:g}%" if self.relative else f"{self.amount:g}"


DEFAULT_LOSS: Final = AllowedLoss(amount=0.02, relative=True)


def parse_loss(text: str, *, what: str) -> AllowedLoss:
    """Return the loss of `2%` or `0.02`.

    Args:
        text: As the user wrote it.
        what: The option, for the error.

    Raises:
        OptionError: The text is neither, or a loss of everything.
    """
    match = _LOSS.fullmatch(text)
    if match is None:
        raise OptionError(f"{what}: {text!r} is not a loss; write for example 2% or 0.02")
    amount = float(match[1]) / 100 if match[2] else float(match[1])
    if amount >= 1:
        raise OptionError(f"{what}: {text!r} allows to lose everything; write for example 2% or 0.02")
    return AllowedLoss(amount=amount, relative=match[2] is not None)


def parse_criterion(text: str, *, what: str) -> Criterion:
    """Return the criterion of a name.

    Args:
        text: Such as `score` or `utility`.
        what: What the text is called in an error.

    Raises:
        OptionError: There is no such criterion; the message names the known ones.
    """
    if text not in CRITERIA:
        raise OptionError(f"{what}: {text!r} is not known; known are {', '.join(CRITERIA)}")
    return CRITERIA[text]
