"""WfCommons WfFormat 1.0 to 1.5: recorded runs of scientific workflows (https://wfcommons.org/format).

The structure comes from `parents` and `children`, which must agree, the cost from the runtime. 1.5 has two lists,
`specification.tasks` and `execution.tasks`, joined by `id`. Before, one list has both: `workflow.jobs` up to 1.2, then
`workflow.tasks`, whose parents go by name. Files, machines and commands are not read.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.importers.task_rules import ImportedStep, graph_of_steps

JOINED_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4")
VERSIONS: Final = (*JOINED_VERSIONS, "1.5")


def is_wfformat(document: Json) -> bool:
    """Return whether the document is laid out as a WfFormat instance."""
    return isinstance(document, dict) and "workflow" in document and "schemaVersion" in document


def read_wfformat(document: Json, *, where: str) -> TaskGraph:
    """Return the graph of a WfFormat instance.

    Args:
        document: The parsed file.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where the document is not a valid instance, or is of another version.
    """
    fields = Fields(document, where=where, error=GraphError)
    version = fields.text("schemaVersion")
    if version not in VERSIONS:
        raise fields.fail(
            f"is WfFormat {version}, but only versions {', '.join(VERSIONS)} are supported; convert it with WfCommons"
        )
    workflow = fields.table("workflow")
    name = fields.text("name").removesuffix(".json")
    if version in JOINED_VERSIONS:
        rows = workflow.tables("tasks" if "tasks" in workflow else "jobs")
        ids = _own_ids(rows, workflow)
        runtimes = [_runtime(row) for row in rows]
    else:
        workflow, execution = workflow.table("specification"), workflow.table("execution")
        rows = workflow.tables("tasks")
        ids = tuple(row.text("id") for row in rows)
        by_id = {row.text("id"): row.number("runtimeInSeconds", 0.0, low=0.0) for row in execution.tables("tasks")}
        runtimes = [by_id.get(row.text("id"), 0.0) for row in rows]
    keys = {own: own for own in ids} if version not in JOINED_VERSIONS else _keys(rows, ids)
    steps = tuple(
        ImportedStep(id=each, name=row.text("name", each), cost=runtime)
        for each, row, runtime in zip(ids, rows, runtimes, strict=True)
    )
    edges = _edges(workflow, rows, ids, keys, may_lack=version in JOINED_VERSIONS)
    return graph_of_steps(name, steps, edges, where)


def _own_ids(rows: tuple[Fields, ...], workflow: Fields) -> tuple[str, ...]:
    """Return the ID of each task of a version before 1.5: its name where names are unique, else its id.

    Raises:
        GraphError: Where tasks of one name have no ids of their own.
    """
    names = Counter(row.text("name") for row in rows)
    if len(names) == len(rows):
        return tuple(names)
    ids = tuple(row.optional_text("id") or "" for row in rows)
    if not all(ids) or len(set(ids)) < len(ids):
        name = names.most_common(1)[0][0]
        raise workflow.fail(f"several tasks have the name {name!r}, and no 'id' each to tell them apart")
    return ids


def _keys(rows: tuple[Fields, ...], ids: tuple[str, ...]) -> dict[str, str]:
    """Return what parents and children call a task -> its ID; its own ID comes first, a name that repeats is none."""
    names = Counter(row.optional_text("name") for row in rows)
    by_id = {found: own for row, own in zip(rows, ids, strict=True) if (found := row.optional_text("id"))}
    by_name = {
        found: own
        for row, own in zip(rows, ids, strict=True)
        if (found := row.optional_text("name")) and names[found] == 1
    }
    return by_name | by_id | {own: own for own in ids}


def _runtime(row: Fields) -> float:
    return row.number("runtimeInSeconds" if "runtimeInSeconds" in row else "runtime", 0.0, low=0.0)


def _edges(
    workflow: Fields, rows: tuple[Fields, ...], ids: tuple[str, ...], keys: dict[str, str], *, may_lack: bool
) -> tuple[tuple[str, str], ...]:
    """Return the edges, each of which must be in the lists of both ends; one kind of list may lack as a whole."""

    def called(name: str) -> str:
        return keys.get(name, name)

    down = {(each, called(c)): None for each, row in zip(ids, rows, strict=True) for c in row.texts("children")}
    up = {(called(p), each): None for each, row in zip(ids, rows, strict=True) for p in row.texts("parents")}
    one_sided = [] if may_lack and not (down and up) else sorted(down.keys() ^ up.keys())
    if one_sided:
        parent, child = one_sided[0]
        side = "'children' of the parent" if one_sided[0] in down else "'parents' of the child"
        raise workflow.fail(
            f"the edge {parent} -> {child} is listed only in {side}; 'parents' and 'children' must agree"
        )
    return tuple(down or up)
