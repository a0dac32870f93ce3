"""Where the estimates of a job start: from the fleet's priors, a file, or the answers to all other jobs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pytest_swarm.domain.estimates_info import EstimatesInfo, EstimatesKind
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import NEUTRAL_CAPABILITY, Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.estimate.scored_calls import CellKey, ScoredCall, cell_sums
from pytest_swarm.estimate.shrinkage import ShrunkTable, named_prior, shrunk_table


class StartingEstimates(Protocol):
    """What is believed of the models before a job begins."""

    def capability(self, model: Model, task_type: str) -> float:
        """Return the quality of a model on a task type at difficulty 1, in [0, 1].

        Args:
            model: A model of the fleet.
            task_type: A word such as `math`.
        """

    def offsets(self, fleet: Fleet, tasks: Sequence[Task]) -> Matrix | None:
        """Return what the text of each task adds to the quality of its type, (I, M); None where no text adds any."""


class EstimateSource(Protocol):
    """Gives each job its starting estimates; `info` says where they come from."""

    @property
    def info(self) -> EstimatesInfo:
        """Where the estimates come from."""

    def of_job(self, graph: TaskGraph) -> StartingEstimates:
        """Return the starting estimates of a job."""

    def knows_answers_of(self, graph: TaskGraph) -> bool:
        """Return whether the estimates of a job are made of answers to the job itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTable:
    """Estimates by model and type. Without any, those of the fleet file.

    `cells` has a figure for each model (by its full tag) and type that was observed, `rest` one for each model that
    was: it counts for the types that were not, where the fleet names no prior.
    """

    cells: Mapping[CellKey, float] = field(default_factory=dict)
    rest: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, table: ShrunkTable) -> TypeTable:
        """Return the estimates of a table."""
        return cls(cells={key: cell.estimate for key, cell in table.cells.items()}, rest=table.rest)

    def capability(self, model: Model, task_type: str) -> float:
        """Return the estimate of a cell, else the fleet's prior, else the model's over all types, else 0.5."""
        tag = full_tag(model.tag)
        found = self.cells.get(CellKey(tag, task_type))
        if found is None:
            found = named_prior(model, task_type)
        return self.rest.get(tag, NEUTRAL_CAPABILITY) if found is None else found

    def offsets(self, fleet: Fleet, tasks: Sequence[Task]) -> None:
        """Return None: every task of a type has the same estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEstimates:
    """The same starting estimates for every job; `graphs` are the digests of the jobs that they are made of."""

    table: StartingEstimates
    info: EstimatesInfo
    graphs: frozenset[str] = frozenset()

    def of_job(self, graph: TaskGraph) -> StartingEstimates:  # noqa: ARG002 # the same for all
        """Return the estimates."""
        return self.table

    def knows_answers_of(self, graph: TaskGraph) -> bool:
        """Return whether the job is among those that were answered."""
        return graph.digest in self.graphs


def prior_estimates(*, learning: bool) -> FixedEstimates:
    """Return the fleet file's priors as a source."""
    return FixedEstimates(table=TypeTable(), info=EstimatesInfo(kind=EstimatesKind.PRIOR, learning=learning))


class CrossFittedEstimates:
    """For each job the estimates from the answers to all other jobs.

    A job is known by its name and by its graph: the answers to either are left out.

    Args:
        calls: All answers.
        fleet: The models, with their priors.
        info: Where the answers come from.
    """

    def __init__(self, calls: Iterable[ScoredCall], fleet: Fleet, *, info: EstimatesInfo) -> None:
        self.calls = tuple(calls)
        self.info = info
        self._fleet = fleet
        self._all = cell_sums(self.calls)
        self._own: dict[tuple[str, str], list[ScoredCall]] = {}
        for call in self.calls:
            self._own.setdefault((call.job, call.graph), []).append(call)
        self._known: dict[tuple[str, str], TypeTable] = {}

    def of_job(self, graph: TaskGraph) -> TypeTable:
        """Return the estimates from the answers to all other jobs."""
        key = (graph.name, graph.digest)
        if key not in self._known:
            self._known[key] = self.without(
                call
                for (job, digest), calls in self._own.items()
                if job == graph.name or digest == graph.digest
                for call in calls
            )
        return self._known[key]

    def knows_answers_of(self, graph: TaskGraph) -> bool:  # noqa: ARG002 # of none
        """Return False: each job leaves its own answers out."""
        return False

    def without(self, own: Iterable[ScoredCall]) -> TypeTable:
        """Return the estimates from all answers but some."""
        left = dict(self._all)
        for key, sums in cell_sums(own).items():
            left[key] = left[key].minus(sums)
        return TypeTable.of(shrunk_table(left, self._fleet))


def estimates_info(
    calls: Iterable[ScoredCall], table: ShrunkTable, *, kind: EstimatesKind, source: str, learning: bool
) -> EstimatesInfo:
    """Return where estimates come from, with the counts behind them.

    Args:
        calls: The answers that they are made of.
        table: What was made of all of them.
        kind: How they are made.
        source: The run, table or file that holds the answers.
        learning: Whether they follow the answers of the run.
    """
    calls = tuple(calls)
    return EstimatesInfo(
        kind=kind,
        learning=learning,
        source=source,
        answers=len(calls),
        jobs=len({call.job for call in calls}),
        strength=table.strength if table.strength is not None and math.isfinite(table.strength) else None,
        rows=tuple(cell for _, cell in sorted(table.cells.items())),
    )
