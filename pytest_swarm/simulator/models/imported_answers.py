"""The imported calls of a profile: JSON lines that replace the draws of the simulator, one for each task and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.imported_call import CallKey, ImportedCall, decode_imported_call
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswers:
    """The calls of a table, with models by their full tag; `source` is the file."""

    source: str
    calls: Mapping[CallKey, ImportedCall] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", MappingProxyType(dict(self.calls)))

    def of_graph(self, graph: TaskGraph, tags: tuple[str, ...]) -> dict[tuple[str, str], ImportedCall]:
        """Return the calls of a graph by (task, model).

        Args:
            graph: The graph; its name is the job.
            tags: The models on offer.

        Raises:
            ProfileError: A call was not measured. Nothing is drawn in its place.
        """
        found: dict[tuple[str, str], ImportedCall] = {}
        for tag in tags:
            for task in graph.tasks:
                call = self.calls.get(CallKey(graph.name, task.id, full_tag(tag)))
                if call is None:
                    raise ProfileError(
                        f"{self.source}: has no measured answer of {tag} to task {task.id!r} of job {graph.name!r}; "
                        "run the jobs that were written with this file, or leave the model out of the fleet"
                    )
                found[task.id, tag] = call
        return found


def load_imported_answers(path: Path) -> ImportedAnswers:
    """Return the calls of a file of JSON lines.

    Raises:
        ProfileError: A line is invalid, or a second one of the same job, task and model; the message names the line.
    """
    calls: dict[CallKey, ImportedCall] = {}
    for number, line in enumerate(read_text(path, ProfileError).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = Fields(parse_json(line, where, ProfileError), where=where, error=ProfileError)
        named, call = decode_imported_call(row)
        key = named._replace(model=full_tag(named.model))
        if key in calls:
            raise row.fail(f"is a second line of task {named.task!r} and model {named.model!r}; keep one of them")
        calls[key] = call
    return ImportedAnswers(source=str(path), calls=calls)
