"""WfCommons WfFormat 1.5: recorded runs of scientific workflows (https://wfcommons.org/format).

The structure comes from `workflow.specification.tasks` (`parents` and `children`, which must agree), the cost from
`workflow.execution.tasks[].runtimeInSeconds`. Files, machines and commands are not read.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.importers.task_rules import ImportedStep, graph_of_steps

VERSIONS: Final = ("1.5",)


def is_wfformat(document: Json) -> bool:
    """Return whether the document is laid out as a WfFormat instance."""
    return isinstance(document, dict) and "workflow" in document


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
            f"is WfFormat {version}, but only version {', '.join(VERSIONS)} is supported; convert it with WfCommons"
        )
    workflow = fields.table("workflow")
    runtimes = {
        row.text("id"): row.number("runtimeInSeconds", 0.0, low=0.0)
        for row in workflow.table("execution").tables("tasks")
    }
    specification = workflow.table("specification")
    rows = specification.tables("tasks")
    steps = tuple(
        ImportedStep(id=row.text("id"), name=row.text("name", row.text("id")), cost=runtimes.get(row.text("id"), 0.0))
        for row in rows
    )
    return graph_of_steps(fields.text("name").removesuffix(".json"), steps, _edges(specification, rows), where)


def _edges(specification: Fields, rows: tuple[Fields, ...]) -> tuple[tuple[str, str], ...]:
    """Return the edges that both ends name; raise GraphError for an edge that only one end names."""
    from_parents = {(row.text("id"), child): None for row in rows for child in row.texts("children")}
    from_children = {(parent, row.text("id")): None for row in rows for parent in row.texts("parents")}
    if one_sided := sorted(from_parents.keys() ^ from_children.keys()):
        parent, child = one_sided[0]
        side = "'children' of the parent" if one_sided[0] in from_parents else "'parents' of the child"
        raise specification.fail(
            f"the edge {parent} -> {child} is listed only in {side}; 'parents' and 'children' must agree"
        )
    return tuple(from_parents)
