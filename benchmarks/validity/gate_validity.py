"""How often the gate is wrong: A/A, A/B, the published comparison, and its speed. Prints the tables of the docs.

    python benchmarks/validity/gate_validity.py [--pairs 1000] [--only aa,ab,published,speed]

Two minutes on two cores. Every figure of docs/statistics.md comes from here.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from statistics import median

import numpy as np
from simulated_runs import World, as_baseline, as_run, case, default_policy, draw, run_context, shipped_world

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.evaluate import GateResult, evaluate
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.statistics.sequential import stopping_reason

ALL_MODES = ("lp", "milp", "staged", "llm", "greedy", "best-single", "random", "single:gemma2:2b")


def judged(before: World, after: World, rng: np.random.Generator, repeats: int, modes: tuple[str, ...]) -> GateResult:
    """The gate on one pair of runs with different seeds."""
    baseline = as_baseline(draw(before, rng, repeats=repeats, modes=modes))
    run = as_run(draw(after, rng, repeats=repeats, modes=modes))
    return evaluate(run, baseline, run_context(1), policy=default_policy(), covered=lambda _: True)


def equal_runs(pairs: int) -> None:
    """A/A: nothing changed, so every REGRESSED is a false alarm."""
    print(f"\nA/A: {pairs:,} pairs of equal runs, default gate (score:-2.5%@95, violations:+0)")
    print(f"{'jobs':>5} {'modes':>6} {'repeats':>8} {'REGRESSED':>10} {'case alarms':>12}")
    for jobs, modes, repeats in ((3, 2, 1), (3, 2, 5), (17, 2, 1), (17, 2, 5), (17, 8, 5), (40, 2, 10)):
        world, rng = shipped_world(jobs), np.random.default_rng([1, jobs, modes, repeats])
        verdicts: Counter[str] = Counter()
        alarms = 0
        for _ in range(pairs):
            result = judged(world, world, rng, repeats, ALL_MODES[:modes])
            verdicts[result.verdict] += 1
            alarms += any(each.verdict is Verdict.REGRESSED for each in result.cases)
        cells = f"{100 * verdicts[Verdict.REGRESSED] / pairs:>8.1f} % {100 * alarms / pairs:>10.1f} %"
        print(f"{jobs:>5} {modes:>6} {repeats:>8} {cells}", flush=True)


def worse_runs(pairs: int) -> None:
    """A/B: a true loss of 5 points, with as many repeats as the gate asked for after a pilot without any loss."""
    print(f"\nA/B: a true loss of 5 points in score, {pairs:,} pairs, mode lp, at the repeats that the gate asked for")
    head = f"{'jobs':>5} {'loss in':>12} {'pilot':>6} {'asked for':>10} {'REGRESSED':>10} {'inconcl.':>9} {'ok':>6}"
    print(head)
    for jobs, share, pilot in ((3, 1.0, 3), (3, 1 / 3, 3), (17, 1.0, 3), (17, 0.2, 3), (17, 1.0, 10)):
        world, rng = shipped_world(jobs), np.random.default_rng([2, jobs, pilot, round(100 * share)])
        asked = [row.repeats_needed for _ in range(21) for row in judged(world, world, rng, pilot, ("lp",)).rows[:1]]
        repeats = round(median(each for each in asked if each is not None))
        worse = world.worse_by(0.05, share=share)
        verdicts = Counter(judged(world, worse, rng, repeats, ("lp",)).verdict for _ in range(pairs))
        shares = [100 * verdicts[v] / pairs for v in (Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.OK)]
        where = f"{max(1, round(share * jobs))} of {jobs} jobs"
        cells = f"{shares[0]:>8.1f} % {shares[1]:>7.1f} % {shares[2]:>4.1f} %"
        print(f"{jobs:>5} {where:>12} {pilot:>6} {repeats:>10} {cells}", flush=True)


def repeated_runs(pairs: int) -> None:
    """--swarm-repeat=auto:20 against a baseline of 20 repeats: alarms, and what it costs."""
    print(f"\nauto:20, 17 jobs, mode lp, {pairs:,} pairs: repeats per case, and verdicts")
    print(f"{'true loss':>22} {'repeats':>8} {'saved':>7} {'REGRESSED':>10} {'fixed 20':>9}")
    world = shipped_world(17)
    half = world.worse_by(0.3, share=0.5)
    for name, after, before in (
        ("none", world, world),
        ("none, always right", certain(17), certain(17)),
        ("30 points, half the jobs", half, world),
        ("20 points, all jobs", world.worse_by(0.2), world),
    ):
        rng = np.random.default_rng([4, len(name)])
        used: list[int] = []
        auto, fixed = Counter[str](), Counter[str]()
        for _ in range(pairs):
            then = draw(before, rng, repeats=20, modes=("lp",))
            now = draw(after, rng, repeats=20, modes=("lp",))
            stopped = tuple(map(stop, then, now))
            used += [len(each.samples) for each in stopped]
            auto[decided(then, stopped, sequential=True)] += 1
            fixed[decided(then, now, sequential=False)] += 1
        shares = [100 * each[Verdict.REGRESSED] / pairs for each in (auto, fixed)]
        cells = f"{np.mean(used):>8.1f} {100 - 5 * np.mean(used):>5.0f} % {shares[0]:>8.1f} % {shares[1]:>7.1f} %"
        print(f"{name:>22} {cells}", flush=True)


def certain(jobs: int) -> World:
    """Jobs in which nothing is left to chance."""
    world = shipped_world(jobs)
    return World(names=world.names, chances=tuple(np.ones(len(each)) for each in world.chances))


def stop(then: BaselineCase, now: BaselineCase) -> BaselineCase:
    """The case with the repeats that auto would have run."""
    losses: list[float] = []
    for a, b in zip(then.samples, now.samples, strict=True):
        losses.append((a.figures["score"] or 0.0) - (b.figures["score"] or 0.0))
        if stopping_reason(losses, level=0.025):
            break
    return replace(now, samples=now.samples[: len(losses)])


def decided(then: tuple[BaselineCase, ...], now: tuple[BaselineCase, ...], *, sequential: bool) -> Verdict:
    """The aggregate verdict."""
    policy = replace(default_policy(), sequential=sequential)
    return evaluate(as_run(now), as_baseline(then), run_context(1), policy=policy, covered=lambda _: True).verdict


def published() -> None:
    """Showcase 234936: LP 100 / 89 / 33 %, LLM 100 / 56 / 33 %, one repeat of three jobs of three tasks."""
    lp, llm = (1.0, 8 / 9, 1 / 3), (1.0, 5 / 9, 1 / 3)
    print("\nThe published comparison: LP 74.1 % as the baseline, LLM 63.0 % as the run, 3 jobs, one repeat")
    runs = [tuple(_scored(f"wb{n}", score) for n, score in enumerate(scores, start=1)) for scores in (lp, llm)]
    result = evaluate(
        as_run(runs[1]), as_baseline(runs[0]), run_context(1), policy=default_policy(), covered=lambda _: True
    )
    row = result.rows[0]
    print(
        f"then {row.before:.3f}, now {row.now:.3f}, change {row.change:+.3f}, p {row.p_worse:.3f}: {row.verdict.value}"
    )
    print(f"note: {row.note}")


def _scored(name: str, score: float):
    found = case(name, "lp", np.ones((1, 3), dtype=bool))
    sample = replace(found.samples[0], figures={"score": score, "violations": 0.0})
    return replace(found, samples=(sample,))


def speed() -> None:
    """10,000 cases: 100 jobs x 10 settings x 2 modes x 5 repeats, as 2,000 cases of 5 samples, and 10,000 of one."""
    print("\nSpeed: samples, cases, seconds")
    for jobs, repeats, modes in ((1_000, 5, 2), (5_000, 1, 2), (5_000, 5, 2)):
        rng = np.random.default_rng(3)
        world = World(names=tuple(f"job{n}" for n in range(jobs)), chances=tuple(np.full(3, 0.7) for _ in range(jobs)))
        before, after = (draw(world, rng, repeats=repeats, modes=ALL_MODES[:modes]) for _ in range(2))
        baseline = as_baseline(before)
        started = time.perf_counter()
        result = evaluate(as_run(after), baseline, run_context(1), policy=default_policy(), covered=lambda _: True)
        took_s = time.perf_counter() - started
        print(f"{jobs * repeats * modes:>8,} {len(result.cases):>8,} {took_s:>8.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--only", default="aa,ab,auto,published,speed")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if "aa" in chosen:
        equal_runs(options.pairs)
    if "ab" in chosen:
        worse_runs(max(20, options.pairs // 5))
    if "auto" in chosen:
        repeated_runs(max(20, options.pairs // 5))
    if "published" in chosen:
        published()
    if "speed" in chosen:
        speed()


if __name__ == "__main__":
    main()
