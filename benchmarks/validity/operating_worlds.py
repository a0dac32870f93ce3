"""True losses of 0 to 3 times the allowance, at the repeats that the gate asked for after a first comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from world_table import REGRESSED, SAME_SEED, Bound, Experiment, default_policy, judged
from worlds import World, draw, heterogeneous

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.verdicts import Verdict

OK = "ok"
ALLOWED = {"10%": ("score:-10%", "violations:+0"), "2.5%": ("score:-2.5%", "violations:+0")}
_PILOT = 5
_ONE: Mapping[str, object] = {"modes": ("lp",), "settings": ((1, 8.0),)}


def play(rng: np.random.Generator, *, times: float, jobs: int, share: float, texts: tuple[str, ...]) -> dict[str, bool]:
    """A pilot of equal runs that is undecided asks for repeats; then as many, with a loss of `times` the allowance.

    The second comparison is a second look, as the baseline remembers the pilot.
    """
    policy = default_policy(*texts)
    repeats, before = None, World(chances=heterogeneous(jobs, rng), repeats=_PILOT, **_ONE)  # type: ignore[arg-type]
    while repeats is None:  # a pilot that is decided asks for nothing
        repeats = judged(draw(before, rng), draw(before, rng), policy=policy).rows[0].repeats_to_prove_ok
    before = replace(before, repeats=repeats)
    after = before.worse_by(times * share * before.score)
    verdict = judged(draw(before, rng), draw(after, rng), policy=policy, looks=(_PILOT,)).rows[0].verdict
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


def same_seed(rng: np.random.Generator) -> dict[str, bool]:
    """One repeat of the same seed, each job five points worse."""
    world = World(chances=heterogeneous(17, rng), repeats=1, **_ONE)  # type: ignore[arg-type]
    before = draw(world, rng)
    now = tuple(_lowered(case, 0.05) for case in before)
    return {REGRESSED: bool(judged(before, now, contexts=SAME_SEED).failures)}


def published(_: np.random.Generator) -> dict[str, bool]:
    """Showcase 234936: LP 100 / 89 / 33 % as the baseline, LLM 100 / 56 / 33 % as the run, one repeat of each."""
    world = World(chances=np.ones((3, 3)), repeats=1, **_ONE)  # type: ignore[arg-type]
    cases = draw(world, np.random.default_rng(0))
    lp, llm = (
        tuple(_scored(case, score) for case, score in zip(cases, scores, strict=True))
        for scores in ((1.0, 8 / 9, 1 / 3), (1.0, 5 / 9, 1 / 3))
    )
    row = judged(lp, llm).rows[0]
    both = row.repeats_to_settle is not None and row.repeats_to_prove_ok is not None
    return {"inconclusive, two numbers": row.verdict is Verdict.INCONCLUSIVE and both}


def _lowered(case: BaselineCase, points: float) -> BaselineCase:
    return _scored(case, (case.samples[0].figures["score"] or 0.0) - points)


def _scored(case: BaselineCase, score: float) -> BaselineCase:
    sample = case.samples[0]
    return replace(case, samples=(replace(sample, figures={**sample.figures, "score": score}),))


OPERATING: tuple[Experiment, ...] = (
    *(
        _experiment(times, jobs=jobs, allowed="10%", n=160 if times in (0, 0.8, 1, 2) else 100)
        for jobs in (3, 17)
        for times in (0, 0.5, 0.8, 1, 1.2, 1.5, 2, 3)
    ),
    *(_experiment(times, jobs=17, allowed="2.5%", n=160 if times == 0.8 else 80) for times in (0, 0.8, 1, 2)),
    Experiment(world="operating-same-seed-5-points", n=40, play=same_seed, bounds={REGRESSED: {"least": 0.99}}),
    Experiment(world="operating-published", n=8, play=published, bounds={"inconclusive, two numbers": {"least": 0.99}}),
)
