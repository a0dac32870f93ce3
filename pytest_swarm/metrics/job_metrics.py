"""The metrics of one job, computed from its record alone. Not measured is None, never 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Final

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.fields import Json
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.metric_table import METRICS, MetricTable, shown_in
from pytest_swarm.metrics.spec import JobValues, Show


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMetrics(MetricTable, JobValues):
    """Every metric of one job as an attribute; docs/metrics.md defines each."""


def job_metrics(record: JobRecord) -> JobMetrics:
    """Return the metrics of one job; `regret` is None, because it needs the oracle's job of the same run."""
    return metrics_of(JobFacts(record=record))


def metrics_of(job: JobFacts) -> JobMetrics:
    """Return the metrics of one job."""
    return JobMetrics(values=_Values(tuple(row.of(job) for row in METRICS.values())))


_PLACES: Final = {name: n for n, name in enumerate(METRICS)}


class _Values(Mapping[str, object]):
    """The values of all metrics in the order of their table: a third of what a dict of its own takes for each job."""

    __slots__ = ("_values",)

    def __init__(self, values: tuple[object, ...]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> object:
        return self._values[_PLACES[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


def encode_metrics(metrics: JobMetrics) -> dict[str, Json]:
    """Return the JSON object of the metrics, keys as they are named."""
    return {row.name: encode_value(row.of_job(metrics)) for row in shown_in(Show.CASE)}


def encode_value(value: object) -> Json:
    """Return the JSON form of a metric's value: a number, a list, a tally, or a list of records."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): encode_value(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [encode_value(each) for each in value]
    assert is_dataclass(value), "no metric has any other value"
    return {each.name: encode_value(getattr(value, each.name)) for each in fields(value)}
