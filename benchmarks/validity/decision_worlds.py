"""Worlds for the choice of a policy: figures of several policies on the same jobs, in which the true gains are known.

A job's figures are drawn around chances (or seconds) of its own. Every true gain is exact: no chance is cut off at 0
or 1, and what differs between jobs has mean 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from world_table import Bound, Experiment

from pytest_swarm.decision.choice import GainEstimate, PolicyChoice, Ruling, choose_policy, gain_of
from pytest_swarm.decision.policy_figures import LEVEL, PolicyFigures

Figures = NDArray[np.float64]
TASKS = 3
SHARED = 0.7
"""Chance with which two policies get the same answer to a task: often they take the same model for it."""
ALLOWED = 0.02
T_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWorld:
    """The true gains of all policies over the first, which gains 0; `draw` gives figures (policies, jobs)."""

    gains: tuple[float, ...]
    draw: Callable[[np.random.Generator, Figures], Figures]
    relative: bool = False
    step: float = 0.0
    budgets: int = 1


def scores(rng: np.random.Generator, gains: Figures, *, jobs: int, repeats: int = 3, spread: float = 0.1) -> Figures:
    """Mean scores of jobs whose tasks are right or wrong; each policy differs in each task by up to `spread`."""
    shape = (len(gains), jobs, TASKS)
    uneven = rng.uniform(-spread, spread, size=shape)
    uneven[0] = 0.0
    chances = rng.uniform(0.35, 0.55, size=shape[1:]) + uneven + gains[:, None, None]
    return answered(rng, chances, repeats)


def binary(rng: np.random.Generator, gains: Figures, *, jobs: int) -> Figures:
    """Jobs of one task and one repeat."""
    return answered(rng, rng.uniform(0.35, 0.55, size=(1, jobs, 1)) + gains[:, None, None], 1)


def tied(rng: np.random.Generator, gains: Figures, *, jobs: int, repeats: int = 3) -> Figures:
    """Seven jobs of ten come out alike under every policy: all of them solve it, or none does."""
    drawn = scores(rng, gains / 0.3, jobs=jobs, repeats=repeats)
    alike = rng.random(jobs) < 0.7
    return np.where(alike, np.round(rng.random(jobs)), drawn)


def uneven(rng: np.random.Generator, gains: Figures, *, jobs: int, repeats: int = 3) -> Figures:
    """A policy is a little better in three jobs of four, and much worse in the fourth: +0.1 and -0.3."""
    shape = (len(gains), jobs, TASKS)
    worse = rng.random(shape[:2]) < 0.25
    differs = np.where(worse, -0.3, 0.1)[:, :, None]
    differs[0] = 0.0
    return answered(rng, rng.uniform(0.4, 0.6, size=shape[1:]) + differs + gains[:, None, None], repeats)


def rare_loss(rng: np.random.Generator, gains: Figures, *, jobs: int) -> Figures:
    """A policy loses one task in one job of ten, and gains a ninth of that in each other one."""
    lost = rng.random((len(gains), jobs)) < 0.1
    differs = np.where(lost, -1 / TASKS, 1 / TASKS / 9)
    differs[0] = 0.0
    return 0.5 + differs + gains[:, None]


def seconds(rng: np.random.Generator, gains: Figures, *, jobs: int, scale: float = 0.12) -> Figures:
    """Makespans: jobs of very different sizes, and ratios with heavy tails (Student's t with 3 degrees)."""
    size = rng.lognormal(3.0, 1.2, size=jobs)
    noise = rng.standard_t(3.0, size=(len(gains), jobs)) * scale
    return np.asarray(size * np.exp(noise - gains[:, None]), dtype=np.float64)


def answered(rng: np.random.Generator, chances: Figures, repeats: int) -> Figures:
    """Mean scores over tasks and repeats; policies share the random number of a task with the chance SHARED."""
    policies, jobs, tasks = chances.shape
    common = rng.random((repeats, 1, jobs, tasks))
    own = rng.random((repeats, policies, jobs, tasks))
    numbers = np.where(rng.random(own.shape) < SHARED, common, own)
    return np.asarray((numbers < chances).mean(axis=(0, 3)))


def figures_of(world: DecisionWorld, drawn: Figures) -> PolicyFigures:
    """Figures that were drawn, as a decision takes them."""
    return PolicyFigures(
        values=tuple(map(tuple, drawn.tolist())),
        relative=world.relative,
        step=world.step,
        allowed_loss=ALLOWED,
        level=LEVEL / world.budgets,
    )


def play(rng: np.random.Generator, *, make: Callable[[np.random.Generator], DecisionWorld]) -> Mapping[str, float]:
    """What one decision in a world says, beside a choice that takes the best mean and its plain interval.

    Several budgets are decided together; `use` then counts where any of them says it.
    """
    world = make(rng)
    found: dict[str, float] = {}
    for _ in range(world.budgets):
        drawn = world.draw(rng, np.array(world.gains))
        for name, value in outcomes(world, choose_policy(figures_of(world, drawn), every=False), drawn).items():
            found[name] = max(found.get(name, 0.0), value) if name in (USE, NAIVE) else value
    return found


USE, RIGHT, LOOKS, COVERED, KEPT = "use X", "right: use the best", "the best looks best", "gain covered", "keep"
NAIVE, NAIVE_COVERED = "naive: use X", "naive: gain covered"
HONEST_MEAN, NAIVE_MEAN, TRUE_MEAN = "mean honest gain", "mean naive gain", "mean true gain"
MEANS = (TRUE_MEAN, HONEST_MEAN, NAIVE_MEAN)


def outcomes(world: DecisionWorld, choice: PolicyChoice, drawn: Figures) -> dict[str, float]:
    """What a choice says, what is true, and what a plain interval would have said."""
    assert choice.best is not None
    assert choice.honest is not None
    assert choice.naive is not None
    truth = [gain_of(each, relative=world.relative) for each in world.gains]
    estimate = choice.estimate(choice.best)
    assert estimate is not None
    use, best = choice.ruling is Ruling.USE, truth[choice.best] >= max(truth) - 1e-12
    low, high, naive = _naive(world, drawn)
    return {
        USE: use,
        RIGHT: use and best,
        LOOKS: best,
        KEPT: choice.ruling is Ruling.KEEP,
        COVERED: _covers(estimate, truth[choice.best]),
        NAIVE: float(low > 0),
        NAIVE_COVERED: float(low <= world.gains[naive] <= high),
        TRUE_MEAN: truth[choice.best],
        HONEST_MEAN: choice.honest,
        NAIVE_MEAN: choice.naive,
    }


def _covers(estimate: GainEstimate, gain: float) -> bool:
    low = estimate.gain.low
    return (low is None or low - 1e-12 <= gain) and gain <= estimate.most + 1e-12


def _naive(world: DecisionWorld, drawn: Figures) -> tuple[float, float, int]:
    """The policy of the best mean gain, and its plain 95 % interval, as if it had been the only one."""
    gains = np.log(drawn[0] / drawn[1:]) if world.relative else drawn[1:] - drawn[0]
    best = int(gains.mean(axis=1).argmax())
    middle = float(gains[best].mean())
    error = float(gains[best].std(ddof=1)) / np.sqrt(gains.shape[1])
    return middle - T_95 * error, middle + T_95 * error, best + 1


NONE: Mapping[str, Bound] = {USE: {"most": 0.05}, COVERED: {"least": 0.93}, NAIVE: {}, NAIVE_COVERED: {}}
GAIN: Mapping[str, Bound] = {
    RIGHT: {"least": 0.8},
    LOOKS: {"least": 0.8},
    COVERED: {"least": 0.93},
    NAIVE: {},
    NAIVE_COVERED: {},
}
COVERAGE: Mapping[str, Bound] = {COVERED: {"least": 0.93}, USE: {}, NAIVE: {}, NAIVE_COVERED: {}}


def _world(
    name: str, gains: Sequence[float], bounds: Mapping[str, Bound], *, n: int = 400, **parts: object
) -> Experiment:
    world = DecisionWorld(gains=(0.0, *gains), **parts)  # type: ignore[arg-type] # fields of the world
    return Experiment(world=name, n=n, play=partial(play, make=lambda _: world), bounds=bounds)


def _grid(
    name: str,
    bounds: Mapping[str, Bound],
    draw: Callable[..., Figures],
    sizes: Sequence[tuple[int, int]],
    *,
    gain: float = 0.0,
    **parts: object,
) -> list[Experiment]:
    """Worlds of some numbers of policies and jobs; the last policy has the gain, all others have none."""
    return [
        _world(
            f"{name}-{policies}x{jobs}",
            (*(0.0,) * (policies - 2), gain),
            bounds,
            draw=partial(draw, jobs=jobs),
            **parts,
        )
        for policies, jobs in sizes
    ]


_ONE_TASK = {"step": 1.0}
_THREE_TASKS = {"step": 1 / TASKS}
_RELATIVE = {"relative": True}
_MANY = ((2, 8), (8, 8), (4, 20), (2, 40), (8, 40), (4, 100))
_SOME = ((8, 8), (4, 20), (8, 40))
_FORTY = ((2, 40), (4, 40), (8, 40))
_MIXED = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
_TENTH = -float(np.log(0.9))
"""A tenth of the time saved, as a logarithm."""

DECISIONS: tuple[Experiment, ...] = (
    *_grid("none-scores", NONE, scores, _MANY, **_THREE_TASKS),
    *_grid("none-binary", NONE, binary, _SOME, **_ONE_TASK),
    *_grid("none-tied", NONE, tied, _SOME, **_THREE_TASKS),
    *_grid("none-heterogeneous", NONE, partial(scores, spread=0.35), _SOME, **_THREE_TASKS),
    *_grid("none-uneven", NONE, uneven, _SOME, **_THREE_TASKS),
    *_grid("none-makespan", NONE, seconds, _SOME, **_RELATIVE),
    *_grid("none-three-budgets", NONE, scores, ((4, 20), (8, 40)), budgets=3, **_THREE_TASKS),
    *_grid("gain-scores", GAIN, partial(scores, repeats=5), _FORTY, gain=0.1, **_THREE_TASKS),
    *_grid("gain-heterogeneous", GAIN, partial(scores, repeats=5, spread=0.2), _FORTY, gain=0.1, **_THREE_TASKS),
    *_grid("gain-tied", GAIN, partial(tied, repeats=5), _FORTY, gain=0.1, **_THREE_TASKS),
    *_grid("gain-makespan", GAIN, partial(seconds, scale=0.05), _FORTY, gain=_TENTH, **_RELATIVE),
    *_grid("gain-few-jobs", COVERAGE, partial(scores, repeats=5), ((4, 8), (4, 20)), gain=0.1, **_THREE_TASKS),
    *_grid("gain-binary", COVERAGE, binary, ((4, 40), (4, 100)), gain=0.1, **_ONE_TASK),
    *(
        _world(f"mixed-{name}-8x{jobs}", _MIXED, COVERAGE, draw=partial(draw, jobs=jobs), **parts)
        for name, draw, parts in (
            ("scores", scores, _THREE_TASKS),
            ("heterogeneous", partial(scores, spread=0.25), _THREE_TASKS),
            ("makespan", seconds, _RELATIVE),
        )
        for jobs in (8, 20, 100)
    ),
    *_grid("none-rare-loss", NONE, rare_loss, ((4, 20), (11, 40)), **_THREE_TASKS),
)
