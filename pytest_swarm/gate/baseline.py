"""A baseline: the stored results that a gate compares with, as values and as a file.

A sample is one completed job; a case is all samples of one graph, mode, horizon and budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.domain.record import CaseKey
from pytest_swarm.gate.run_context import RunContext
from pytest_swarm.metrics.measured_jobs import horizon_order, lambda_order
from pytest_swarm.routing.registry import mode_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The name of a job, and the key of its first repeat. Says nothing of the content of the graph."""

    job: str
    key: CaseKey

    @property
    def mode(self) -> str:
        """The routing mode."""
        return self.key.mode

    @property
    def label(self) -> str:
        """Job and case key, as in `wb1 [lp-h3-8GB]`."""
        return f"{self.job} [{self.key.label}]"

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by job, budget, horizon, swept weight and mode."""
        key = self.key
        swept = lambda_order(key.lambda_token)
        return self.job, key.vram_budget_gb, horizon_order(key.horizon), swept, mode_order(key.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSample:
    """One completed job: its figures by metric (None = not measured). `digest` is that of its domain Case.

    `occurrence` distinguishes tests that run the same graph; `tasks` is how many tasks make up the score. `answers` is
    the digest of the answers to all tasks, None where it is not known. `run` is the run that it comes from, where a
    baseline holds several.
    """

    digest: str
    test: str
    repeat: int
    occurrence: int
    tasks: int
    figures: Mapping[str, float | None]
    answers: str | None = None
    run: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))

    @property
    def slot(self) -> tuple[int, int]:
        """What two samples of a case must share to be paired."""
        return self.occurrence, self.repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCase:
    """All samples of one graph under one setup, in the order of their slots.

    `family` is that of the graph in the run that is judged, and `drawn_with` the job that stands for all whose draws
    are shared with this one, None for a job that draws alone. A stored case needs neither.
    """

    setup: Setup
    graph_digest: str
    version: int
    samples: tuple[BaselineSample, ...]
    family: str | None = field(default=None, compare=False)
    drawn_with: str | None = field(default=None, compare=False)

    @property
    def identity(self) -> tuple[Setup, str]:
        """Setup and content: what makes two cases the same."""
        return self.setup, self.graph_digest

    @property
    def test_name(self) -> str | None:
        """The id of its first test without parameters; None without samples."""
        return base_node_id(self.samples[0].test) if self.samples else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Stored results, and the run that they come from. `where` names the file in messages.

    `looks` are the numbers of repeats with which runs were judged against it and left undecided.
    """

    context: RunContext
    cases: tuple[BaselineCase, ...]
    looks: tuple[int, ...] = ()
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.cases, key=lambda case: (case.setup.order, case.graph_digest))
        object.__setattr__(self, "cases", tuple(ordered))


def sorted_samples(samples: Iterable[BaselineSample]) -> tuple[BaselineSample, ...]:
    """Return the samples in the order of their runs, oldest first, and of their slots."""
    return tuple(sorted(samples, key=lambda sample: (sample.run, sample.slot)))
