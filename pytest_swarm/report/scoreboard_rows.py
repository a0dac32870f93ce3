"""The figures of the scoreboard: one list, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.report.wording import gigabytes, milliseconds, number, percent, seconds, significant


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the scoreboard: where its value comes from, how it is written, and which way is better.

    `better` is "high", "low" or "" (neither); `delta` is "points", "percent", "plain" or "" (none is shown).
    """

    group: str
    label: str
    hint: str
    value: Callable[[Aggregate], float | None]
    written: Callable[[float | None], str]
    better: str = ""
    delta: str = "percent"


FIGURES: Final = (
    Figure(
        group="Quality",
        label="Score",
        hint="mean task score of a job, mean over jobs; 95 % interval over jobs",
        value=lambda a: None if a.score is None else a.score.mean,
        written=lambda v: percent(v, digits=1),
        better="high",
        delta="points",
    ),
    Figure(
        group="Quality",
        label="Utility",
        hint="value of what was executed, on the routers' own estimates",
        value=lambda a: a.utility,
        written=lambda v: number(v, 3),
        better="high",
        delta="plain",
    ),
    Figure(
        group="Quality",
        label="Regret",
        hint="the oracle's score minus this one",
        value=lambda a: a.regret,
        written=lambda v: percent(v, digits=1),
        better="low",
        delta="points",
    ),
    Figure(
        group="VRAM",
        label="Jobs over budget, planned",
        hint="share of jobs with any step whose planned residency is over the budget",
        value=lambda a: a.violation_rate,
        written=lambda v: percent(v),
        better="low",
        delta="points",
    ),
    Figure(
        group="VRAM",
        label="Steps over budget, planned",
        hint="number of plan steps over the budget",
        value=lambda a: float(a.violations),
        written=lambda v: number(v, 0),
        better="low",
        delta="plain",
    ),
    Figure(
        group="VRAM",
        label="Jobs over budget, measured",
        hint="share of jobs in which the server reported more VRAM than the budget",
        value=lambda a: a.measured_violation_rate,
        written=lambda v: percent(v),
        better="low",
        delta="points",
    ),
    Figure(
        group="VRAM",
        label="Planned VRAM",
        hint="mean over steps of a job, mean over jobs",
        value=lambda a: a.planned_vram_gb,
        written=gigabytes,
    ),
    Figure(
        group="VRAM",
        label="Peak VRAM, planned",
        hint="highest planned residency of any step",
        value=lambda a: a.peak_vram_gb,
        written=gigabytes,
    ),
    Figure(
        group="VRAM",
        label="Peak VRAM, measured",
        hint="highest sum of size_vram that the server reported",
        value=lambda a: a.measured_peak_vram_gb,
        written=gigabytes,
    ),
    Figure(
        group="VRAM",
        label="VRAM of distinct models",
        hint="sum over the distinct models of a job: the published measure, also of models never held together",
        value=lambda a: a.distinct_vram_gb,
        written=gigabytes,
    ),
    Figure(
        group="VRAM",
        label="Spilled to RAM",
        hint="most of a resident model that did not fit in VRAM",
        value=lambda a: a.spilled_gb,
        written=gigabytes,
        better="low",
    ),
    Figure(
        group="Time",
        label="Makespan",
        hint="first dispatch to last completion of a job",
        value=lambda a: a.makespan_s,
        written=seconds,
        better="low",
    ),
    Figure(
        group="Time",
        label="Total latency",
        hint="sum of the calls of a job",
        value=lambda a: a.total_latency_s,
        written=seconds,
        better="low",
    ),
    Figure(
        group="Time",
        label="Model loads",
        hint="loads per job",
        value=lambda a: a.switches,
        written=lambda v: number(v),
        better="low",
    ),
    Figure(
        group="Time",
        label="Load time",
        hint="seconds spent loading, per job",
        value=lambda a: a.load_s,
        written=seconds,
        better="low",
    ),
    Figure(
        group="Cost",
        label="Tokens",
        hint="prompt and completion tokens per job",
        value=lambda a: (
            None if a.prompt_tokens is None or a.completion_tokens is None else a.prompt_tokens + a.completion_tokens
        ),
        written=lambda v: number(v, 0),
        better="low",
    ),
    Figure(
        group="Cost",
        label="Token cost",
        hint="cost per token times tokens, per job",
        value=lambda a: a.token_cost,
        written=significant,
        better="low",
    ),
    Figure(
        group="Cost",
        label="Score per token cost",
        hint="mean score over mean token cost",
        value=lambda a: a.score_per_token_cost,
        written=lambda v: significant(v, 2),
        better="high",
    ),
    Figure(
        group="Decision",
        label="Decision per job",
        hint="wall time inside the router, summed over the steps of a job",
        value=lambda a: a.decision_ms,
        written=milliseconds,
        better="low",
    ),
    Figure(
        group="Decision",
        label="Decision per step",
        hint="wall time inside the router, mean over steps",
        value=lambda a: a.decision_ms_per_step,
        written=milliseconds,
        better="low",
    ),
    Figure(
        group="Decision",
        label="Solver per job",
        hint="the part inside the solver, summed over the steps of a job",
        value=lambda a: a.solve_ms,
        written=milliseconds,
    ),
    Figure(
        group="Decision",
        label="Solver per step",
        hint="the part inside the solver, mean over steps",
        value=lambda a: a.solve_ms_per_step,
        written=milliseconds,
    ),
)
