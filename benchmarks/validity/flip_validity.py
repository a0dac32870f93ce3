"""Whether what a decision says of other weights and load times holds when it is run.

    python -m benchmarks.validity.flip_validity

Generated workflows on the simulator, at one horizon. Each other mode is decided on against `fixed`. Where the formula
names a lambda_token or a factor of load times at which the better policy becomes the worse one, both are simulated
anew, with new plans, on either side of it. Printed is how often the better one was the one that the formula names, and
how often where the value is outside the 95 % interval of the flip.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from pytest_swarm import Case, CaseKey, load_fleet
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord, Run, RunInfo
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure
from pytest_swarm.report.flip_text import load_bounds, load_flip, token_bounds, token_flip
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

MODES: Final = ("milp", "greedy", "collate", "best-single", "random", "single:gemma2:2b", "single:qwen2.5-coder:7b")
PRESENT: Final = "fixed"
SIDES: Final = (0.5, 0.8, 1.25, 2.0)  # times the value at which it flips
LOADS: Final = (0.05, 20.0)  # factors of load times that are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where workflows run: VRAM budget, lambda_token (None: that of the bench), and a factor of load times."""

    budget_gb: float
    lambda_token: float | None = None
    loads: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One simulation beside a flip: what it varies, at how many times the flip, and whether the formula was right.

    `inside` says that the value is in the 95 % interval of the flip, where the formula claims nothing.
    """

    what: str
    mode: str
    times: float
    held: bool
    inside: bool


def simulated(graphs: Sequence[TaskGraph], mode: str, at: Setting) -> tuple[JobRecord, ...]:
    """Return the jobs of one mode, simulated."""
    profile, fleet = load_profile("a40"), load_fleet("heavy")
    specs = tuple(replace(each, load_s=each.load_s * at.loads) for each in profile.server_spec.models)
    profile = replace(profile, server_spec=replace(profile.server_spec, models=specs))
    models = tuple(replace(each, load_time_ms=each.load_time_ms * at.loads) for each in fleet)
    fleet = replace(fleet, models=models)
    with Bench(backend=simulated_backend(SimulatedWorld(profile=profile, seed=1), fleet), fleet=fleet) as bench:
        keys = CaseKey(mode=mode, horizon=1, vram_budget_gb=at.budget_gb, lambda_token=at.lambda_token)
        return tuple(bench.run(Case(graph=graph, key=keys)) for graph in graphs)


def decided(graphs: Sequence[TaskGraph], mode: str, at: Setting) -> PolicyDecision:
    """Return the decision between a mode and the present one."""
    records = [record for each in (PRESENT, mode) for record in simulated(graphs, each, at)]
    info = RunInfo(
        run="flips",
        started_ts_ms=0.0,
        backend="sim",
        backend_detail="",
        simulated=True,
        profile="a40",
        fleet=load_fleet("heavy"),
        seed=1,
        versions={},
        machine={},
        options={},
        command=(),
    )
    (decision,) = decide_runs([Run(info=info, jobs=tuple(records), complete=True)], DecisionQuestion(against=PRESENT))
    return decision


def worth(jobs: Sequence[MeasuredJob], lambda_token: float) -> float:
    """Return the mean over jobs of tasks x score - lambda_token x token cost / 1000."""
    values = []
    for job in jobs:
        tasks = sum(score is not None for score in job.task_score.values())
        values.append(tasks * (job.metrics.score or 0.0) - lambda_token * (job.metrics.token_cost or 0.0) / 1000)
    return fmean(values)


def makespan(jobs: Sequence[MeasuredJob]) -> float:
    """Return the mean makespan in seconds."""
    return fmean(job.metrics.makespan_s or 0.0 for job in jobs)


def trials(graphs: Sequence[TaskGraph], mode: str, budget_gb: float) -> list[Trial]:
    """Return what was simulated beside the flips of one mode."""
    decision = decided(graphs, mode, Setting(budget_gb=budget_gb))
    found: list[Trial] = []
    best = decision.best
    if best is None:
        return found
    weight, factor = token_flip(decision), load_flip(decision)
    weights, factors = token_bounds(decision), load_bounds(decision)
    means = {name: (decision.mean(name, best), decision.mean(name, decision.present)) for name in ("score", "load_s")}
    for times in SIDES:
        if weight is not None:
            at = Setting(budget_gb=budget_gb, lambda_token=weight * times)
            own, present = (worth(measure(simulated(graphs, each, at)), weight * times) for each in (mode, PRESENT))
            better_scores = _above(means["score"])
            held = (own > present) == (better_scores == (times < 1))
            inside = _within(weight * times, weights)
            found.append(Trial(what="token", mode=mode, times=times, held=held, inside=inside))
        if factor is not None and LOADS[0] < factor < LOADS[1]:
            at = Setting(budget_gb=budget_gb, loads=factor * times)
            own, present = (makespan(measure(simulated(graphs, each, at))) for each in (mode, PRESENT))
            more_loads = _above(means["load_s"])
            held = (own < present) == (more_loads == (times < 1))
            inside = _within(factor * times, factors)
            found.append(Trial(what="loads", mode=mode, times=times, held=held, inside=inside))
    return found


def _within(value: float, bounds: tuple[float, float] | None) -> bool:
    return bounds is None or bounds[0] <= value <= bounds[1]


def _above(pair: tuple[float | None, float | None]) -> bool:
    return pair[0] is not None and pair[1] is not None and pair[0] > pair[1]


def main() -> None:
    """Print how often the formulas held, by what they vary and how far from the flip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--vram", type=float, nargs="*", default=[8.0, 16.0])
    options = parser.parse_args()
    graphs = tuple(each.graph for each in generate_jobs(options.jobs, seed=1))
    found = [trial for budget in options.vram for mode in MODES for trial in trials(graphs, mode, budget)]
    for each in found:
        where = "inside" if each.inside else "outside"
        said = "held" if each.held else "did not hold"
        print(f"{each.what} {each.mode} at {each.times:g} times the flip, {where} its interval: {said}")
    print("\n| what | times the flip | held | held outside the interval |\n|---|---|---|---|")
    for what in ("token", "loads"):
        for times in SIDES:
            own = [each for each in found if (each.what, each.times) == (what, times)]
            outside = [each.held for each in own if not each.inside]
            held = sum(each.held for each in own)
            print(f"| {what} | {times:g} | {held} of {len(own)} | {sum(outside)} of {len(outside)} |")


if __name__ == "__main__":
    main()
