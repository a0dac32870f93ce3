"""A matrix as jobs, fleet and known answers: what the files of an imported matrix contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final, TypeAlias

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.imported_call import CallKey, ImportedCall
from pytest_swarm.domain.model import Model
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import GENERAL, MAX_TYPE_CHARS, Task, type_name
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.workloads.fleet import FleetEntry
from pytest_swarm.workloads.matrices.matrix import Matrix, MatrixCell, MatrixPrompt

COST_UNIT_USD: Final = 1e-6  # one unit of cost in fleet and reports: prices are usually given per million tokens
ASSUMED_VRAM_GB: Final = (
    1.0  # a table says nothing of VRAM: all models fit together, so that only scores and cost count
)
_ASSUMED_ANSWER_TOKENS: Final = 100  # where no table counts tokens; enters the routers' estimates only
_LEAST_CONTEXT: Final = 8192
TokenSums: TypeAlias = tuple[Counter[str | None], Counter[str | None]]
"""By data set, the answers whose completion tokens were counted, and the sum of these, over all models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixJobs:
    """The jobs of a matrix, each of `batch` prompts where that divides them; and the rows of their known answers."""

    graphs: tuple[TaskGraph, ...]
    calls: tuple[tuple[CallKey, ImportedCall], ...]
    even: bool


def matrix_jobs(matrix: Matrix, *, name: str, batch: int) -> MatrixJobs:
    """Return the flat jobs of a matrix and the known answers of every model.

    Jobs have equal sizes where a divisor of the prompts' number is from half to double of `batch`, so that the mean
    over jobs is the mean over prompts.

    Args:
        matrix: The matrix.
        name: The first part of the jobs' names.
        batch: The number of prompts in a job.
    """
    size, even = _job_size(len(matrix.prompts), batch)
    count = -(-len(matrix.prompts) // size)
    parts = [matrix.prompts[n::count] for n in range(count)]  # dealt, so that no job holds a whole sorted data set
    everywhere = _answer_tokens(matrix.prompts)
    graphs: list[TaskGraph] = []
    calls: list[tuple[CallKey, ImportedCall]] = []
    for number, prompts in enumerate(parts):
        own = _answer_tokens(prompts)
        answer_tokens = _means_without(everywhere, own)
        job = f"{name}-{number + 1:0{len(str(count))}d}"
        graphs.append(TaskGraph(name=job, tasks=tuple(_task(each, answer_tokens) for each in prompts)))
        calls += [
            (CallKey(job, each.id, model), _imported(cell)) for each in prompts for model, cell in each.cells.items()
        ]
    return MatrixJobs(graphs=tuple(graphs), calls=tuple(calls), even=even)


def _job_size(prompts: int, batch: int) -> tuple[int, bool]:
    """Return the size of a job nearest to `batch`, and whether it divides the prompts."""
    sizes = [each for each in range(-(-batch // 2), 2 * batch + 1) if prompts % each == 0]
    if prompts <= batch:
        return prompts, True
    return min(sizes, key=lambda each: abs(each - batch), default=batch), bool(sizes)


def task_type(dataset: str | None) -> str:
    """Return the type of a data set's tasks: the data set itself, `general` where the table names none."""
    name = " ".join((dataset or "").split())[:MAX_TYPE_CHARS]
    return type_name(name) or GENERAL


def _task(prompt: MatrixPrompt, answer_tokens: Mapping[str | None, float]) -> Task:
    text = prompt.text or f"Prompt {prompt.id} of a table that does not give its text."
    given = _mean(cell.prompt_tokens for cell in prompt.cells.values())
    asked = tokens_by_length(text) if given is None else given
    return Task(
        id=prompt.id,
        type=task_type(prompt.dataset),
        prompt=escaped(text),
        estimated_tokens=max(1, round(asked + answer_tokens[prompt.dataset])),
    )


def _answer_tokens(prompts: Iterable[MatrixPrompt]) -> TokenSums:
    answers, tokens = Counter[str | None](), Counter[str | None]()
    for prompt in prompts:
        known = [each.completion_tokens for each in prompt.cells.values() if each.completion_tokens is not None]
        answers[prompt.dataset] += len(known)
        tokens[prompt.dataset] += sum(known)
    return answers, tokens


def _means_without(sums: TokenSums, own: TokenSums) -> dict[str | None, float]:
    """Return the mean completion tokens of each data set over all other jobs than the one that has the `own`.

    Where no other job has counted answers of the data set, it is the mean of all data sets in other jobs; where they
    have none at all, an assumed number.
    """
    answers, tokens = map(Counter, sums)
    answers.subtract(own[0])
    tokens.subtract(own[1])
    rest = tokens.total() / answers.total() if answers.total() else _ASSUMED_ANSWER_TOKENS
    return {dataset: tokens[dataset] / count if count else rest for dataset, count in answers.items()}


def _imported(cell: MatrixCell) -> ImportedCall:
    assert cell.score is not None, "a matrix has only scored cells"
    return ImportedCall(
        score=cell.score,
        prompt_tokens=cell.prompt_tokens,
        completion_tokens=cell.completion_tokens,
        cost=None if cell.cost is None else cell.cost / COST_UNIT_USD,
        latency_s=cell.latency_s,
    )


def fleet_entries(matrix: Matrix, jobs: MatrixJobs) -> Iterator[FleetEntry]:
    """Yield the models with their cost per token.

    They have no capabilities: the scores of a table are the outcome, of which no router may know before it is judged.
    What the other jobs say of a model is the business of the cross-fitted estimates.

    Args:
        matrix: The matrix.
        jobs: Its jobs, whose estimated tokens stand in where no tokens were counted.
    """
    tasks = {task.id: task for graph in jobs.graphs for task in graph.tasks}
    longest = max(_LEAST_CONTEXT, *(task.estimated_tokens for task in tasks.values()))
    for tag in matrix.models:
        cost_per_token, source = _cost_per_token([each.cells[tag] for each in matrix.prompts], tasks, matrix)
        model = Model(
            tag=tag,
            vram_gb=ASSUMED_VRAM_GB,
            load_time_ms=0.0,
            cost_per_token=cost_per_token,
            max_ctx=longest,
        )
        comments = {
            "vram_gb": "assumed, a table says nothing of VRAM",
            "load_time_ms": "assumed, as for a hosted model",
            "cost_per_token": source,
        }
        yield FleetEntry(model=model, comments=comments)


def _cost_per_token(cells: list[MatrixCell], tasks: Mapping[str, Task], matrix: Matrix) -> tuple[float, str]:
    """Return the cost per token in millionths of a USD, and where it comes from."""
    rows = [(cell.cost, cell, prompt) for cell, prompt in zip(cells, matrix.prompts, strict=True)]
    priced = [(cost, cell, prompt) for cost, cell, prompt in rows if cost is not None]
    if not priced:
        return 0.0, "not in the table, so no router weighs cost; set it to weigh cost"
    counted = [
        (cost, cell.prompt_tokens + cell.completion_tokens)
        for cost, cell, _ in priced
        if cell.prompt_tokens is not None and cell.completion_tokens is not None
    ]
    tokens = sum(each for _, each in counted)
    if tokens:
        return sum(cost for cost, _ in counted) / tokens / COST_UNIT_USD, "USD per million tokens, cost over tokens"
    estimated = sum(tasks[prompt.id].estimated_tokens for _, _, prompt in priced)
    return sum(cost for cost, _, _ in priced) / estimated / COST_UNIT_USD, "USD per million tokens, estimated tokens"


def _mean(values: Iterable[int | None]) -> float | None:
    known = [each for each in values if each is not None]
    return fmean(known) if known else None
