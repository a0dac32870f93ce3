"""Runs as the gate sees them, drawn from the shipped profile's accuracies without running anything.

A job's score is the mean of its tasks, each right with the accuracy of the model that a router who trusts the fleet
file's priors takes at 8 GB, lowered by the task's difficulty as the simulator lowers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, Setup
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.rules import DEFAULTS, Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import SEED_POLICY, FleetIdentity, RunContext
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

GRAPHS = Path(__file__).parents[1] / "graphs"
BUDGET_GB = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Jobs and the chance with which each of their tasks is right."""

    names: tuple[str, ...]
    chances: tuple[np.ndarray, ...]

    @property
    def score(self) -> float:
        """The expected mean score."""
        return float(np.mean([chance.mean() for chance in self.chances]))

    def worse_by(self, points: float, *, share: float = 1.0) -> World:
        """The same jobs with a true mean loss of `points`, all of it in the first `share` of the jobs."""
        hit = max(1, round(share * len(self.chances)))
        each = points * len(self.chances) / hit
        lowered = tuple(_lowered(p, each) if n < hit else p for n, p in enumerate(self.chances))
        world = World(names=self.names, chances=lowered)
        if abs(self.score - world.score - points) > 1e-6:
            raise ValueError(f"these jobs cannot lose {points} in {hit} of them")
        return world


def shipped_world(jobs: int) -> World:
    """The first `jobs` of wb1-wb3, the other shipped graphs and generated workflows, under the profile a40."""
    names = ("wb1", "wb2", "wb3", "agentic_bench", "code_math_mix")
    graphs = [load_graph(GRAPHS / f"{name}.toml") for name in names]
    graphs += [job.graph for job in generate_jobs(max(0, jobs - len(graphs)), 1)]
    graphs = graphs[:jobs]
    return World(names=tuple(graph.name for graph in graphs), chances=tuple(map(_chances, graphs)))


def _chances(graph: TaskGraph) -> np.ndarray:
    profile = load_profile("a40")
    fleet = [model for model in load_fleet("heavy") if model.vram_gb <= BUDGET_GB]

    def chance(task: Task) -> float:
        tag = max(fleet, key=lambda model: model.capability(task.type)).tag
        p = min(0.98, max(0.02, profile.accuracy(tag, task.type)))
        steps = task.difficulty - profile.behaviour.reference_difficulty
        return float(1 / (1 + np.exp(-(np.log(p / (1 - p)) - profile.behaviour.difficulty_slope * steps))))

    return np.array([chance(task) for task in graph.tasks])


def _lowered(p: np.ndarray, points: float) -> np.ndarray:
    """Chances whose mean is lower by `points`, each lowered in proportion to itself."""
    return p * (1 - points / p.mean())


def draw(world: World, rng: np.random.Generator, *, repeats: int, modes: Sequence[str]) -> tuple[BaselineCase, ...]:
    """One run: every job under every mode, `repeats` times, all draws independent."""
    return tuple(
        case(name, mode, rng.random((repeats, len(p))) < p)
        for mode in modes
        for name, p in zip(world.names, world.chances, strict=True)
    )


def case(name: str, mode: str, right: np.ndarray) -> BaselineCase:
    """The case of right and wrong tasks, shape (repeats, tasks)."""
    scores = right.mean(axis=1).tolist()
    return BaselineCase(
        setup=Setup(job=name, mode=mode, horizon=3, vram_budget_gb=BUDGET_GB),
        graph_digest=name,
        version=1,
        samples=tuple(
            BaselineSample(
                digest=f"{name}{mode}{n}",
                test=f"test_{name}.py::test_{name}[{mode}-r{n}]",
                repeat=n,
                occurrence=0,
                tasks=right.shape[1],
                figures={"score": score, "violations": 0.0},
            )
            for n, score in enumerate(scores, start=1)
        ),
    )


def run_context(seed: int) -> RunContext:
    """A run on the simulator with that seed."""
    return RunContext(
        run=f"seed-{seed}",
        started_ts_ms=0.0,
        backend="sim",
        simulated=True,
        profile="a40",
        fleet=FleetIdentity(name="heavy", digest="heavy"),
        seed=seed,
        seed_policy=SEED_POLICY,
        measure={},
        versions={},
        machine={},
    )


def default_policy(*texts: str) -> Policy:
    """The gate as it is without options, or with the given expressions."""
    return Policy(default=Rule(expressions=tuple(parse_expression(text, what="gate") for text in texts or DEFAULTS)))


def as_baseline(cases: tuple[BaselineCase, ...], seed: int = 0) -> Baseline:
    """A run as a baseline."""
    return Baseline(context=run_context(seed), cases=cases, where="baseline")


def as_run(cases: tuple[BaselineCase, ...]) -> RunCases:
    """A run as it is judged."""
    return RunCases(cases=cases)
