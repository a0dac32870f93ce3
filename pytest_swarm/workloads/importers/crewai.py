"""CrewAI: `tasks.yaml`, with `agents.yaml` beside it. Every task is an LLM step.

The order of the tasks, what each is told of the others and how it is asked are those of the sequential process
(crewai/crew.py and translations/en.json): the file itself does not say them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.agent_flow import (
    OWN_PROMPTS,
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowLoss,
    FlowNode,
    LlmStep,
    Parts,
    StepAnswer,
    filled,
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
    """Return the tasks of a crew. Without `context`, each task is told the answers of all before it.

    Args:
        document: The parsed tasks.
        agents: The parsed agents, or None where their file is missing.
        name: Name of the crew.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where `context` is no list, or names a task that does not exist.
    """
    tasks = table(document)
    rows = {task: table(row) for task, row in tasks.items()}
    missing = FlowLoss(reason="there is no agents.yaml beside it, so roles and models are missing")
    losses = [*([] if isinstance(agents, dict) else [missing]), *_lost(rows, agents)]
    try:
        chosen = _chosen(rows)
        told = _told(rows, chosen)
        links = tuple(FlowLink(source=other, target=task) for task in rows for other in _nearest(task, chosen, told))
        return AgentFlow(
            name=name,
            nodes=tuple(
                FlowNode(id=task, name=task, step=_step(row, agents, told[task])) for task, row in rows.items()
            ),
            links=links,
            losses=tuple(losses),
        )
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


def _chosen(rows: Mapping[str, JsonTable]) -> dict[str, tuple[str, ...]]:
    """Return the tasks that `context` names, for each task that has one."""
    chosen: dict[str, tuple[str, ...]] = {}
    for task, row in rows.items():
        context = row.get("context")
        if isinstance(context, list):
            chosen[task] = texts(context)
        elif context is not None:
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
    behind = set() if task in chosen else _before(given, told)
    yield from (other for other in given if other not in behind)


def _before(tasks: tuple[str, ...], told: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the tasks that come before some tasks, at any distance."""
    found: set[str] = set()
    todo = {earlier for task in tasks for earlier in told.get(task, ())}
    while todo:
        each = todo.pop()
        found.add(each)
        todo.update(told.get(each, ()))
        todo -= found
    return found


_CONTEXT: Final = "This is the context you're working with:\n"
_BETWEEN_ANSWERS: Final = "\n\n----------\n\n"
_WHOLE: Final = "you MUST return the actual complete content as the final answer, not a summary."
_TASK_LOSSES: Final = {
    "tools": "tools are not called",
    "guardrail": "answers are not checked",
    "guardrails": "answers are not checked",
    "output_json": "structured output is not asked for",
    "output_pydantic": "structured output is not asked for",
    "output_file": "files are not written",
    "human_input": "nobody is asked",
    "callback": "code is not run",
    "markdown": OWN_PROMPTS,
}
_AGENT_LOSSES: Final = {
    "tools": "tools are not called",
    "function_calling_llm": "tools are not called",
    "allow_delegation": "tools are not called",
    "allow_code_execution": "tools are not called",
    "multimodal": "images and files are not sent",
    "reasoning": "plans before the work are not made",
    "inject_date": OWN_PROMPTS,
    **dict.fromkeys(("system_template", "prompt_template", "response_template"), "templates of agents are not used"),
    "knowledge_sources": "nothing is stored or retrieved",
    "memory": "memories are not kept",
    "max_tokens": "settings of models are not sent",
    "temperature": "settings of models are not sent",
}
_LLM_SETTINGS: Final = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop")


def _lost(rows: Mapping[str, JsonTable], agents: Json) -> Iterator[FlowLoss]:
    yield FlowLoss(reason=OWN_PROMPTS, what="the form of thoughts and answers")
    known = table(agents)
    for task, row in rows.items():
        if known and text(row, "agent") not in known:
            reason = "agents.yaml has no agent for them, so their roles and models are missing"
            yield FlowLoss(reason=reason, what=task, nodes=(task,))
        for key, reason in _TASK_LOSSES.items():
            if row.get(key):
                yield FlowLoss(reason=reason, what=f"{task} ({key})", nodes=(task,))
    named = dict.fromkeys(text(row, "agent") for row in rows.values())
    for name in known:
        if name not in named:
            yield FlowLoss(reason="agents that no task names are left out", what=name)
    for name in named:
        agent = table(agents, name)
        for key, reason in _AGENT_LOSSES.items():
            if agent.get(key):
                yield FlowLoss(reason=reason, what=f"{name} ({key})")
        if found := [key for key in _LLM_SETTINGS if table(agent, "llm").get(key) is not None]:
            yield FlowLoss(reason="settings of models are not sent", what=f"{name} ({', '.join(found)})")


def _step(row: JsonTable, agents: Json, told: tuple[str, ...]) -> LlmStep:
    agent = table(agents, text(row, "agent"))
    role, goal = text(agent, "role").strip(), text(agent, "goal").strip()
    about = [f"You are {role}. {text(agent, 'backstory').strip()}"] if role else []
    about += [f"Your personal goal is: {goal}"] if goal else []
    expected = text(row, "expected_output").strip()
    asked = [_parts(text(row, "description").strip())]
    asked += [_parts(f"This is the expected criteria for your final answer: {expected}\n{_WHOLE}")] if expected else []
    answers: list[Parts] = [(StepAnswer(candidates=((task, ()),), raw=task),) for task in told]
    asked += [(_CONTEXT, *joined(answers, _BETWEEN_ANSWERS))] if answers else []
    llm = agent.get("llm")
    model = first_text(llm, "model", "name") if isinstance(llm, dict) else text(agent, "llm")
    return LlmStep(system=joined(map(_parts, about), "\n"), prompt=joined(asked), model=model or None)


def _parts(template: str) -> Parts:
    """Return a text with its `{name}` places as inputs of the crew."""
    return filled(template, _PLACE, lambda match: (FlowInput(names=(match[1],), raw=match[0]),))


def _is_table_of(document: Json, key: str, others: tuple[str, ...]) -> bool:
    """Return whether every value of the document is a table with a key and one of others."""
    if not isinstance(document, dict) or not document:
        return False
    rows = [row for row in document.values() if isinstance(row, dict) and key in row]
    return len(rows) == len(document) and all(any(each in row for each in others) for row in rows)
