"""Generated jobs: a shape, filled with steps, as a TaskGraph with a right and a wrong answer for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import NEEDS_NO_INPUT, Task, TaskType
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.workflowgen.code_steps import CODE_STEPS, apply_figure, recompute
from pytest_swarm.workloads.workflowgen.follow_up_steps import branch, check, follow_ups_for, report, slogan
from pytest_swarm.workloads.workflowgen.generated_step import LEVELS, GeneratedStep, StepContext, StepGenerator
from pytest_swarm.workloads.workflowgen.operands import parent_values, without_booleans
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream
from pytest_swarm.workloads.workflowgen.shapes import SHAPES
from pytest_swarm.workloads.workflowgen.source_steps import SOURCE_STEPS, invoice

MIN_SIZE, MAX_SIZE = 2, 200
DEFAULT_SIZES: Final = (3, 8)
TOKENS_PER_PARENT: Final = 50  # a parent's answer in the prompt
# Tokens per level for the reasoning in an answer. Rounded, of the same order as the answers of the published runs (math
# 90 to 500 tokens, code 50 to 260, others below 80).
TOKENS_PER_LEVEL: Final = {TaskType.MATH: 60, TaskType.REASONING: 50, TaskType.CODE: 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to generate: name of the graph, shape, number of tasks (2 to 200) and level of difficulty (1 to 5)."""

    name: str
    shape: str
    size: int
    level: int

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise GraphError(f"job {self.name!r}: unknown shape {self.shape!r}; choose one of {', '.join(SHAPES)}")
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise GraphError(f"job {self.name!r}: size is {self.size}, but must be from {MIN_SIZE} to {MAX_SIZE}")
        if self.level not in LEVELS:
            raise GraphError(f"job {self.name!r}: level is {self.level}, but must be from 1 to 5")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedJob:
    """A graph, and for each task's id an answer that scores 1 and one that scores 0."""

    graph: TaskGraph
    right: Mapping[str, str]
    wrong: Mapping[str, str]


def generate_jobs(count: int, seed: int, sizes: tuple[int, int] = DEFAULT_SIZES) -> tuple[GeneratedJob, ...]:
    """Return `count` jobs, with shapes and levels in turn. Job n does not depend on `count`.

    Args:
        count: Number of jobs.
        seed: Seed of everything that is drawn.
        sizes: Smallest and largest number of tasks, both included, from 2 to 200.

    Raises:
        GraphError: For a size outside 2 to 200.
    """
    shapes = list(SHAPES)
    jobs = []
    for number in range(count):
        shape = shapes[number % len(shapes)]
        size = RandomStream("workflowgen", seed, number, "size").between(*sizes)
        spec = JobSpec(name=f"wg{seed}-{number:03}-{shape}", shape=shape, size=size, level=LEVELS[number % len(LEVELS)])
        jobs.append(generate_job(spec, seed))
    return tuple(jobs)


def generate_job(spec: JobSpec, seed: int) -> GeneratedJob:
    """Return the job of a spec, a function of spec and seed alone, the same on any Python.

    Args:
        spec: What to generate.
        seed: Seed of everything that is drawn.
    """
    rng = RandomStream("workflowgen", seed, spec.name, spec.shape, spec.size, spec.level)
    positions = SHAPES[spec.shape](rng.substream("shape"), spec.size)
    steps: list[GeneratedStep] = []
    tasks: list[Task] = []
    has_children = {parent for parents in positions for parent in parents}
    for position, parents in enumerate(positions):
        own = rng.substream("place", position)
        level = min(max(spec.level + own.between(-1, 1), LEVELS[0]), LEVELS[-1])
        context = StepContext(level=level, parents=tuple((f"s{each}", steps[each]) for each in parents))
        step = _generator(own, context, spec.shape, position in has_children)(own, context)
        steps.append(step)
        tasks.append(_task(spec, position, context, step))
    graph = TaskGraph(
        name=spec.name,
        tasks=tuple(tasks),
        edges=tuple((f"s{parent}", f"s{position}") for position, parents in enumerate(positions) for parent in parents),
    )
    return GeneratedJob(
        graph=graph,
        right={task.id: step.right for task, step in zip(tasks, steps, strict=True)},
        wrong={task.id: step.wrong for task, step in zip(tasks, steps, strict=True)},
    )


def _generator(rng: RandomStream, context: StepContext, shape: str, has_children: bool) -> StepGenerator:
    """Return a generator for a position: one with a value for the children where it has any, else often a report."""
    if not context.parents:
        if has_children:
            return rng.choice((invoice, *SOURCE_STEPS))
        return rng.choice((*SOURCE_STEPS, *CODE_STEPS))
    if not parent_values(context):
        return rng.choice((*SOURCE_STEPS, *CODE_STEPS)) if not has_children else rng.choice(SOURCE_STEPS)
    if shape == "repeat-with-check" and has_children:
        return branch if len(context.parents) > 1 else check
    if has_children:
        return rng.choice([each for each in follow_ups_for(context) if each is not recompute])
    works = follow_ups_for(context)
    ends: tuple[tuple[StepGenerator, ...], ...] = (works, works, CODE_STEPS, (slogan,))
    if without_booleans(context).parents:
        ends += ((report,), (report,), (apply_figure,))
    return rng.choice(rng.choice(ends))


def _task(spec: JobSpec, position: int, context: StepContext, step: GeneratedStep) -> Task:
    prompt = f"This is step s{position} of the workflow {spec.name}. {step.ask}"
    text = math.ceil(tokens_by_length(prompt + step.right))
    working = TOKENS_PER_LEVEL.get(step.type, 15) * context.level
    return Task(
        id=f"s{position}",
        type=step.type,
        prompt=prompt,
        estimated_tokens=text + working + TOKENS_PER_PARENT * len(context.parents),
        difficulty=float(context.level),
        expected=step.expected,
        derive=step.derive or (NEEDS_NO_INPUT if context.parents else None),
    )
