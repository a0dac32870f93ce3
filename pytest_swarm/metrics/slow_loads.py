"""Loads that took far longer than usual, such as the first of a model, from a disk that is not cached yet.

The mode that runs first pays for them, whichever it is, so they are no merit of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from statistics import median_low
from typing import Final, TypeVar

from pytest_swarm.metrics.measured_jobs import MeasuredJob

_SLOW: Final = 3.0  # times the usual seconds: loads of one model from the page cache differ by far less
_FEWEST: Final = 3  # loads of a model; of fewer, none is usual
_Group = TypeVar("_Group")


def usual_loads_s(jobs: Iterable[MeasuredJob]) -> dict[str, float]:
    """Return the median seconds of each model's loads; of an even number the lower one.

    A first load from the disk, which is slower by much, hardly moves it.
    """
    return {model: median_low(values) for model, values in _by_model(_loads(jobs)).items()}


def slow_loads_s(groups: Mapping[_Group, Collection[MeasuredJob]]) -> dict[_Group, float]:
    """Return the mean seconds of a job that slow loads took beyond the usual, by group.

    Slow is a load of over three times the median of its model in all groups together.

    Args:
        groups: The jobs of each mode or policy, at least one each.
    """
    loads = {name: _loads(jobs) for name, jobs in groups.items()}
    every = _by_model(load for each in loads.values() for load in each)
    usual = {model: median_low(values) for model, values in every.items() if len(values) >= _FEWEST}
    return {
        name: sum(load_s - usual[model] for model, load_s in each if load_s > _SLOW * usual.get(model, load_s))
        / len(groups[name])
        for name, each in loads.items()
    }


def _loads(jobs: Iterable[MeasuredJob]) -> list[tuple[str, float]]:
    """Return the model and the seconds of each load."""
    return [
        (each.model, each.finished_s - each.started_s)
        for job in jobs
        for each in job.record.switches
        if each.action == "load"
    ]


def _by_model(loads: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for model, load_s in loads:
        found[model].append(load_s)
    return found
