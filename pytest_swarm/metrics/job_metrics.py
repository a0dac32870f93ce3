"""The metrics of one job, computed from its record alone. Not measured is None, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.rebuilt import Rebuilt
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.fields import Json
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.metric_table import METRICS, MetricTable, shown_in
from pytest_swarm.metrics.packed_values import PackedValues
from pytest_swarm.metrics.spec import JobValues, Show


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMetrics(Rebuilt, MetricTable, JobValues):
    """Every metric of one job as an attribute; docs/metrics.md defines each."""


def job_metrics(record: JobRecord) -> JobMetrics:
    """Return the metrics of one job; `regret` is None, because it needs the oracle's job of the same run."""
    return metrics_of(JobFacts(record=record))


def metrics_of(job: JobFacts) -> JobMetrics:
    """Return the metrics of one job."""
    return JobMetrics(values=MappingProxyType({name: row.of(job) for name, row in METRICS.items()}))


def packed_metrics(metrics: JobMetrics) -> JobMetrics:
    """Return equal metrics in little memory, for those of a whole run."""
    return JobMetrics(values=PackedValues(_PLACES, [metrics.values[name] for name in METRICS]))


def with_regret(metrics: JobMetrics, regret: float | None) -> JobMetrics:
    """Return the metrics with the regret, which other jobs of the run tell."""
    return packed_metrics(JobMetrics(values={**metrics.values, MetricTable.regret.name: regret}))


_IN_CASES: Final = tuple(row.name for row in shown_in(Show.CASE))
_PLACES: Final = {name: n for n, name in enumerate(METRICS)}


def encode_metrics(metrics: JobMetrics) -> dict[str, Json]:
    """Return the JSON object of the metrics, keys as they are named."""
    values = metrics.values
    return {name: encode_value(values[name]) for name in _IN_CASES}


def encode_value(value: object) -> Json:
    """Return the JSON form of a metric's value: a number, a list, a tally, or a list of records."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): encode_value(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [encode_value(each) for each in value]
    assert is_dataclass(value), "no metric has any other value"
    return {each.name: encode_value(getattr(value, each.name)) for each in fields(value)}
