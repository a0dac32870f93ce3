"""Report: everything that any output shows, computed once from a Run.

A pure function of the run: no server, no scoring, no clock. Every writer (JSON, CSV, Markdown, terminal, HTML)
takes a Report and computes no figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import Run, RunInfo
from pytest_swarm.fields import Json
from pytest_swarm.metrics.aggregate import Aggregate, aggregate_modes, aggregate_settings
from pytest_swarm.metrics.comparison import Comparison, compare_modes
from pytest_swarm.metrics.curves import CurvePoint, look_ahead
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, measure, setting_order
from pytest_swarm.units import format_gb


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """A run with all its figures. `modes` are aggregates over everything, `settings` per mode, horizon and budget.

    `extra` are further top-level blocks of report.json that other rooms add (such as the gate's verdicts).
    """

    run: Run
    jobs: tuple[MeasuredJob, ...]
    modes: tuple[Aggregate, ...]
    settings: tuple[Aggregate, ...]
    comparisons: tuple[Comparison, ...]
    curves: tuple[CurvePoint, ...]
    extra: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra", MappingProxyType(dict(self.extra)))

    @property
    def info(self) -> RunInfo:
        """What the run was."""
        return self.run.info

    @property
    def mode_names(self) -> tuple[str, ...]:
        """The modes, in the order of the report."""
        return tuple(each.mode for each in self.modes)

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """Every (horizon, budget) of the run, by budget and depth."""
        return tuple(sorted({each.setting for each in self.jobs}, key=setting_order))

    def comparison(self, mode: str, reference: str, setting: Setting | None = None) -> Comparison | None:
        """The comparison of two modes, over everything or at one setting; None where there is none."""
        horizon, budget_gb = (None, None) if setting is None else setting
        for each in self.comparisons:
            if (each.mode, each.reference) == (mode, reference) and (each.horizon_depth, each.vram_budget_gb) == (
                horizon,
                budget_gb,
            ):
                return each
        return None


def build_report(run: Run, *, extra: Mapping[str, Json] | None = None) -> Report:
    """The report of a run; `extra` adds top-level blocks to report.json."""
    jobs = measure(run.jobs)
    settings = aggregate_settings(jobs)
    return Report(
        run=run,
        jobs=jobs,
        modes=aggregate_modes(jobs),
        settings=settings,
        comparisons=compare_modes(jobs),
        curves=look_ahead(settings),
        extra=extra or {},
    )


def horizon_label(horizon: HorizonDepth | None) -> str:
    """`h3`, `flat`, or `all` for every horizon."""
    if horizon is None:
        return "all"
    return "flat" if horizon == "flat" else f"h{horizon}"


def budget_label(budget_gb: float | None) -> str:
    """`8GB`, or `all` for every budget."""
    return "all" if budget_gb is None else format_gb(budget_gb)
