"""CrewAI's crew.jsonc or crew.json: the tasks and settings of a crew, whose agents are in the files of agents/.

What a key means is said by crewai/project/json_loader.py; `crewai` makes the workflow, as it does for tasks.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.crewai import Crew, flow_of_crew
from pytest_swarm.workloads.importers.json_values import JsonTable, as_text, at, table, text, texts
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost

_NO_MANAGER: Final = "the manager who hands out the tasks is no step, and each task is asked of its own agent"
_CREW_LOSSES: Final = {
    "manager_llm": _NO_MANAGER,
    "manager_agent": _NO_MANAGER,
    "planning": Lost.PLANS,
    "memory": Lost.MEMORY,
    "knowledge_sources": Lost.STORES,
    "function_calling_llm": Lost.TOOLS,
    **dict.fromkeys(
        ("before_kickoff_callbacks", "after_kickoff_callbacks", "step_callback", "task_callback"), "code is not run"
    ),
}


def is_crewai_project(document: Json) -> bool:
    """Return whether the document is a crew.jsonc: it names agents, or holds them, and lists tasks that name them."""
    agents, tasks = at(document, "agents"), at(document, "tasks")
    if not isinstance(tasks, list) or not all(isinstance(row, dict) and "description" in row for row in tasks):
        return False
    return isinstance(agents, dict) or (isinstance(agents, list) and all(isinstance(each, str) for each in agents))


def is_crewai_agent(document: Json) -> bool:
    """Return whether the document is a file of agents/: one agent of a crew."""
    return all(isinstance(at(document, key), str) for key in ("role", "goal", "backstory"))


def read_crewai_project(document: Json, agent: Callable[[str], Json], *, name: str) -> AgentFlow:
    """Return the tasks of a crew.

    Args:
        document: The parsed file.
        agent: Returns the parsed file of an agent by its name, None where it has none.
        name: Name of the crew where the file has none.

    Raises:
        GraphError: Where there is no task, two tasks have one name, or a `context` cannot be read.
    """
    held = table(document, "agents")
    named = texts(document, "agents") or tuple(held)
    agents: JsonTable = {each: found for each in named if (found := _agent(held.get(each, agent(each))))}
    losses = _lost(table(document), agents, named)
    crew = Crew(
        name=text(document, "name").strip() or name,
        tasks=_tasks(document),
        agents=agents,
        agents_place="agents/",
        losses=tuple(losses),
        inputs={key: as_text(value) for key, value in table(document, "inputs").items()},
    )
    return flow_of_crew(crew)


def _agent(found: Json) -> JsonTable:
    """Return the fields of an agent; those of `settings` count before its own."""
    return {**table(found), **table(found, "settings")}


def _tasks(document: Json) -> dict[str, JsonTable]:
    rows = at(document, "tasks")
    found: dict[str, JsonTable] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        name = text(row, "name").strip() or f"tasks[{number}]"
        if name in found:
            raise GraphError(f"two tasks have the name {shown(name)}; give each one of its own")
        found[name] = table(row)
    if not found:
        raise GraphError("'tasks' is empty, so there is nothing to route")
    return found


def _lost(document: JsonTable, agents: JsonTable, named: tuple[str, ...]) -> Iterator[FlowLoss]:
    """Yield what of the crew's settings and agents is lost."""
    for key, reason in _CREW_LOSSES.items():
        if document.get(key):
            yield FlowLoss(reason=reason, what=f"the crew ({key})")
    for each in named:
        if each not in agents:
            yield FlowLoss(reason="agents/ has no file for them, so their roles and models are missing", what=each)
