"""Worlds of correlated jobs: variants of templates, of which each policy suits some better than others.

A template is drawn with all its variants, so the true gain is that over templates. Each figure is that of declared
families; beside it stands what the same jobs say where no family is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from decision_worlds import (
    COVERAGE,
    COVERED,
    GAIN,
    NAIVE,
    NAIVE_COVERED,
    NONE,
    TASKS,
    USE,
    DecisionWorld,
    Figures,
    answered,
    figures_of,
    outcomes,
    scores,
    tied,
)
from numpy.typing import NDArray
from world_table import Bound, Experiment

from pytest_swarm.decision.choice import choose_policy
from pytest_swarm.decision.undeclared_families import rests_on_templates
from pytest_swarm.statistics.intervals import clustered_mean

APART, APART_COVERED = "undeclared: use X", "undeclared: gain covered"
TOLD = "undeclared: use X, hint"
REPORT, REPORT_APART = "report: covered", "undeclared: report covered"
UNEVEN = (30, 20, 15, 10, 8, 6, 5, 3, 2, 1)
MANY_UNEVEN = tuple(1 + n % 10 for n in range(40))
Families = NDArray[np.int64]


def alike(
    rng: np.random.Generator, gains: Figures, families: Families, *, spread: float = 0.35, repeats: int = 3
) -> Figures:
    """Mean scores of jobs of three tasks; each policy differs in each task of a template by up to `spread`."""
    shape = (len(gains), int(families.max()) + 1, TASKS)
    differs = rng.uniform(-spread, spread, size=shape)
    differs[0] = 0.0
    template = rng.uniform(0.4, 0.6, size=shape[1:])
    own = rng.uniform(-0.05, 0.05, size=(len(families), TASKS))
    return answered(rng, (template + differs)[:, families] + own + gains[:, None, None], repeats)


def rare_loss(rng: np.random.Generator, gains: Figures, families: Families) -> Figures:
    """A policy loses one task in all variants of one template in ten, and gains a ninth of that in each other one."""
    lost = rng.random((len(gains), int(families.max()) + 1)) < 0.1
    differs = np.where(lost, -1 / TASKS, 1 / TASKS / 9)
    differs[0] = 0.0
    return (0.5 + differs + gains[:, None])[:, families]


def seconds(rng: np.random.Generator, gains: Figures, families: Families) -> Figures:
    """Makespans whose ratios have heavy tails over templates (Student's t with 3 degrees) and differ little within."""
    shape = (len(gains), int(families.max()) + 1)
    shared = (rng.standard_t(3.0, size=shape) * 0.12)[:, families]
    own = rng.normal(0.0, 0.03, size=shared.shape)
    size = rng.lognormal(3.0, 1.2, size=shape[1])[families]
    return np.asarray(size * np.exp(shared + own - gains[:, None]), dtype=np.float64)


def play(rng: np.random.Generator, *, world: DecisionWorld, families: Families) -> Mapping[str, float]:
    """What one decision says with the families declared, and beside it without."""
    drawn, keys = world.draw(rng, np.array(world.gains)), tuple(families.tolist())
    figures = figures_of(world, drawn)
    declared, choice = (choose_policy(each, every=False) for each in (replace(figures, families=keys), figures))
    apart, told = outcomes(world, choice, drawn), rests_on_templates(figures, choice, keys)
    found = {**outcomes(world, declared, drawn), APART: apart[USE], APART_COVERED: apart[COVERED], TOLD: told}
    if not world.relative:
        found[REPORT] = _covered(drawn[1] - drawn[0], world.gains[1], keys)
        found[REPORT_APART] = _covered(drawn[1] - drawn[0], world.gains[1], range(len(keys)))
    return found


def _covered(differences: Figures, truth: float, keys: Sequence[int]) -> bool:
    """Whether the report's interval of the difference of two modes that were named beforehand holds the truth."""
    found = clustered_mean(zip(keys, differences.tolist(), strict=True), low=-1.0, high=1.0)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low <= truth <= found.high


def _world(
    name: str, bounds: Mapping[str, Bound], draw: Callable[..., Figures], sizes: Sequence[int], gains: Sequence[float]
) -> Experiment:
    families, relative = np.repeat(np.arange(len(sizes)), sizes), draw is seconds
    world = DecisionWorld(
        gains=(0.0, *gains),
        draw=partial(draw, families=families),
        relative=relative,
        step=0.0 if relative else 1 / TASKS,
    )
    reported = {each: bound for each, bound in bounds.items() if each not in (NAIVE, NAIVE_COVERED)}
    if not relative:
        reported |= {REPORT: {"least": 0.93}, REPORT_APART: {}}
    return Experiment(
        world=f"families-{name}-{len(world.gains)}x{len(families)}in{len(sizes)}",
        n=400,
        play=partial(play, world=world, families=families),
        bounds={**reported, APART: {}, APART_COVERED: {}, TOLD: {}},
    )


def _apart(name: str, draw: Callable[..., Figures], sizes: Sequence[int]) -> Experiment:
    """A world of independent jobs that only look alike, so that each hint is a false one."""

    def drawn_apart(rng: np.random.Generator, gains: Figures, families: Families) -> Figures:
        return draw(rng, gains, jobs=len(families), repeats=5)

    world = _world(name, {}, drawn_apart, sizes, _BEST)
    return replace(world, bounds={APART: {}, TOLD: {"most": 0.05}})


_GENTLE = partial(alike, spread=0.2, repeats=5)
_ONE, _THREE, _SEVEN = (0.0,), (0.0,) * 3, (0.0,) * 7
_BEST = (0.0, 0.0, 0.1)

FAMILY_WORLDS: tuple[Experiment, ...] = (
    _world("none", NONE, alike, (10,) * 10, _THREE),
    _world("none", NONE, alike, (10,) * 10, _SEVEN),
    _world("none", NONE, alike, (5,) * 20, _THREE),
    _world("none", NONE, alike, (5,) * 40, _SEVEN),
    _world("none-uneven", NONE, alike, UNEVEN, _SEVEN),
    _world("none-uneven", NONE, alike, MANY_UNEVEN, _SEVEN),
    _world("none-rare-loss", NONE, rare_loss, MANY_UNEVEN, _SEVEN),
    _world("none-makespan", NONE, seconds, UNEVEN, _ONE),
    _world("none-makespan", NONE, seconds, MANY_UNEVEN, _THREE),
    _world("gain", GAIN, _GENTLE, (5,) * 40, _BEST),
    _world("gain-uneven", GAIN, _GENTLE, MANY_UNEVEN, _BEST),
    _world("gain-few", COVERAGE, _GENTLE, (10,) * 10, _BEST),
    _world("gain-few", COVERAGE, _GENTLE, (5,) * 20, _BEST),
    *(_apart("apart", scores, sizes) for sizes in ((10,) * 10, (4,) * 10, (2,) * 20)),
    *(_apart("apart-tied", tied, sizes) for sizes in ((10,) * 10, (4,) * 10, (2,) * 20)),
)
