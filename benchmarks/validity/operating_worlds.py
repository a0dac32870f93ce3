"""True losses of 0 to 3 times the allowance, at the repeats that the gate asked for after a first comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from simulated_runs import default_policy
from world_table import REGRESSED, Bound, Experiment, judged
from worlds import World, draw, heterogeneous

from pytest_swarm.gate.verdicts import Verdict

OK = "ok"
ALLOWED = {"10%": ("score:-10%", "violations:+0"), "2.5%": ("score:-2.5%", "violations:+0")}
_PILOT = 5
_ONE: Mapping[str, object] = {"modes": ("lp",), "settings": ((1, 8.0),)}


def play(rng: np.random.Generator, *, times: float, jobs: int, share: float, texts: tuple[str, ...]) -> dict[str, bool]:
    """A pilot of equal runs asks for repeats; then as many, with a true loss of `times` the allowance."""
    policy = default_policy(*texts)
    world = World(chances=heterogeneous(jobs, rng), repeats=_PILOT, **_ONE)  # type: ignore[arg-type]
    row = judged(draw(world, rng), draw(world, rng), policy=policy).rows[0]
    repeats = _PILOT if row.repeats_to_prove_ok is None else row.repeats_to_prove_ok
    before = World(chances=world.chances, repeats=repeats, **_ONE)  # type: ignore[arg-type]
    after = before.worse_by(times * share * before.score)
    verdict = judged(draw(before, rng), draw(after, rng), policy=policy).rows[0].verdict
    return {REGRESSED: verdict is Verdict.REGRESSED, OK: verdict in (Verdict.OK, Verdict.IMPROVED)}


def _bounds(times: float) -> dict[str, Bound]:
    most = {REGRESSED: Bound(most=0.025 if times < 1 else 0.05)}
    if times == 0:
        return {**most, OK: Bound(least=0.8)}
    if times <= 1:
        return most if times < 1 else {**most, OK: Bound(most=0.05)}
    power: dict[str, Bound] = {REGRESSED: Bound(least=0.8)} if times >= 2 else {REGRESSED: Bound(most=1.0)}
    return {**power, OK: Bound(most=0.05)}


def _experiment(times: float, *, jobs: int, allowed: str, n: int) -> Experiment:
    share = float(allowed.rstrip("%")) / 100
    played: Callable[[np.random.Generator], Mapping[str, bool]] = partial(
        play, times=times, jobs=jobs, share=share, texts=ALLOWED[allowed]
    )
    return Experiment(world=f"operating-{times:g}x-{jobs}jobs-{allowed}", n=n, play=played, bounds=_bounds(times))


OPERATING: tuple[Experiment, ...] = (
    *(
        _experiment(times, jobs=jobs, allowed="10%", n=400)
        for jobs in (3, 17)
        for times in (0, 0.5, 0.8, 1, 1.2, 1.5, 2, 3)
    ),
    *(_experiment(times, jobs=17, allowed="2.5%", n=60) for times in (0, 1, 2)),
)
