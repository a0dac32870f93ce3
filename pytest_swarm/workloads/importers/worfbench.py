"""WorfBench: graphs of LLM subtasks as text (https://github.com/zjunlp/WorfBench), many in a file.

The graph is in the last turn of each conversation: `Node:`, lines `1: ...`, then `Edge:` or `Edges:` and pairs
`(START,1) (1,2) (2,END)`, sometimes with prose between them. START and END, in any case, are dropped. The goal of the
whole job is in the user's turn: its line `Task: ...`, else all before the list of actions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.importers.task_rules import size_from_text, type_from_text

START, END = "START", "END"
# "1: ..." is the format's own form. "1. ..." is read only where the plan has no such line, because prose contains
# numbered lists as well.
_NODES: Final = (re.compile(r"\s{0,8}(\d{1,4})\s?:\s?(\S.*)"), re.compile(r"\s{0,8}(\d{1,4})\.\s?(\S.*)"))
_PAIR: Final = re.compile(r"\(\s?(\w{1,9})\s?,\s?(\w{1,9})\s?\)")
_GOAL: Final = re.compile(r"^Task:\s?(\S.*)$", re.MULTILINE)
_OFFERED: Final = re.compile(r"The \w+ list you can ")  # "... take: search[keywords]"
MAX_GOAL_CHARS: Final = 2000


def is_worfbench(document: Json) -> bool:
    """Return whether the document is a list of conversations."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(row, dict) and "conversations" in row for row in document)
    )


def read_worfbench(entry: Json, *, where: str) -> TaskGraph:
    """Return the graph of one conversation, named after its id.

    Args:
        entry: One entry of the list of conversations.
        where: What to call it in an error, such as the file's path and the entry's number.

    Raises:
        GraphError: Where the last turn does not contain a valid plan.
    """
    fields = Fields(entry, where=where, error=GraphError)
    turns = fields.tables("conversations")
    if not turns:
        raise fields.fail("the conversation has no turns")
    plan = turns[-1].text("content")
    goal = _goal([turn.text("content") for turn in turns[:-1] if turn.text("role", "user") == "user"])[:MAX_GOAL_CHARS]
    nodes, rest = _split_plan(plan, fields)
    edges = _read_edges(rest, nodes, fields)
    tasks = tuple(
        _task(number, text, goal, sum(child == number for _, child in edges)) for number, text in nodes.items()
    )
    try:
        return TaskGraph(name=fields.text("id"), tasks=tasks, edges=edges)
    except GraphError as error:
        raise fields.fail(str(error)) from error


def _goal(asked: Sequence[str]) -> str:
    """Return what the user asked for: the last line `Task: ...`, else the last turn without the actions offered."""
    goals = [match[1] for text in asked for match in _GOAL.finditer(text)]
    return goals[-1] if goals else _OFFERED.split("".join(asked[-1:]), maxsplit=1)[0].strip()


def _split_plan(plan: str, fields: Fields) -> tuple[dict[str, str], str]:
    """Return number -> text of the nodes, and the part of the plan after the last node."""
    lines = plan.splitlines()
    for form in _NODES:
        matches = [(place, match) for place, line in enumerate(lines) if (match := form.fullmatch(line))]
        nodes = {match[1]: match[2].strip() for _, match in matches}
        if len(nodes) < len(matches):
            raise fields.fail(f"a node number is used twice ({len(matches)} lines for {len(nodes)} nodes)")
        if nodes:
            return nodes, "\n".join(lines[matches[-1][0] + 1 :])
    raise fields.fail("the plan has no nodes ('1: ...')")


def _read_edges(text: str, nodes: dict[str, str], fields: Fields) -> tuple[tuple[str, str], ...]:
    pairs = dict.fromkeys(match.groups() for match in _PAIR.finditer(text))
    if not pairs:
        raise fields.fail("the plan has no edges ('(START,1) (1,2) ...')")
    for parent, child in pairs:
        for end, mark in ((parent, START), (child, END)):
            if end not in nodes and end.upper() != mark:
                raise fields.fail(f"edge ({parent},{child}): there is no node {end}")
    return tuple((parent, child) for parent, child in pairs if parent in nodes and child in nodes)


def _task(number: str, text: str, goal: str, parents: int) -> Task:
    tokens, difficulty = size_from_text(f"{goal} {text}", parents)
    whole = f"The whole task: {goal}\n" if goal else ""
    return Task(
        id=number,
        type=type_from_text(text),
        prompt=escaped(f"{whole}Your step {number}: {text}\nCarry out this step alone, and give its result."),
        estimated_tokens=tokens,
        difficulty=difficulty,
    )
