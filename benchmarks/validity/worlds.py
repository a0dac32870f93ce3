"""Worlds: pairs of runs in which it is known what changed. Drawn from given chances, without running anything.

A job is a set of tasks, each right with a chance of its own. All horizons and budgets of one repeat share most of their
draws, as they share their seed in a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pytest_swarm.domain.record import CaseKey
from pytest_swarm.gate.baseline import BaselineCase, BaselineSample, Setup

MODES = ("lp", "llm")
SETTINGS = tuple(product((0, 1, 3), (8.0, 24.0)))
SHARED = 0.8
"""Chance with which a setting repeats the draw of its repeat, as most of a plan does not depend on the setting."""
TASKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Jobs, and how they are drawn. `chances` has shape (jobs, tasks); `violations` is the chance of one per job.

    `identical`: every repeat gives the same answers again. `missing` is the chance of a lost
    score, in either run.
    """

    chances: NDArray[np.float64]
    repeats: int
    repeats_now: int | None = None
    violations: float = 0.0
    missing: float = 0.0
    identical: bool = False
    modes: tuple[str, ...] = MODES
    settings: tuple[tuple[int, float], ...] = SETTINGS

    @property
    def score(self) -> float:
        """The expected mean score."""
        return float(self.chances.mean())

    def worse_by(self, points: float) -> World:
        """The same jobs with a true mean loss of `points`, spread in proportion to their chances."""
        return replace(self, chances=self.chances * (1 - points / self.score))


def heterogeneous(jobs: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances between 0 and 1, many of them near an end, as those of real models are."""
    return rng.beta(1.2, 0.6, size=(jobs, TASKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What one run of one mode gave, under each setting: arrays of shape (settings, repeats, jobs[, tasks])."""

    right: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    violated: NDArray[np.bool_]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Shape (settings, repeats, jobs)."""
        return self.right.mean(axis=3)


def draw_values(world: World, rng: np.random.Generator, *, now: bool = False) -> dict[str, Values]:
    """One run of the world, by mode."""
    repeats = (world.repeats_now or world.repeats) if now else world.repeats
    jobs, tasks = world.chances.shape
    shape = len(world.settings), repeats, jobs
    found: dict[str, Values] = {}
    for mode in world.modes:
        base = rng.random((repeats, jobs, tasks))
        violated = rng.random((repeats, jobs)) < world.violations
        redrawn = rng.random((*shape, tasks)) >= SHARED
        fresh = rng.random((*shape, tasks))
        if world.identical:
            base[:], violated[:], redrawn[:], fresh[:] = base[:1], violated[:1], redrawn[:, :1], fresh[:, :1]
        found[mode] = Values(
            right=np.where(redrawn, fresh, base) < world.chances,
            lost=rng.random(shape) < world.missing,
            violated=np.broadcast_to(violated, shape),
        )
    return found


def draw(world: World, rng: np.random.Generator, *, now: bool = False, run: str = "") -> tuple[BaselineCase, ...]:
    """One run of the world: its cases, mode by mode."""
    return cases_of(world, draw_values(world, rng, now=now), run=run)


def cases_of(world: World, drawn: Mapping[str, Values], *, run: str = "") -> tuple[BaselineCase, ...]:
    """The cases of a run, as a baseline has them."""
    found: list[BaselineCase] = []
    for mode, values in drawn.items():
        scores, lost, violated = values.scores.tolist(), values.lost.tolist(), values.violated.tolist()
        for n, (horizon, budget) in enumerate(world.settings):
            for job in range(len(world.chances)):
                setup = Setup(job=f"job{job}", key=CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget))
                rows = [
                    (None if lost[n][repeat][job] else scores[n][repeat][job], float(violated[n][repeat][job]))
                    for repeat in range(len(scores[n]))
                ]
                given = [each.tobytes().hex() if world.identical else None for each in values.right[n, :, job]]
                samples = tuple(
                    _sample(setup, repeat, figures={"score": score, "violations": count}, answers=answers, run=run)
                    for repeat, ((score, count), answers) in enumerate(zip(rows, given, strict=True))
                )
                found.append(BaselineCase(setup=setup, graph_digest=setup.job, version=1, samples=samples))
    return tuple(found)


def _sample(setup: Setup, n: int, *, figures: dict[str, float | None], answers: str | None, run: str) -> BaselineSample:
    return BaselineSample(
        digest=f"{setup.job}{setup.mode}{setup.key.horizon}{setup.key.vram_budget_gb}{n}",
        test=f"test_jobs.py::test_{setup.job}[{n}]",
        repeat=n + 1,
        occurrence=0,
        tasks=TASKS,
        figures=figures,
        answers=answers,
        run=run,
    )
