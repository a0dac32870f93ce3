"""The report of a run: everything that any output shows, computed once.

It is a pure function of the run: no server, no scoring, no clock. Every writer (JSON, CSV, Markdown, terminal, HTML)
takes a Report and computes no metric of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.decision.criteria import SCORE
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.measured_policies import group_jobs
from pytest_swarm.decision.present_policy import present_mode, present_policies
from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import Run, RunInfo, lambda_label
from pytest_swarm.gate.verdicts import GateResult
from pytest_swarm.metrics.aggregate import Aggregate, aggregate_modes, aggregate_settings
from pytest_swarm.metrics.comparison import Comparison, compare_modes
from pytest_swarm.metrics.lambda_curves import LambdaCurves, lambda_curves
from pytest_swarm.metrics.measured_jobs import MeasuredJob, horizon_order, measure_run
from pytest_swarm.report.wording import joined
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import format_gb, plural

_NAMED: Final = 6  # up to so many modes are named in the head of a report


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAxes:
    """What a run varies besides the mode: horizons, VRAM budgets in GB, and weights of token cost, where swept."""

    horizons: tuple[HorizonDepth, ...]
    budgets_gb: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def pooled(self) -> str:
        """Return over what the whole run is pooled, such as `all horizons (h0 and h3)`; empty for one setting."""
        axes = (
            ("horizons", [horizon_label(each) for each in self.horizons]),
            ("VRAM budgets", [budget_label(each) for each in self.budgets_gb]),
            ("weights of token cost", [f"{each:g}" for each in self.weights]),
        )
        return joined([f"all {what} ({joined(values)})" for what, values in axes if len(values) > 1] or [""])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """A run with all its metrics. `modes` are aggregates over everything, `settings` by mode, horizon and budget.

    `lambda_curves` are the curves of score against cost where the weight of token cost was swept.
    `gate` are the gate's verdicts; None without a gate, and in a report that is built from events alone.
    `reference` is the mode that others are compared with: the one that a decision takes for the one in use now; None
    for one mode.
    `decisions` are those whose intervals stand in `comparisons`; None where the comparisons have their own.
    """

    run: Run
    jobs: tuple[MeasuredJob, ...]
    modes: tuple[Aggregate, ...]
    settings: tuple[Aggregate, ...]
    comparisons: tuple[Comparison, ...]
    reference: str | None = None
    lambda_curves: tuple[LambdaCurves, ...] = ()
    gate: GateResult | None = None
    decisions: tuple[PolicyDecision, ...] | None = None

    @property
    def info(self) -> RunInfo:
        """Return what the run was."""
        return self.run.info

    @property
    def mode_names(self) -> tuple[str, ...]:
        """Return the modes in the order of the report."""
        return tuple(each.mode for each in self.modes)

    @property
    def axes(self) -> RunAxes:
        """Return what the run varies besides the mode."""
        settings = {each.setting for each in self.settings}
        weights = {at.lambda_token for at in settings if at.lambda_token is not None}
        return RunAxes(
            horizons=tuple(sorted({at.horizon for at in settings}, key=horizon_order)),
            budgets_gb=tuple(sorted({at.budget_gb for at in settings})),
            weights=tuple(sorted(weights)) if len(weights) > 1 else (),
        )

    @property
    def overall(self) -> tuple[Comparison, ...]:
        """Return the comparisons over everything, one for each pair of modes."""
        return tuple(each for each in self.comparisons if each.horizon_depth is None)

    def against(self, reference: str | None) -> tuple[Comparison, ...]:
        """Return the comparison of each other mode with one, over everything; none where that one did not run."""
        sides = (each.reversed if each.mode == reference else each for each in self.overall)
        return tuple(each for each in sides if each.reference == reference)


def build_report(run: Run, jobs: tuple[MeasuredJob, ...] | None = None) -> Report:
    """Return the report of a run, without a gate.

    Args:
        run: The run.
        jobs: Its jobs as `measure_run` returns them, where they are measured already.
    """
    jobs = measure_run(run) if jobs is None else jobs
    modes = aggregate_modes(jobs)
    return Report(
        run=run,
        jobs=jobs,
        modes=modes,
        settings=aggregate_settings(jobs, modes=modes),
        comparisons=compare_modes(jobs),
        reference=_reference(jobs) if len(modes) > 1 else None,
        lambda_curves=lambda_curves(jobs),
    )


def _reference(jobs: Sequence[MeasuredJob]) -> str:
    budgets_gb = sorted({each.key.vram_budget_gb for each in jobs})
    grouped = {budget_gb: group_jobs([jobs], budget_gb) for budget_gb in budgets_gb}
    return present_mode(present_policies(grouped, SCORE.needed))


def modes_sentence(report: Report) -> str:
    """Return the modes by name; of many their number, so that the answer stays on the first screen."""
    names = [mode_name(mode) for mode in report.mode_names]
    return joined(names or ["no mode"]) if len(names) <= _NAMED else plural(len(names), "mode")


def horizon_label(horizon: HorizonDepth | None) -> str:
    """Return `h3`, `flat`, or `all` for every horizon."""
    if horizon is None:
        return "all"
    return "flat" if horizon == "flat" else f"h{horizon}"


def budget_label(budget_gb: float | None, lambda_token: float | None = None) -> str:
    """Return `8GB`, or `all` for every budget; `8GB t0.25` where the weight of token cost is swept.

    Args:
        budget_gb: The VRAM budget in GB; None over all of them.
        lambda_token: The weight of token cost where the run sweeps it.
    """
    budget = "all" if budget_gb is None else format_gb(budget_gb)
    return budget if lambda_token is None else f"{budget} {lambda_label(lambda_token)}"
