"""DAGBench `graph.json`: task graphs of several domains, as tasks with a cost and dependencies with a size.

The network of machines and the sizes of the data are not read: an LLM task hands on its answer.
"""

from __future__ import annotations

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.importers.task_rules import ImportedStep, graph_of_steps


def is_dagbench(document: Json) -> bool:
    """Return whether the document has DAGBench's task graph."""
    return isinstance(document, dict) and "task_graph" in document


def read_dagbench(document: Json, *, where: str) -> TaskGraph:
    """Return the graph of a DAGBench file.

    Args:
        document: The parsed file.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where the document is not a valid DAGBench graph.
    """
    fields = Fields(document, where=where, error=GraphError)
    table = fields.table("task_graph")
    steps = tuple(
        ImportedStep(id=row.text("name"), name=row.text("name"), cost=row.number("cost", 0.0, low=0.0))
        for row in table.tables("tasks")
    )
    edges = tuple((row.text("source"), row.text("target")) for row in table.tables("dependencies"))
    return graph_of_steps(fields.text("name"), steps, edges, where)
