"""Print what estimates are worth on a table of two or more models: `python -m benchmarks.estimates_table FILE`.

Each estimate is made of four fifths of the prompts and judged on the rest, five times. A router that takes the best
model (strong) where its estimate gains most over the worst (weak) gives a curve of score against the share of calls to
strong; APGR and CPT(50 %) are read off it as RouteLLM does. Within a fold, prompts of equal estimates are drawn by lot.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.domain.estimates_info import EstimatesInfo, EstimatesKind
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate.scored_calls import ScoredCall, cell_sums
from pytest_swarm.estimate.shrinkage import shrunk_table
from pytest_swarm.estimate.starting_estimates import StartingEstimates, TypeTable
from pytest_swarm.estimate.text_estimates import TextEstimates
from pytest_swarm.metrics.cost_curves import Point, Range, apgr, cpt
from pytest_swarm.statistics.bootstrap import cluster_weights, interval_over_rows
from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, read_matrix
from pytest_swarm.workloads.matrices.matrix import Matrix
from pytest_swarm.workloads.matrices.matrix_jobs import task_type

OUTER: Final = 5
SEED: Final = 0
GRID: Final = np.linspace(0.0, 1.0, 101)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Weak and strong scores of every prompt, its fold, and what each estimate believes strong to gain on it."""

    weak: Floats
    strong: Floats
    fold: npt.NDArray[np.int64]
    gains: dict[str, Floats]
    text_weights: tuple[float, ...]

    @property
    def said(self) -> str:
        """What is said of the text: it is decided in each fold, by the answers of the others."""
        folds = ", ".join(f"{each:.2f}" for each in self.text_weights)
        if not any(self.text_weights):
            return f"the text adds nothing in any of the {OUTER} folds, so its row is that of the type"
        return f"the text has weight {folds} in the {OUTER} folds"


def main() -> None:
    """Print the table of the file that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--format", default="long")
    options = parser.parse_args()
    matrix = read_matrix(options.table, MatrixImport(format=options.format))
    means = {model: matrix.mean_score(model) for model in matrix.models}
    weak, strong = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    types = len({each.dataset for each in matrix.prompts})
    found = held_out(matrix, weak=weak, strong=strong)
    print(f"{len(matrix.prompts):,} prompts of {types} types; weak {weak} {means[weak]:.3f}, strong {strong} ", end="")
    print(f"{means[strong]:.3f}; {found.said}")
    print("\n| estimates | APGR | 95 % interval | CPT(50 %) | 95 % interval |\n|---|---|---|---|---|")
    for name, gain in found.gains.items():
        print(f"| {name} | {' | '.join(figures(found, gain))} |")


def held_out(matrix: Matrix, *, weak: str, strong: str) -> HeldOut:
    """Return the estimated gain of strong over weak for every prompt, made without its fold."""
    rng = np.random.default_rng(SEED)
    count = len(matrix.prompts)
    fold = rng.permutation(np.arange(count) % OUTER)
    fleet = Fleet(name="table", models=tuple(map(_model, (weak, strong))))
    tasks = [
        Task(id=each.id, type=task_type(each.dataset), prompt=each.text or each.id, estimated_tokens=1)
        for each in matrix.prompts
    ]
    scores = {tag: np.array([each.cells[tag].score or 0.0 for each in matrix.prompts]) for tag in (weak, strong)}
    gains = {name: np.zeros(count) for name in ("prior", "type", "text")}
    weights: list[float] = []
    for part in range(OUTER):
        known, asked = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        calls = tuple(_calls(tasks, scores, known))
        starts, weight = _starts(calls, fleet, TaskGraph(name="asked", tasks=tuple(tasks[n] for n in asked)))
        weights.append(weight)
        for name, start in starts.items():
            for n in asked:
                low, high = _qualities(start, fleet, tasks[n])
                gains[name][n] = high - low
    gains["random"] = rng.random(count)
    gains["best choice"] = scores[strong] - scores[weak]
    return HeldOut(weak=scores[weak], strong=scores[strong], fold=fold, gains=gains, text_weights=tuple(weights))


def _starts(calls: Sequence[ScoredCall], fleet: Fleet, asked: TaskGraph) -> tuple[dict[str, StartingEstimates], float]:
    """The mean of each model over all types, the table by type, and the text, of the same answers; its weight."""
    table = shrunk_table(cell_sums(calls), fleet)
    text = TextEstimates(calls, fleet, info=EstimatesInfo(kind=EstimatesKind.TEXT, learning=False))
    starts: dict[str, StartingEstimates] = {
        "prior": TypeTable(rest=table.rest),
        "type": TypeTable.of(table),
        "text": text.of_job(asked),
    }
    return starts, text.weight


def _qualities(start: StartingEstimates, fleet: Fleet, task: Task) -> list[float]:
    by_type = [start.capability(model, task.type) for model in fleet]
    by_text = start.offsets(fleet, [task])
    return by_type if by_text is None else (by_text[:, 0] + by_type).tolist()


def _calls(tasks: Sequence[Task], scores: dict[str, Floats], known: npt.NDArray[np.int64]) -> Iterator[ScoredCall]:
    for n in known:
        task = tasks[n]
        for tag, values in scores.items():
            yield ScoredCall(
                job=task.id,
                graph=task.id,
                task=task.id,
                type=task.type,
                difficulty=1.0,
                prompt=task.prompt,
                model=tag,
                score=float(values[n]),
            )


def _model(tag: str) -> Model:
    return Model(tag=tag, vram_gb=1, load_time_ms=0, cost_per_token=1, max_ctx=100_000)


def figures(found: HeldOut, gain: Floats) -> tuple[str, ...]:
    """Return APGR and CPT(50 %) with their intervals over prompts."""
    count = len(gain)
    weights = cluster_weights(count)
    curves = [_curve(found, gain, row) for row in weights]

    def row(of: Callable[[Sequence[Point], Range], float | None]) -> tuple[str, str]:
        values = [None if span is None else of(points, span) for points, span in curves]
        bounds = interval_over_rows(values, clusters=count)
        value = values[0]
        ends = "-" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}"
        return ("-" if value is None else f"{value:.3f}"), ends

    return (*row(apgr), *row(lambda points, span: cpt(points, span, share=0.5)))


def _curve(found: HeldOut, gain: Floats, weights: Floats) -> tuple[list[Point], Range | None]:
    """The mean curve of the folds, each of a size by its weight, and its ends; prompt n counts `weights[n]` times."""
    total = float(weights.sum())
    height = np.zeros(len(GRID))
    for part in range(OUTER):
        inside = found.fold == part
        w, g = weights[inside], gain[inside]
        if not w.sum():
            continue
        order = np.argsort(-g, kind="stable")
        calls = np.concatenate([[0.0], np.cumsum(w[order])]) / w.sum()
        won = np.cumsum((w * (found.strong - found.weak)[inside])[order])
        score = np.concatenate([[0.0], won]) / w.sum() + float(w @ found.weak[inside]) / w.sum()
        ends = np.concatenate([[True], np.diff(g[order]) != 0, [True]])  # equal estimates are drawn by lot
        height += w.sum() / total * np.interp(GRID, calls[ends], score[ends])
    weak, strong = (Point(x, float(height[at])) for x, at in ((0.0, 0), (1.0, -1)))
    points = [Point(float(x), float(y)) for x, y in zip(GRID, height, strict=True)]
    return points, Range.between({"weak": weak, "strong": strong}, weak="weak", strong="strong")


if __name__ == "__main__":
    main()
