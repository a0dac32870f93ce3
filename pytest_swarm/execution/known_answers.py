"""Scored answers that are known before a run: those of an earlier run, or of a table that others measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import JobRecord, Run, TaskOutcome, TaskStatus
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import EstimateError, GraphError
from pytest_swarm.estimate.scored_calls import ScoredCall, cell_sums
from pytest_swarm.estimate.shrinkage import ShrunkTable, shrunk_table
from pytest_swarm.ollama.answers.answer_store import is_database
from pytest_swarm.routing.registry import mode_group
from pytest_swarm.simulator.models.imported_answers import ImportedAnswers, load_imported_answers
from pytest_swarm.telemetry import EVENTS_FILE
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph

ANSWERS: Final = "answers.jsonl"
JOBS: Final = "jobs"
_ROUNDING: Final = 1e-4  # of the priors in a fleet file


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswers:
    """Scored answers, each once; `source` says where they come from, `fleet` has the models that gave them."""

    source: str
    fleet: Fleet
    calls: tuple[ScoredCall, ...]

    def table(self, fleet: Fleet) -> ShrunkTable:
        """Return what the answers say of the models of a fleet; EstimateError where they are of none of them."""
        table = shrunk_table(cell_sums(self.calls), fleet)
        if not table.cells:
            raise EstimateError(
                f"{self.source}: has no scored answer of a model of fleet {fleet.name!r}; use its fleet"
            )
        return table


def read_known_answers(path: Path) -> KnownAnswers:
    """Return the scored answers of a run, or of the folder that `import-matrix` wrote.

    Args:
        path: The folder of a run, its events.jsonl, the folder of an imported table, or its answers.jsonl.

    Raises:
        EstimateError: There is nothing of the kind, or nothing in it was scored.
        EventsError: The events cannot be read.
        ProfileError: The measured answers cannot be read.
    """
    if (path / ANSWERS).is_file() or path.name == ANSWERS:
        folder = path if path.is_dir() else path.parent
        found = _matrix_answers(load_imported_answers(folder / ANSWERS), folder)
    elif path.is_file() and path.stat().st_size and is_database(path):
        raise EstimateError(
            f"{path}: is a store of answers, which has texts and no scores; play it with pytest "
            f"--swarm-backend=measure --swarm-offline --swarm-answers={path}, and give that run"
        )
    elif (path / EVENTS_FILE).is_file() or path.is_file():
        found = run_answers(read_run(path))
    else:
        raise EstimateError(
            f"{path}: is neither a run nor an imported table; give a folder with {EVENTS_FILE}, or with {ANSWERS}"
        )
    if not found.calls:
        raise EstimateError(
            f"{path}: no answer in it counts, because none was scored, or mode oracle alone gave them; take another run"
        )
    return found


def run_answers(run: Run) -> KnownAnswers:
    """Return the scored answers of a run.

    Two modes that gave a task the same answer of the same model are one draw. A call without an answer in the events
    counts once per repeat. Cases are taken by their digest, so that the order in which they ran is no matter. Those of
    a mode that plans in hindsight are left out: it asks a model where its answer is known to be right.
    """
    seen: dict[tuple[str, str, str, str | int], ScoredCall] = {}
    foresighted = (job for job in run.jobs if mode_group(job.case.key.mode) != "hindsight")
    for job in sorted(foresighted, key=lambda job: job.case.digest):
        for outcome in job.outcomes:
            call = _scored(job, outcome)
            if call is not None:
                draw = job.case.key.repeat if outcome.answer is None else outcome.answer
                seen.setdefault((call.graph, call.task, call.model, draw), call)
    return KnownAnswers(source=f"run {run.info.run}", fleet=run.info.fleet, calls=tuple(seen.values()))


def _matrix_answers(imported: ImportedAnswers, folder: Path) -> KnownAnswers:
    """Return the scored answers of an imported table, whose folder has the tasks of its jobs."""
    graphs = {graph.name: graph for graph in map(load_graph, sorted((folder / JOBS).glob("*.json")))}
    calls: list[ScoredCall] = []
    for key, call in imported.calls.items():
        try:
            graph = graphs[key.job]
            task = graph.task(key.task)
        except (KeyError, GraphError) as error:
            raise EstimateError(
                f"{folder / JOBS}: has no task {key.task!r} of job {key.job!r}, of which {ANSWERS} has an answer"
            ) from error
        calls.append(_call(graph, task, model=key.model, score=call.score))
    fleet = load_fleet(folder / "fleet.toml")
    if _are_means(fleet, calls):
        raise EstimateError(
            f"{folder / 'fleet.toml'}: its capabilities are means of these very answers, as an earlier version wrote "
            "them, and no belief beside them; import the table anew"
        )
    return KnownAnswers(source=f"table {folder.resolve().name}", fleet=fleet, calls=tuple(calls))


def _are_means(fleet: Fleet, calls: Iterable[ScoredCall]) -> bool:
    """Return whether every prior of a fleet is the mean of the answers of its model to its type, to four digits."""
    scores: dict[tuple[str, str], list[float]] = {}
    for call in calls:
        scores.setdefault((call.model, call.type), []).append(call.score)
    priors = [(full_tag(model.tag), kind, prior) for model in fleet for kind, prior in model.capabilities.items()]
    return bool(priors) and all(
        (tag, kind) in scores and abs(fmean(scores[tag, kind]) - prior) < _ROUNDING for tag, kind, prior in priors
    )


def _scored(job: JobRecord, outcome: TaskOutcome) -> ScoredCall | None:
    """The call of an outcome that the estimator would learn from; None for any other."""
    if outcome.status is not TaskStatus.OK or outcome.score is None or outcome.model is None:
        return None
    graph = job.case.graph
    return _call(graph, graph.task(outcome.task), model=outcome.model, score=outcome.score)


def _call(graph: TaskGraph, task: Task, *, model: str, score: float) -> ScoredCall:
    return ScoredCall(
        job=graph.name,
        graph=graph.digest,
        task=task.id,
        type=task.type,
        difficulty=task.difficulty,
        prompt=task.prompt,
        model=full_tag(model),
        score=score,
    )
