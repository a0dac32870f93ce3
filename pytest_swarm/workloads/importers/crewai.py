"""CrewAI: `tasks.yaml`, with `agents.yaml` beside it. Every task is an LLM step.

The order of the tasks, what each is told of the others and how it is asked are those of the sequential process
(crewai/crew.py and translations/en.json): the file itself does not say them. `crewai_project` reads crew.jsonc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    StepAnswer,
    filled,
    joined,
)
from pytest_swarm.workloads.importers.flow_contraction import reached
from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, text, texts
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost

_PLACE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")  # crewai/utilities/string_utils.py


def is_crewai(document: Json) -> bool:
    """Return whether the document is a file of CrewAI tasks."""
    return _is_table_of(document, "description", ("agent", "expected_output"))


def is_crewai_agents(document: Json) -> bool:
    """Return whether the document is a file of CrewAI agents."""
    return _is_table_of(document, "role", ("goal", "backstory"))


def read_crewai(document: Json, agents: Json, *, name: str) -> AgentFlow:
    """Return the tasks of a crew. Without `context`, each task is told the answers of all before it.

    Args:
        document: The parsed tasks.
        agents: The parsed agents, or None where their file is missing.
        name: Name of the crew.

    Raises:
        GraphError: Where `context` is no list, or names a task that does not exist.
    """
    rows = {task: table(row) for task, row in table(document).items()}
    missing = FlowLoss(reason="there is no agents.yaml beside it, so roles and models are missing")
    losses = () if isinstance(agents, dict) else (missing,)
    return flow_of_crew(Crew(name=name, tasks=rows, agents=table(agents), losses=losses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The tasks of a crew by their names, its agents by theirs, and what of it is lost already.

    `agents_place` is where the agents are looked for, `inputs` are values of the crew's own for its places.
    """

    name: str
    tasks: Mapping[str, JsonTable]
    agents: JsonTable
    losses: tuple[FlowLoss, ...]
    agents_place: str = "agents.yaml"
    inputs: Mapping[str, str] = field(default_factory=dict)


def flow_of_crew(crew: Crew) -> AgentFlow:
    """Return the workflow of a crew.

    Raises:
        GraphError: Where `context` is no list, or names a task that does not exist.
    """
    rows = crew.tasks
    chosen = _chosen(rows)
    told = _told(rows, chosen)
    links = tuple(FlowLink(source=other, target=task) for task in rows for other in _nearest(task, chosen, told))
    return AgentFlow(
        name=crew.name,
        nodes=tuple(FlowNode(id=task, name=task, step=_step(row, crew, told[task])) for task, row in rows.items()),
        links=links,
        losses=(*crew.losses, *_lost(crew)),
    )


def _chosen(rows: Mapping[str, JsonTable]) -> dict[str, tuple[str, ...]]:
    """Return the tasks that `context` names, for each task that has one; none where it is left empty."""
    chosen: dict[str, tuple[str, ...]] = {}
    for task, row in rows.items():
        context = row.get("context", ())
        if isinstance(context, list) or context is None:
            chosen[task] = texts(context)
        elif "context" in row:
            raise GraphError(f"task {task!r}: 'context' is {shown(context)}, but must be a list of tasks")
        for other in chosen.get(task, ()):
            if other not in rows:
                raise GraphError(
                    f"task {task!r}: 'context' names {other!r}; the tasks of the file are {', '.join(rows)}"
                )
    return chosen


def _told(rows: Mapping[str, JsonTable], chosen: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the tasks whose answers each task is told.

    Those of `context`; without it, all that have ended: an asynchronous task is told the last that was not so, and the
    next task that is not so waits for it.
    """
    told: dict[str, tuple[str, ...]] = {}
    ended: list[str] = []
    running: list[str] = []
    last: tuple[str, ...] = ()
    for task in _in_order(rows, chosen):
        is_async = rows[task].get("async_execution") is True
        if not is_async:
            ended += running
            running = []
        usual = last if is_async else tuple(ended)
        told[task] = chosen.get(task, usual)
        (running if is_async else ended).append(task)
        last = last if is_async else (task,)
    return told


def _in_order(rows: Mapping[str, JsonTable], chosen: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the tasks as the file has them, but each after those of its `context`.

    A crew's order is that of its methods in Python, and CrewAI refuses one in which a task is told a later one.
    """
    order: dict[str, None] = {}
    waiting = list(rows)
    while waiting:
        ready = (task for task in waiting if all(other in order for other in chosen.get(task, ())))
        task = next(ready, waiting[0])  # those of a cycle stay as they are: it is refused later
        waiting.remove(task)
        order[task] = None
    return list(order)


def _nearest(task: str, chosen: Mapping[str, object], told: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the tasks that a task comes right after: all of `context`, else those that no other of them comes after."""
    given = told[task]
    behind = set() if task in chosen else reached((earlier for each in given for earlier in told[each]), told)
    yield from (other for other in given if other not in behind)


_CONTEXT: Final = "This is the context you're working with:\n"
_BETWEEN_ANSWERS: Final = "\n\n----------\n\n"
_WHOLE: Final = "you MUST return the actual complete content as the final answer, not a summary."
_NO_CHECKS: Final = "answers are not checked"
_TASK_LOSSES: Final = {
    "tools": Lost.TOOLS,
    **dict.fromkeys(("guardrail", "guardrails"), _NO_CHECKS),
    **dict.fromkeys(("output_json", "output_pydantic"), Lost.STRUCTURE),
    "output_file": "files are not written",
    "human_input": Lost.QUESTIONS,
    **dict.fromkeys(("callback", "callbacks"), "code is not run"),
    "condition": "conditions are not checked, and the task is run",
    "input_files": Lost.FILES,
    "markdown": Lost.OWN_PROMPTS,
}
_TOOL_KEYS: Final = ("tools", "apps", "mcps", "function_calling_llm", "allow_delegation", "allow_code_execution")
_AGENT_LOSSES: Final = {
    **dict.fromkeys(_TOOL_KEYS, Lost.TOOLS),
    "guardrail": _NO_CHECKS,
    "step_callback": "code is not run",
    "multimodal": Lost.FILES,
    **dict.fromkeys(("reasoning", "planning", "planning_config"), Lost.PLANS),
    "inject_date": Lost.OWN_PROMPTS,
    **dict.fromkeys(("system_template", "prompt_template", "response_template"), "templates of agents are not used"),
    "knowledge_sources": Lost.STORES,
    "memory": Lost.MEMORY,
    **dict.fromkeys(("max_tokens", "temperature"), Lost.SETTINGS),
}
_MODEL_KEYS: Final = ("model", "model_name", "deployment_name", "name")  # crewai/utilities/llm_utils.py, and `name`
_LLM_SETTINGS: Final = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop")


def _lost(crew: Crew) -> Iterator[FlowLoss]:
    yield FlowLoss(reason=Lost.OWN_PROMPTS, what="the form of thoughts and answers")
    rows, known = crew.tasks, crew.agents
    for task, row in rows.items():
        if known and text(row, "agent") not in known:
            reason = (
                f"tasks without an agent of {crew.agents_place} have no role and no model; "
                "where the program names their agents, write 'agent: NAME' into the file"
            )
            yield FlowLoss(reason=reason, what=task, nodes=(task,))
        for key, reason in _TASK_LOSSES.items():
            if row.get(key):
                yield FlowLoss(reason=reason, what=f"{task} ({key})", nodes=(task,))
    named = dict.fromkeys(text(row, "agent") for row in rows.values())
    for name in known:
        if name not in named:
            yield FlowLoss(reason="agents that no task names are left out", what=name)
    for name in named:
        agent = table(known, name)
        for key, reason in _AGENT_LOSSES.items():
            if agent.get(key):
                yield FlowLoss(reason=reason, what=f"{name} ({key})")
        if found := [key for key in _LLM_SETTINGS if table(agent, "llm").get(key) is not None]:
            yield FlowLoss(reason=Lost.SETTINGS, what=f"{name} ({', '.join(found)})")


def _step(row: JsonTable, crew: Crew, told: tuple[str, ...]) -> LlmStep:
    agent = table(crew.agents, text(row, "agent"))
    role, goal = text(agent, "role").strip(), text(agent, "goal").strip()
    about = [f"You are {role}. {text(agent, 'backstory').strip()}"] if role else []
    about += [f"Your personal goal is: {goal}"] if goal else []
    expected = text(row, "expected_output").strip()
    wanted = [f"This is the expected criteria for your final answer: {expected}\n{_WHOLE}"] if expected else []
    asked = [_parts(each, crew) for each in (text(row, "description").strip(), *wanted)]
    answers: list[Parts] = [(StepAnswer(candidates=((task, ()),), raw=task),) for task in told]
    asked += [(_CONTEXT, *joined(answers, _BETWEEN_ANSWERS))] if answers else []
    llm = agent.get("llm")
    model = first_text(llm, *_MODEL_KEYS) if isinstance(llm, dict) else text(agent, "llm")
    system = joined([_parts(each, crew) for each in about], "\n")
    return LlmStep(system=system, prompt=joined(asked), model=model or None)


def _parts(template: str, crew: Crew) -> Parts:
    """Return a text with its `{name}` places as inputs of the crew."""

    def place(match: re.Match[str]) -> Parts:
        return (FlowInput(names=(match[1],), raw=match[0], default=crew.inputs.get(match[1])),)

    return filled(template, _PLACE, place)


def _is_table_of(document: Json, key: str, others: tuple[str, ...]) -> bool:
    """Return whether every value of the document is a table with a key and one of others."""
    if not isinstance(document, dict) or not document:
        return False
    rows = [row for row in document.values() if isinstance(row, dict) and key in row]
    return len(rows) == len(document) and all(any(each in row for each in others) for row in rows)
