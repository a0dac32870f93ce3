"""Curves of score against cost over a sweep of the weight of token cost, and what the literature reads off them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.cost_curves import Point, Range, aiq, apgr, cpt, upper_hull
from pytest_swarm.metrics.curve_coverage import CurveCoverage, missing_figure
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, lambda_order, setting_order
from pytest_swarm.routing.registry import SINGLE, mode_order
from pytest_swarm.statistics.bootstrap import cluster_weights, interval_over_rows
from pytest_swarm.statistics.families import Families

HALF: Final = 0.5  # of the gap between weak and strong, for cpt50


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFigure:
    """A figure of a curve with its 95 % interval over jobs; None where it means nothing, or cannot be given."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptPoint:
    """Mean score and token cost per job of a mode at one weight."""

    lambda_token: float
    cost: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeCurve:
    """The points of one mode, and its figures (docs/metrics.md)."""

    mode: str
    points: tuple[SweptPoint, ...]
    aiq: CurveFigure
    apgr: CurveFigure
    cpt50: CurveFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaCurves:
    """The curves of all modes at one horizon and budget, beside what mixing single models reaches.

    `weak` and `strong` are the cheapest and the best single model. `hull` has the corners of the best mixtures of
    single models, `hull_aiq` the area under it. `jobs` is the number of workflows that every curve is made of. `note`
    says which modes and workflows are left out, and why figures are missing.
    """

    horizon_depth: HorizonDepth
    vram_budget_gb: float
    jobs: int
    weak: str | None
    strong: str | None
    hull: tuple[Point, ...]
    hull_aiq: CurveFigure
    modes: tuple[ModeCurve, ...]
    note: str | None


def lambda_curves(jobs: Sequence[MeasuredJob]) -> tuple[LambdaCurves, ...]:
    """Return the curves of each horizon and budget of a run that swept the weight; empty where it did not."""
    groups: dict[Setting, list[MeasuredJob]] = {}
    for job in jobs:
        if job.key.lambda_token is not None:
            groups.setdefault(job.setting._replace(lambda_token=None), []).append(job)
    found = (_Sweep(group) for _, group in sorted(groups.items(), key=lambda item: setting_order(item[0])))
    return tuple(sweep.curves() for sweep in found)


class _Sweep:
    """The jobs of one horizon and budget, as mean cost and score per mode and weight, for each draw of workflows.

    A mode that has no score or no cost in any job is left out: a single model that does not fit the budget is no choice
    there. Of the others, only workflows that have both everywhere count, so that all points are of the same jobs.
    """

    def __init__(self, jobs: Sequence[MeasuredJob]) -> None:
        import numpy as np

        self._setting = jobs[0].setting
        self._coverage = CurveCoverage.of(jobs)
        sums = {key: cell for key, cell in _sums(jobs).items() if cell}
        names = sorted(set.intersection(*map(set, sums.values()))) if sums else []
        self._jobs = len(names)
        self._means: dict[str, dict[float, list[Point]]] = {}
        graphs = (job.record.case.graph for job in jobs)
        declared = {graph.digest: (graph.family,) for graph in graphs if graph.family is not None}
        families = Families.of([declared.get(name, name) for name in names])
        self._clusters = families.count
        if names:
            weights = cluster_weights(families.count)
            for key in sorted(sums, key=lambda key: (mode_order(key[0]), key[1])):
                columns = zip(*(sums[key][name] for name in names), strict=True)
                totals = weights @ np.array(list(map(families.parts, columns))).T
                costs, scores = (totals[:, at] / totals[:, 2] for at in (0, 1))
                self._means.setdefault(key[0], {})[key[1]] = list(map(Point, costs.tolist(), scores.tolist()))
        self._single_means = {  # the weight of cost does not move a single model, so that its first point will do
            mode.removeprefix(SINGLE): next(iter(by_weight.values()))
            for mode, by_weight in self._means.items()
            if mode.startswith(SINGLE)
        }
        self._span = Range.of(self._singles(0)) if names else None

    def curves(self) -> LambdaCurves:
        """Return the curves with their figures."""
        singles, span = self._singles(0), self._span
        return LambdaCurves(
            horizon_depth=self._setting.horizon,
            vram_budget_gb=self._setting.budget_gb,
            jobs=self._jobs,
            weak=None if span is None else span.weak,
            strong=None if span is None else span.strong,
            hull=upper_hull(list(singles.values())),
            hull_aiq=self._figure(lambda draw, span: aiq(list(self._singles(draw).values()), span)),
            modes=tuple(self._mode(mode) for mode in self._means if not mode.startswith(SINGLE)),
            note=self._note(span),
        )

    def _note(self, span: Range | None) -> str | None:
        said = list(self._coverage.sentences(self._jobs))
        if self._jobs and span is None:
            said.append(f"aiq, apgr and cpt50 need two single models of different cost; {self._in_place_of_two()}")
        elif span is not None and not span.strong_is_better:
            said.append(f"{span.weak} is the cheapest and the best single model, so there is no gap for apgr and cpt50")
        return "; ".join(said) or None

    def _in_place_of_two(self) -> str:
        singles = self._singles(0)
        if len(singles) < 2 and any(mode.startswith(SINGLE) for mode in self._coverage.left_out):
            return f"with figures there is {', '.join(singles) or 'none'}"
        if len(singles) < 2:
            return "add single:MODEL for each"
        cost = next(iter(singles.values())).cost
        return f"{', '.join(singles)} all cost {cost:g} a job; write cost_per_token in the fleet file"

    def _mode(self, mode: str) -> ModeCurve:
        def figure(of: Callable[[Sequence[Point], Range], float | None]) -> CurveFigure:
            return self._figure(lambda draw, span: of(list(self._points(mode, draw).values()), span))

        return ModeCurve(
            mode=mode,
            points=tuple(
                SweptPoint(lambda_token=weight, cost=point.cost, score=point.score)
                for weight, point in self._points(mode, 0).items()
            ),
            aiq=figure(aiq),
            apgr=figure(apgr),
            cpt50=figure(lambda points, span: cpt(points, span, share=HALF)),
        )

    def _points(self, mode: str, draw: int) -> dict[float, Point]:
        """The points of a mode by weight of token cost; draw 0 is what was measured."""
        return {weight: means[draw] for weight, means in self._means[mode].items()}

    def _singles(self, draw: int) -> dict[str, Point]:
        """The point of each single model."""
        return {name: means[draw] for name, means in self._single_means.items()}

    def _figure(self, of: Callable[[int, Range], float | None]) -> CurveFigure:
        """A figure, and its interval over workflows like these; weak and strong are those of all workflows."""
        span = self._span
        if span is None:
            return CurveFigure(value=None, low=None, high=None)
        values = []
        for draw in range(len(next(iter(self._single_means.values())))):
            own = Range.between(self._singles(draw), weak=span.weak, strong=span.strong)
            values.append(None if own is None else of(draw, own))
        low, high = interval_over_rows(values, clusters=self._clusters) or (None, None)
        return CurveFigure(value=values[0], low=low, high=high)


def _sums(jobs: Sequence[MeasuredJob]) -> dict[tuple[str, float], dict[str, list[float]]]:
    """Sums of cost and score, and the number of jobs, by mode and weight, then by workflow; means and 1 under auto."""
    sums: dict[tuple[str, float], dict[str, list[float]]] = {}
    for job in jobs:
        cell = sums.setdefault((job.key.mode, lambda_order(job.key.lambda_token)), {})
        metrics = job.metrics
        if missing_figure(job) is None:
            row = cell.setdefault(job.record.case.graph.digest, [0.0, 0.0, 0.0])
            for at, value in enumerate((metrics.token_cost, metrics.score, 1.0)):
                row[at] += value or 0.0
    if any(job.weighs_by_case for job in jobs):
        for row in (row for cell in sums.values() for row in cell.values()):
            row[:] = [value / row[2] for value in row]
    return sums
