"""The source of a run's starting estimates, as `--swarm-estimates` names it."""

from __future__ import annotations

from pathlib import Path

from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind
from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate.estimates_file import read_estimates
from pytest_swarm.estimate.starting_estimates import (
    CrossFittedEstimates,
    EstimateSource,
    estimates_info,
    prior_estimates,
)
from pytest_swarm.execution.known_answers import read_known_answers


def estimate_source(
    choice: EstimatesChoice, fleet: Fleet, *, learning: bool, imported: Path | None = None
) -> EstimateSource:
    """Return the source of the starting estimates.

    Args:
        choice: What was asked for.
        fleet: The models, with their priors.
        learning: Whether the estimates follow the answers of the run.
        imported: The answers that the simulator plays, where a table was imported.

    Raises:
        EstimateError: The answers are not there, or say nothing of a model of the fleet.
    """
    if choice.kind is EstimatesKind.PRIOR:
        return prior_estimates(learning=learning)
    if choice.kind is EstimatesKind.FILE:
        assert choice.path is not None, "a file has a path"
        return read_estimates(choice.path, fleet, learning=learning)
    path = choice.path or imported
    if path is None:
        raise EstimateError(
            f"--swarm-estimates={choice.kind.value} needs answers to the other jobs that are known before the run: "
            f"name an earlier run, --swarm-estimates={choice.kind.value}:reports/RUN, or run an imported table"
        )
    known = read_known_answers(path)
    table = known.table(fleet)
    info = estimates_info(known.calls, table, kind=choice.kind, source=known.source, learning=learning)
    if choice.kind is EstimatesKind.TEXT:
        from pytest_swarm.estimate.text_estimates import TextEstimates

        return TextEstimates(known.calls, fleet, info=info)
    return CrossFittedEstimates(known.calls, fleet, info=info)
