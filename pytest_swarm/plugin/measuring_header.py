"""The line before the first test of a run on measured answers: how much it will ask, as far as that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.plugin.cases import key_of
from pytest_swarm.units import plural

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.domain.record import Case
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.prepared_run import PreparedRun

_MOST_PLAYED: Final = 300  # that are played for the line: about ten seconds


def cost_line(run: PreparedRun, measuring: Measuring) -> str:
    """Return the line of a run: its whole cost where the graphs are parameters of the tests, else what is known.

    Args:
        run: The collected benchmarks.
        measuring: What measures its answers.
    """
    whole = cost_of_parameters(run, measuring)
    if whole is not None:
        return f"swarm: {whole}"
    number, known = plural(len(run.collected.tests), "case"), plural(measuring.store.count(), "answer")
    return (
        f"swarm: {number}; {known} in the store; each test says what it will ask before its first question "
        "(--swarm-dry-run tells the cost of all)"
    )


def cost_of_parameters(run: PreparedRun, measuring: Measuring) -> str | None:
    """Return the whole cost of a run whose graphs are parameters of its tests; None for any other, or a long one.

    Args:
        run: The collected benchmarks; the controller of xdist has their node IDs alone.
        measuring: What measures its answers.
    """
    cases = parameter_cases(run)
    return measuring.cost(cases) if 0 < len(cases) <= _MOST_PLAYED else None


def parameter_cases(run: PreparedRun) -> list[Case]:
    """Return all cases of a run, where each test has one graph among its parameters; none otherwise."""
    graphs = [_graph(item) for item in run.collected.items]
    if None in graphs:
        return []
    pairs = zip(run.collected.items, graphs, strict=True)
    return [run.jobs.case_of(graph, item, key_of(item)) for item, graph in pairs if graph is not None]


def _graph(item: pytest.Item) -> TaskGraph | None:
    callspec = getattr(item, "callspec", None)  # only parametrized functions have one
    values = [] if callspec is None else callspec.params.values()
    graphs = [value for value in values if isinstance(value, TaskGraph)]
    return graphs[0] if len(graphs) == 1 else None
