"""The table of metrics: every metric of every group, by name, in the order of files and pages.

A new metric is one `MetricSpec` in the group where it belongs, with its function beside it, and
`python -m docs.generate`. Nothing else lists metrics. The recipe is in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pytest_swarm.metrics.cost_metrics import CostMetrics
from pytest_swarm.metrics.decision_metrics import DecisionMetrics
from pytest_swarm.metrics.energy_metrics import EnergyMetrics
from pytest_swarm.metrics.quality_metrics import QualityMetrics
from pytest_swarm.metrics.spec import MetricGroup, MetricSpec, Show
from pytest_swarm.metrics.task_metrics import TaskMetrics
from pytest_swarm.metrics.time_metrics import TimeMetrics
from pytest_swarm.metrics.vram_metrics import VramMetrics

AnyMetric: TypeAlias = MetricSpec[Any, Any]

GROUPS: Final[tuple[type[MetricGroup], ...]] = (
    QualityMetrics,
    VramMetrics,
    TimeMetrics,
    EnergyMetrics,
    CostMetrics,
    DecisionMetrics,
    TaskMetrics,
)


class MetricTable(QualityMetrics, VramMetrics, TimeMetrics, EnergyMetrics, CostMetrics, DecisionMetrics, TaskMetrics):
    """All metrics as attributes: rows of the table on the class, typed values on a job's or a mode's figures."""

    __slots__ = ()


METRICS: Final[Mapping[str, AnyMetric]] = MappingProxyType(
    {name: row for group in GROUPS for name, row in vars(group).items() if isinstance(row, MetricSpec)}
)
"""Every metric by name."""


@cache  # each job asks for the metrics of its summary
def shown_in(place: Show) -> tuple[AnyMetric, ...]:
    """Return the metrics that are shown in a place, in their order."""
    return tuple(row for row in METRICS.values() if place in row.show)


GATE_METRICS: Final[Mapping[str, AnyMetric]] = MappingProxyType({row.name: row for row in shown_in(Show.GATE)})
"""The metrics that a gate expression may name."""
