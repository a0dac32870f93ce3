"""CrewAI: `tasks.yaml`, with `agents.yaml` beside it. Every task is an LLM step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowLoss,
    FlowNode,
    LlmStep,
    Part,
    Parts,
    joined,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, text, texts

_PLACE: Final = re.compile(r"\{(\w+)\}")


def is_crewai(document: Json) -> bool:
    """Return whether the document is a file of CrewAI tasks."""
    return _is_table_of(document, "description", ("agent", "expected_output"))


def is_crewai_agents(document: Json) -> bool:
    """Return whether the document is a file of CrewAI agents."""
    return _is_table_of(document, "role", ("goal", "backstory"))


def read_crewai(document: Json, agents: Json, *, name: str, where: str) -> AgentFlow:
    """Return the tasks of a crew. Without `context`, each task follows the one before it.

    Args:
        document: The parsed tasks.
        agents: The parsed agents, or None where their file is missing.
        name: Name of the crew.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where `context` names a task that does not exist.
    """
    tasks = table(document)
    rows = {task: table(row) for task, row in tasks.items()}
    links = [
        FlowLink(source=before, target=task)
        for before, task in pairwise(rows)
        if not isinstance(rows[task].get("context"), list)
    ]
    links += [FlowLink(source=other, target=task) for task, row in rows.items() for other in texts(row, "context")]
    missing = FlowLoss(reason="there is no agents.yaml beside it, so roles and models are missing")
    losses = [*([] if isinstance(agents, dict) else [missing]), *_lost(rows, agents)]
    try:
        return AgentFlow(
            name=name,
            nodes=tuple(FlowNode(id=task, name=task, step=_step(row, agents)) for task, row in rows.items()),
            links=tuple(links),
            losses=tuple(losses),
        )
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


_TASK_LOSSES: Final = {
    "tools": "tools are not called",
    "guardrail": "answers are not checked",
    "guardrails": "answers are not checked",
    "output_json": "structured output is not asked for",
    "output_pydantic": "structured output is not asked for",
    "output_file": "files are not written",
    "human_input": "nobody is asked",
    "callback": "code is not run",
}
_AGENT_LOSSES: Final = {
    "tools": "tools are not called",
    "function_calling_llm": "tools are not called",
    "knowledge_sources": "nothing is stored or retrieved",
    "memory": "memories are not kept",
    "max_tokens": "settings of models are not sent",
    "temperature": "settings of models are not sent",
}
_LLM_SETTINGS: Final = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop")


def _lost(rows: Mapping[str, JsonTable], agents: Json) -> Iterator[FlowLoss]:
    for task, row in rows.items():
        for key, reason in _TASK_LOSSES.items():
            if row.get(key):
                yield FlowLoss(reason=reason, what=f"{task} ({key})", nodes=(task,))
    for name in dict.fromkeys(text(row, "agent") for row in rows.values()):
        agent = table(agents, name)
        for key, reason in _AGENT_LOSSES.items():
            if agent.get(key):
                yield FlowLoss(reason=reason, what=f"{name} ({key})")
        if found := [key for key in _LLM_SETTINGS if table(agent, "llm").get(key) is not None]:
            yield FlowLoss(reason="settings of models are not sent", what=f"{name} ({', '.join(found)})")


def _step(row: JsonTable, agents: Json) -> LlmStep:
    agent = table(agents, text(row, "agent"))
    role, goal = text(agent, "role").strip(), text(agent, "goal").strip()
    about = [f"You are {role}. {text(agent, 'backstory').strip()}"] if role else []
    about += [f"Your personal goal is: {goal}"] if goal else []
    expected = text(row, "expected_output").strip()
    asked = [text(row, "description").strip()]
    asked += [f"This is the expected criteria for your final answer: {expected}"] if expected else []
    llm = agent.get("llm")
    model = first_text(llm, "model", "name") if isinstance(llm, dict) else text(agent, "llm")
    return LlmStep(system=joined(map(_parts, about), "\n"), prompt=joined(map(_parts, asked)), model=model or None)


def _parts(template: str) -> Parts:
    """Return a text with its `{name}` places as inputs of the crew."""
    found: list[Part] = []
    at_char = 0
    for match in _PLACE.finditer(template):
        found += [template[at_char : match.start()], FlowInput(names=(match[1],), raw=match[0])]
        at_char = match.end()
    return tuple(part for part in [*found, template[at_char:]] if part != "")


def _is_table_of(document: Json, key: str, others: tuple[str, ...]) -> bool:
    """Return whether every value of the document is a table with a key and one of others."""
    if not isinstance(document, dict) or not document:
        return False
    rows = [row for row in document.values() if isinstance(row, dict) and key in row]
    return len(rows) == len(document) and all(any(each in row for each in others) for row in rows)
