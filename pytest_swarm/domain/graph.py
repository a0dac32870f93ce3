"""TaskGraph: a validated DAG of tasks, and the horizon that a router may weigh.

A graph that exists is valid: ids are unique, every edge joins two known tasks, and there is no cycle. This module alone
decides which tasks come next.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

from pytest_swarm.domain.graph_order import Neighbours, ancestors, topological_order
from pytest_swarm.domain.limits import family_fault, is_family
from pytest_swarm.domain.placeholders import references
from pytest_swarm.domain.rebuilt import Rebuilt
from pytest_swarm.domain.task import Task, decode_task, encode_task
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json, nearest, shown

Context: TypeAlias = Literal["parents", "full", "none"]
HorizonDepth: TypeAlias = int | Literal["flat"]
CONTEXTS: Final[tuple[Context, ...]] = ("parents", "full", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGraph(Rebuilt):
    """A DAG of tasks; `name` is the job's name in events and reports.

    `edges` are (parent id, child id). `context="parents"` hands parents' answers to their children, without the
    thinking; "full" hands on the thinking as well; "none" hands on nothing (the published benchmark's behavior).
    `version` belongs to the case: raise it when prompts or expectations change meaning, and old baselines are no longer
    compared. Graphs of one `family` are variants of one template; it may be declared later, and is not in `digest`.
    """

    name: str
    tasks: tuple[Task, ...]
    edges: tuple[tuple[str, str], ...] = ()
    context: Context = "parents"
    version: int = 1
    family: str | None = None
    order: tuple[str, ...] = field(init=False, repr=False, compare=False)
    digest: str = field(init=False, repr=False, compare=False)
    _by_id: Mapping[str, Task] = field(init=False, repr=False, compare=False)
    _parents: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _children: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise GraphError(f"the name of a task graph is {self.name!r:.60}, but must be a text")
        _set(self, "tasks", _checked_tasks(self.name, self.tasks))
        _set(self, "edges", _checked_edges(self.name, self.edges))
        if not self.name.strip():
            raise GraphError("a task graph has an empty name; the name stands for the job in events and reports")
        if not self.tasks:
            raise GraphError(f"graph {self.name!r} is empty: it has no tasks")
        if self.context not in CONTEXTS:
            known = ", ".join(map(repr, CONTEXTS))
            raise GraphError(f"graph {self.name!r}: context is {self.context!r}, but must be one of {known}")
        if self.version < 0:
            raise GraphError(f"graph {self.name!r}: version is {self.version}, but must be at least 0")
        if not is_family(self.family):
            raise GraphError(f"graph {self.name!r}: {family_fault(self.family)}")
        by_id = _unique(self.name, self.tasks)
        parents, children = _neighbours(self.name, by_id, self.edges)
        _check_formulas(self.name, self.tasks, parents)
        _set(self, "_by_id", MappingProxyType(by_id))
        _set(self, "_parents", MappingProxyType(parents))
        _set(self, "_children", MappingProxyType(children))
        _set(self, "order", topological_order(self.name, parents, children))
        _check_placeholders(self)
        _set(self, "digest", _digest(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TaskGraph:
        """Return the graph of a file that holds one: our own TOML or JSON, or any format that can be imported.

        GraphError names the file and what is wrong with it. The importers are loaded when this is called.
        """
        loaded: TaskGraph = import_module("pytest_swarm.workloads.importers.import_files").import_graph(path)
        return loaded

    def __hash__(self) -> int:
        """Return the hash of the content digest: one over all tasks would take longer than what is looked up by it."""
        return hash(self.digest)

    def __len__(self) -> int:
        return len(self.tasks)

    def task(self, task_id: str) -> Task:
        """Return the task of that id; GraphError where there is none."""
        try:
            return self._by_id[task_id]
        except KeyError:
            raise GraphError(f"graph {self.name!r} has no task {task_id!r}") from None

    def parents(self, task_id: str) -> tuple[str, ...]:
        """Return the IDs of the direct predecessors, in the order of the edges."""
        return self._parents[task_id]

    def children(self, task_id: str) -> tuple[str, ...]:
        """Return the IDs of the direct successors, in the order of the edges."""
        return self._children[task_id]

    def descendants(self, task_id: str) -> tuple[str, ...]:
        """Return the IDs of everything that depends on the task, in topological order."""
        found: set[str] = set()
        queue = [task_id]
        while queue:
            new = [child for child in self._children[queue.pop()] if child not in found]
            found.update(new)
            queue.extend(new)
        return tuple(each for each in self.order if each in found)

    def inputs(self, task_id: str) -> tuple[str, ...]:
        """Return the IDs of the tasks whose answers the task is given: its parents, and what its prompt refers to."""
        if self.context == "none":
            return ()
        parents, referred = self._parents[task_id], references(self._by_id[task_id].whole_prompt)
        return tuple(dict.fromkeys((*parents, *(each.task for each in referred)))) if referred else parents

    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Return the tasks by longest distance from a source: layer 0 has no parents."""
        stages = self.stages(self.order)
        layers: list[list[str]] = [[] for _ in range(max(stages.values()) + 1)]
        for task_id in self.order:
            layers[stages[task_id]].append(task_id)
        return tuple(map(tuple, layers))

    def ready(self, finished: Collection[str]) -> tuple[str, ...]:
        """Return the unfinished tasks whose parents are all finished, in topological order."""
        return tuple(
            each
            for each in self.order
            if each not in finished and all(parent in finished for parent in self._parents[each])
        )

    def horizon(self, finished: Collection[str], depth: int) -> tuple[str, ...]:
        """Return the ready tasks and their unfinished successors, in topological order.

        Args:
            finished: IDs of the tasks that have ended.
            depth: Steps to look ahead; 0 = the ready tasks only.
        """
        distance = dict.fromkeys(self.ready(finished), 0)
        queue = deque(distance)
        while queue:
            task_id = queue.popleft()
            if distance[task_id] == depth:
                continue
            for child in self._children[task_id]:
                if child not in distance:
                    distance[child] = distance[task_id] + 1
                    queue.append(child)
        return tuple(each for each in self.order if each in distance)

    def stages(self, horizon: Iterable[str]) -> dict[str, int]:
        """Return the stage of each task of a horizon, given in topological order: its longest distance within it."""
        stages: dict[str, int] = {}
        for task_id in horizon:
            stages[task_id] = 1 + max((stages.get(parent, -1) for parent in self._parents[task_id]), default=-1)
        return stages

    def flattened(self) -> TaskGraph:
        """Return the same tasks without edges or formulas: everything is ready at once (the published flat runs).

        Nothing is handed on then, so placeholders stay in the prompts as they are written.
        """
        context = "none" if any(references(task.whole_prompt) for task in self.tasks) else self.context
        return replace(self, edges=(), context=context, tasks=tuple(replace(task, derive=None) for task in self.tasks))

    def with_context(self, context: Context) -> TaskGraph:
        """Return the same graph handing on parents' outputs, or not."""
        return replace(self, context=context)


def encode_graph(graph: TaskGraph) -> dict[str, Json]:
    """Return the JSON object of a graph; `decode_graph` gives an equal graph back."""
    return {
        "name": graph.name,
        "version": graph.version,
        "context": graph.context,
        "tasks": [encode_task(task) for task in graph.tasks],
        "edges": [list(edge) for edge in graph.edges],
        **({} if graph.family is None else {"family": graph.family}),
    }


def decode_graph(fields: Fields) -> TaskGraph:
    """Return the graph of a JSON or TOML table with `name`, `tasks` and `edges` (pairs of ids).

    A task may say `after = ["s0"]` in place of edges. Raises the error of `fields` with the place in front.
    """
    fields.only(("name", "version", "context", "tasks", "edges", "family"))
    rows = tuple(row.labeled(shown(row.raw("id"))) if "id" in row else row for row in fields.tables("tasks"))
    try:
        tasks = tuple(decode_task(row, also=("after",)) for row in rows)
        after = tuple((parent, task.id) for row, task in zip(rows, tasks, strict=True) for parent in row.texts("after"))
        return TaskGraph(
            name=fields.text("name"),
            tasks=tasks,
            edges=(*_checked_edges(fields.text("name"), fields.raw("edges") or []), *after),
            context=cast("Context", fields.text("context", "parents")),  # checked there
            version=fields.whole("version", 1),
            family=fields.optional_text("family"),
        )
    except GraphError as error:
        raise fields.placed(error) from error


def _set(graph: TaskGraph, name: str, value: object) -> None:
    object.__setattr__(graph, name, value)


def _checked_tasks(name: str, tasks: object) -> tuple[Task, ...]:
    """Return the tasks of a list or tuple; GraphError for anything else: a graph built in Python passes no loader."""
    for task in tasks if isinstance(tasks, list | tuple) else (tasks,):
        if not isinstance(task, Task):
            raise GraphError(f"graph {name!r}: a task must be a Task(...), found {task!r:.60}")
    if not isinstance(tasks, list | tuple):
        raise GraphError(f"graph {name!r}: tasks must be a list of tasks")
    return tuple(tasks)


def _checked_edges(name: str, edges: object) -> tuple[tuple[str, str], ...]:
    """Return the edges of a list or tuple as pairs of task IDs; GraphError for anything else."""
    if not isinstance(edges, list | tuple):
        raise GraphError(f"graph {name!r}: edges must be a list of pairs of task IDs, found {edges!r:.60}")
    for edge in edges:
        if not (isinstance(edge, list | tuple) and len(edge) == 2 and all(isinstance(end, str) for end in edge)):
            raise GraphError(f"graph {name!r}: an edge must be a pair of task IDs (parent, child), found {edge!r:.60}")
    return tuple((parent, child) for parent, child in edges)


def _unique(name: str, tasks: tuple[Task, ...]) -> dict[str, Task]:
    by_id: dict[str, Task] = {}
    for task in tasks:
        if task.id in by_id:
            raise GraphError(f"graph {name!r}: duplicate id: task {task.id!r} appears twice")
        by_id[task.id] = task
    return by_id


def _check_formulas(name: str, tasks: tuple[Task, ...], parents: Neighbours) -> None:
    """Raise GraphError for a formula over something that is not a parent of its task."""
    for task in tasks:
        for other in sorted(task.derives_from.difference(parents[task.id])):
            raise GraphError(
                f"graph {name!r}: task {task.id!r} derives its answer from {other!r}, which is not its parent; "
                "add it to `after` or `edges`, or leave it out of `derive`"
            )


def _check_placeholders(graph: TaskGraph) -> None:
    """Raise GraphError for a placeholder of a task that does not come before. Without context, nothing is filled in."""
    for task in graph.tasks if graph.context != "none" else ():
        referred = dict.fromkeys(each.task for each in references(task.whole_prompt))
        before = ancestors(task.id, graph._parents) if referred else set()
        for other in referred:
            if other not in before:
                found = f"task {task.id!r} refers to the answer of {other!r}, which is no task before it"
                raise GraphError(f"graph {graph.name!r}: the prompt of {found}")


def _neighbours(
    name: str, by_id: Mapping[str, Task], edges: tuple[tuple[str, str], ...]
) -> tuple[Neighbours, Neighbours]:
    parents: dict[str, dict[str, None]] = {each: {} for each in by_id}
    children: dict[str, dict[str, None]] = {each: {} for each in by_id}
    for parent, child in edges:
        for end in (parent, child):
            if end not in by_id:
                near = nearest(end, by_id)
                hint = "name one that there is" if near is None else f"did you mean {near!r}?"
                raise GraphError(f"graph {name!r}: dangling edge {parent} -> {child}: there is no task {end!r}; {hint}")
        parents[child][parent] = None
        children[parent][child] = None
    return {k: tuple(v) for k, v in parents.items()}, {k: tuple(v) for k, v in children.items()}


def _digest(graph: TaskGraph) -> str:
    """Content digest: the same tasks, edges, context and version give the same 16 hex digits, whatever the test id."""
    asked = {name: value for name, value in encode_graph(graph).items() if name != "family"}
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
