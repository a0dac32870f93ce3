"""Looking many times: after each added repeat, and night after night against one stored baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from world_table import REAL, REGRESSED, Bound, Experiment, default_policy, judged
from worlds import Values, World, cases_of, draw, draw_values, heterogeneous

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.statistics.sequential import log_wealth

_JOBS = 3
_ONE: Mapping[str, object] = {"modes": ("lp",), "settings": ((1, 8.0),)}
_EXPRESSION = {"score": "score:-0%", "token_cost": "token_cost:+0%", "violations": "violations:+0"}
_LEVEL = 0.025
NIGHTS, STORED_RUNS = 30, 5
_FEWEST_EVENTS = 3


def ever_alarms(rng: np.random.Generator, *, metric: str, looks: int) -> dict[str, bool]:
    """Whether a series of equal runs is REGRESSED at any of its looks, one after each repeat.

    The gate is asked only where its bets alone could reject: elsewhere its verdict cannot be REGRESSED.
    """
    then, now = (_with(metric, _series(rng, metric, looks)) for _ in range(2))
    policy = replace(default_policy(_EXPRESSION[metric]), sequential=True)
    losses: list[float] = []
    sign = -1 if metric == "score" else 1
    scale = max(1.0, *(abs(each.figures[metric] or 0.0) for case in then for each in case.samples))
    for look in range(looks):
        losses += [
            sign * ((b.samples[look].figures[metric] or 0.0) - (a.samples[look].figures[metric] or 0.0))
            for a, b in zip(then, now, strict=True)
        ]
        if log_wealth(losses, scale=scale if metric == "token_cost" else 1.0) < -math.log(_LEVEL) - 1:
            continue
        before, after = (_first(each, look + 1) for each in (then, now))
        if judged(before, after, policy=policy).failures:
            return {REGRESSED: True}
    return {REGRESSED: False}


def _series(rng: np.random.Generator, metric: str, looks: int) -> NDArray[np.float64]:
    """Values of shape (jobs, looks)."""
    if metric == "token_cost":
        return rng.lognormal(mean=5.0, sigma=0.6, size=(_JOBS, looks))
    if metric == "violations":
        return (rng.random((_JOBS, looks)) < 0.2).astype(np.float64)
    return (rng.random((_JOBS, looks, 3)) < 0.7).mean(axis=2)


def _with(metric: str, values: NDArray[np.float64]) -> tuple[BaselineCase, ...]:
    world = World(chances=np.full((_JOBS, 3), 0.7), repeats=values.shape[1], **_ONE)  # type: ignore[arg-type]
    cases = draw(world, np.random.default_rng(0))
    return tuple(
        replace(
            case,
            samples=tuple(
                replace(each, figures={**each.figures, metric: float(values[job, n])})
                for n, each in enumerate(case.samples)
            ),
        )
        for job, case in enumerate(cases)
    )


def _first(cases: tuple[BaselineCase, ...], looks: int) -> tuple[BaselineCase, ...]:
    return tuple(replace(case, samples=case.samples[:looks]) for case in cases)


def ever_alarms_by_hand(rng: np.random.Generator, *, repeats: tuple[int, ...]) -> dict[str, bool]:
    """Whether equal runs that grow by hand while undecided are ever REGRESSED; the baseline grows with them."""
    world = World(chances=heterogeneous(_JOBS, rng), repeats=repeats[-1], violations=0.2, **_ONE)  # type: ignore[arg-type]
    then, now = draw(world, rng), draw(world, rng)
    policy = default_policy("score:-0%", "violations:+0")
    looks: tuple[int, ...] = ()
    for each in repeats:
        result = judged(_first(then, each), _first(now, each), policy=policy, looks=looks)
        if result.failures or not result.undecided:
            return {REGRESSED: bool(result.failures)}
        looks += (each,)
    return {REGRESSED: False}


def nights(rng: np.random.Generator, *, spread: float, violations: float) -> dict[str, bool]:
    """Whether a baseline of five appended runs ever alarms in thirty nights; `spread` moves each run as a whole."""
    chances = heterogeneous(17, rng)
    world = World(chances=chances, repeats=5, settings=((1, 8.0),), violations=violations)

    def one() -> dict[str, Values]:
        moved = np.clip(chances + rng.normal(0.0, spread), 0.0, 1.0)
        return draw_values(replace(world, chances=moved), rng)

    stored = [one() for _ in range(STORED_RUNS)]
    baseline = tuple(
        replace(cases[0], samples=tuple(each for case in cases for each in case.samples))
        for cases in zip(*(cases_of(world, each, run=f"run{n}") for n, each in enumerate(stored)), strict=True)
    )
    for _ in range(NIGHTS):
        night = one()
        suspect = any(_may_alarm([each[mode] for each in stored], night[mode]) for mode in night)
        if suspect and judged(baseline, cases_of(world, night), contexts=REAL).failures:
            return {"ever REGRESSED": True}
    return {"ever REGRESSED": False}


def _may_alarm(stored: list[Values], night: Values) -> bool:
    """Whether a row may be REGRESSED, so that the gate must be asked.

    The bound of a score lies more than one standard error below the loss that was seen; Fisher's test of 85 repeats
    against 425 does not reject at 0.6 % what has fewer than three events.
    """
    then, now = np.concatenate([each.scores[0] for each in stored]), night.scores[0]
    error = math.sqrt(sum((each.var(axis=0, ddof=1) / len(each)).sum() for each in (then, now))) / now.shape[1]
    return bool(0.975 * then.mean() - now.mean() > error or night.violated[0].sum() >= _FEWEST_EVENTS)


_ALARM: Mapping[str, Bound] = {REGRESSED: {"most": 0.05}}

REPEATED: tuple[Experiment, ...] = (
    *(
        Experiment(
            world=f"sequential-{metric}-{looks}looks",
            n=400,
            play=partial(ever_alarms, metric=metric, looks=looks),
            bounds=_ALARM,
        )
        for metric in _EXPRESSION
        for looks in (20, 200)
    ),
    *(
        Experiment(
            world=f"sequential-by-hand-{name}",
            n=200,
            play=partial(ever_alarms_by_hand, repeats=repeats),
            bounds=_ALARM,
        )
        for name, repeats in (("doubled-6-times", (3, 6, 12, 24, 48, 96)), ("20looks", tuple(range(2, 42, 2))))
    ),
    *(
        Experiment(
            world=f"nights-{name}",
            n=100,
            play=partial(nights, spread=spread, violations=violations),
            bounds={"ever REGRESSED": {"most": 0.1}},
        )
        for name, spread, violations in (
            ("no-spread", 0.0, 0.0),
            ("spread-2-points", 0.02, 0.0),
            ("violation-1%", 0.0, 0.01),
            ("violation-5%", 0.0, 0.05),
        )
    ),
)
