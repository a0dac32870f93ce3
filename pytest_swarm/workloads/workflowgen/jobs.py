"""Generated jobs: a shape, filled with steps, as a TaskGraph with its right and its wrong answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.limits import CHARS_PER_TOKEN
from pytest_swarm.domain.task import NEEDS_NO_INPUT, Task, TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.workflowgen.applied import apply_figure
from pytest_swarm.workloads.workflowgen.coding import CODING
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.followups import makers_for
from pytest_swarm.workloads.workflowgen.records import recompute
from pytest_swarm.workloads.workflowgen.reports import report, slogan
from pytest_swarm.workloads.workflowgen.shapes import SHAPES
from pytest_swarm.workloads.workflowgen.sources import SOURCES, invoice
from pytest_swarm.workloads.workflowgen.step import LEVELS, GeneratedStep, Maker, Spot
from pytest_swarm.workloads.workflowgen.sums import branch, check
from pytest_swarm.workloads.workflowgen.terms import values_of, without_flags

SMALLEST, LARGEST = 2, 200
DEFAULT_SIZES: Final = (3, 8)
TOKENS_PER_PARENT: Final = 50  # a parent's answer, handed on
# Tokens of working out per level: a reasoned answer is longer than its result. Round figures of the same order as the
# answers of the published runs (math 90 to 500 tokens, code 50 to 260, others below 80).
TOKENS_PER_LEVEL: Final = {TaskType.MATH: 60, TaskType.REASONING: 50, TaskType.CODE: 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to generate: shape, number of tasks (2 to 200), difficulty of the job (1 to 5). `name` is the graph's."""

    name: str
    shape: str
    size: int
    level: int

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise GraphError(f"job {self.name!r}: unknown shape {self.shape!r}; known are {', '.join(SHAPES)}")
        if not SMALLEST <= self.size <= LARGEST:
            raise GraphError(f"job {self.name!r}: size is {self.size}, but must be from {SMALLEST} to {LARGEST}")
        if self.level not in LEVELS:
            raise GraphError(f"job {self.name!r}: level is {self.level}, but must be from 1 to 5")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedJob:
    """A graph with, for each task's id, an answer that scores 1 and one that scores 0."""

    graph: TaskGraph
    right: Mapping[str, str]
    wrong: Mapping[str, str]


def generate_jobs(count: int, seed: int, sizes: tuple[int, int] = DEFAULT_SIZES) -> tuple[GeneratedJob, ...]:
    """`count` jobs: shapes and levels in turn, sizes drawn from `sizes` (both ends included).

    Job n is the same however many are asked for. Raises GraphError for sizes outside 2 to 200.
    """
    shapes = list(SHAPES)
    jobs = []
    for number in range(count):
        shape = shapes[number % len(shapes)]
        size = Draw("workflowgen", seed, number, "size").between(*sizes)
        spec = JobSpec(name=f"wg{seed}-{number:03}-{shape}", shape=shape, size=size, level=LEVELS[number % len(LEVELS)])
        jobs.append(generate_job(spec, seed))
    return tuple(jobs)


def generate_job(spec: JobSpec, seed: int) -> GeneratedJob:
    """The job of a spec: a function of spec and seed alone, the same on any Python."""
    draw = Draw("workflowgen", seed, spec.name, spec.shape, spec.size, spec.level)
    places = SHAPES[spec.shape](draw.apart("shape"), spec.size)
    steps: list[GeneratedStep] = []
    tasks: list[Task] = []
    needed = {parent for parents in places for parent in parents}
    for place, parents in enumerate(places):
        own = draw.apart("place", place)
        level = min(max(spec.level + own.between(-1, 1), LEVELS[0]), LEVELS[-1])
        spot = Spot(level=level, parents=tuple((f"s{each}", steps[each]) for each in parents))
        step = _maker(own, spot, spec.shape, place in needed)(own, spot)
        steps.append(step)
        tasks.append(_task(spec, place, spot, step))
    graph = TaskGraph(
        name=spec.name,
        tasks=tuple(tasks),
        edges=tuple((f"s{parent}", f"s{place}") for place, parents in enumerate(places) for parent in parents),
    )
    return GeneratedJob(
        graph=graph,
        right={task.id: step.right for task, step in zip(tasks, steps, strict=True)},
        wrong={task.id: step.wrong for task, step in zip(tasks, steps, strict=True)},
    )


def _maker(draw: Draw, spot: Spot, shape: str, needed: bool) -> Maker:
    """What stands at a place: something its children can work on where it has any, often a report where it has none."""
    if not spot.parents:
        if needed:
            return draw.pick((invoice, *SOURCES))
        return draw.pick((*SOURCES, *CODING))
    if not values_of(spot):
        return draw.pick((*SOURCES, *CODING)) if not needed else draw.pick(SOURCES)
    if shape == "repeat-with-check" and needed:
        return branch if len(spot.parents) > 1 else check
    if needed:
        return draw.pick([maker for maker in makers_for(spot) if maker is not recompute])
    works = makers_for(spot)
    ends: tuple[tuple[Maker, ...], ...] = (works, works, CODING, (slogan,))
    if without_flags(spot).parents:
        ends += ((report,), (report,), (apply_figure,))
    return draw.pick(draw.pick(ends))


def _task(spec: JobSpec, place: int, spot: Spot, step: GeneratedStep) -> Task:
    prompt = f"This is step s{place} of the workflow {spec.name}. {step.ask}"
    text = math.ceil((len(prompt) + len(step.right)) / CHARS_PER_TOKEN)
    working = TOKENS_PER_LEVEL.get(step.type, 15) * spot.level
    return Task(
        id=f"s{place}",
        type=step.type,
        prompt=prompt,
        estimated_tokens=text + working + TOKENS_PER_PARENT * len(spot.parents),
        difficulty=float(spot.level),
        expected=step.expected,
        derive=step.derive or (NEEDS_NO_INPUT if spot.parents else None),
    )
