"""WfCommons WfFormat 1.5: real runs of scientific workflows (https://wfcommons.org/format).

Structure from `workflow.specification.tasks` (`parents` and `children`, which must agree), cost from
`workflow.execution.tasks[].runtimeInSeconds`. Files, machines and commands are not read.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.importers.imported_steps import ImportedStep, graph_of_steps

VERSIONS: Final = ("1.5",)


def is_wfformat(document: Json) -> bool:
    """Whether the document calls itself a WfFormat instance."""
    return isinstance(document, dict) and "workflow" in document


def read_wfformat(document: Json, *, where: str) -> TaskGraph:
    """The graph of a WfFormat instance; GraphError with `where` in front."""
    fields = Fields(document, where=where, error=GraphError)
    version = fields.text("schemaVersion")
    if version not in VERSIONS:
        raise fields.fail(f"is WfFormat {version}, but only {', '.join(VERSIONS)} is read; convert it with WfCommons")
    workflow = fields.table("workflow")
    runtimes = {
        row.text("id"): row.number("runtimeInSeconds", 0.0, low=0.0)
        for row in workflow.table("execution").tables("tasks")
    }
    rows = workflow.table("specification").tables("tasks")
    steps = tuple(
        ImportedStep(id=row.text("id"), name=row.text("name", row.text("id")), cost=runtimes.get(row.text("id"), 0.0))
        for row in rows
    )
    return graph_of_steps(fields.text("name").removesuffix(".json"), steps, _edges(rows), where)


def _edges(rows: tuple[Fields, ...]) -> tuple[tuple[str, str], ...]:
    """Edges as both ends tell them; GraphError where one end alone names an edge."""
    down = {(row.text("id"), child): None for row in rows for child in row.texts("children")}
    up = {(parent, row.text("id")): None for row in rows for parent in row.texts("parents")}
    if lone := sorted(down.keys() ^ up.keys()):
        parent, child = lone[0]
        raise rows[0].error(
            f"{rows[0].where.rpartition(', ')[0]}: the edge {parent} -> {child} stands at one of its ends only; "
            "'parents' and 'children' must agree"
        )
    return tuple(down)
