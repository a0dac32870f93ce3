"""Task graphs from agent workflows: one task for each LLM step, in one job for each case of inputs.

Prompts, system prompts and model names are kept. A place for the answer of an earlier step becomes a placeholder, and a
place for an input gets its value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import GENERAL, Task
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.agent_flow import AgentFlow, Conversation, FlowNode, StepAnswer, plain
from pytest_swarm.workloads.importers.flow_contraction import (
    chosen_branches,
    contracted_edges,
    entry_steps,
    never_run,
    reached,
)
from pytest_swarm.workloads.importers.flow_texts import FlowTexts
from pytest_swarm.workloads.importers.flow_unrolling import Copy, find_cycle, unrolled
from pytest_swarm.workloads.importers.losses import Lost, loss_sentences
from pytest_swarm.workloads.importers.task_rules import named_type, size_from_text

TYPE_CHARS: Final = 200  # of a prompt, so many characters at its beginning are read for its type
MAX_ID_CHARS: Final = 80
_TAG: Final = re.compile(r"<[^<>]*>")
_NO_WORDS: Final = re.compile(r"\{\{[^{}]*\}\}|^#+ *overview\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions:
    """How a workflow becomes jobs: values of its inputs, branches to keep, and rounds of a cycle (None = refuse it)."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    unroll: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowGraph:
    """The task graph of a workflow, and what could not be carried over, one sentence each.

    `inputs` are the names of its inputs, `used` those of the values that it took.
    """

    graph: TaskGraph
    losses: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    has_cycle: bool = False


def graph_of_flow(flow: AgentFlow, options: FlowOptions) -> FlowGraph:
    """Return the task graph of a workflow.

    Args:
        flow: The workflow.
        options: Inputs, branches and rounds.

    Raises:
        GraphError: Where it has no LLM step, or a cycle that is not to be unrolled.
    """
    kept = chosen_branches(flow, options.branches)
    steps = [node.id for node in kept.nodes if node.step is not None]
    if not steps:
        asked = [each for each in kept.losses if each.reason == Lost.PLAIN_REQUESTS]
        why = "".join(f"; {each}" for each in loss_sentences(asked, kept.by_id))
        raise GraphError(f"it has no LLM step, so there is nothing to route{why}")
    edges = contracted_edges(kept)
    entries = entry_steps(kept)
    begun = list(dict.fromkeys((*entries, *steps)))
    cycle = find_cycle(begun, edges)
    if cycle is not None and options.unroll is None:
        names = " -> ".join(kept.by_id[each].name for each in cycle)
        raise GraphError(f"it has a cycle: {names}; unroll it with --unroll=N")
    first = {each for each in entries if not _needs_answers(kept.by_id[each])}
    copies, links = unrolled(begun, edges, options.unroll or 1, first)
    place = {step: number for number, step in enumerate(steps)}
    copies.sort(key=lambda copy: (place[copy[0]], copy[1]))
    return replace(_build(kept, copies, links, options), has_cycle=cycle is not None)


def _needs_answers(node: FlowNode) -> bool:
    """Return whether a step is told the answer of another, with nothing to take in its place."""
    parts = (*node.step.system, *node.step.prompt) if node.step is not None else ()
    answers = [part for part in parts if isinstance(part, StepAnswer) and part.default is None]
    return any(step != node.id for part in answers for step, _ in part.candidates)


def _build(
    flow: AgentFlow, copies: Sequence[Copy], links: Sequence[tuple[Copy, Copy]], options: FlowOptions
) -> FlowGraph:
    ids = _task_ids(flow, copies)
    parents: dict[Copy, list[Copy]] = defaultdict(list)
    for parent, child in links:
        parents[child].append(parent)
    steps = {node.id: node.step for node in flow.nodes if node.step is not None}
    texts = FlowTexts(options.inputs, {copy: ids[copy] for copy in _in_order(copies, parents)}, steps)
    bare: dict[str, None] = {}
    tasks = []
    for copy in copies:
        task, has_text = _task(flow, copy, texts, parents)
        tasks.append(task)
        if not has_text:
            bare[flow.by_id[copy[0]].name] = None
    losses = [*loss_sentences(flow.losses, flow.by_id), *_branches(flow, options.branches), *texts.losses()]
    if extra := never_run(flow):
        names = ", ".join(dict.fromkeys(node.name for node in extra))
        losses.append(f"no way leads from a start to these steps, so the tool itself never runs them: {names}")
    if bare:
        losses.append(f"steps without a text of their own, which are asked to carry out their part: {', '.join(bare)}")
    edges = tuple((ids[parent], ids[child]) for child in copies for parent in parents.get(child, ()))
    return FlowGraph(
        graph=TaskGraph(name=flow.name, tasks=tuple(tasks), edges=edges),
        losses=tuple(losses),
        inputs=tuple(texts.known),
        used=frozenset(texts.used),
    )


def _task(flow: AgentFlow, copy: Copy, texts: FlowTexts, parents: Mapping[Copy, Sequence[Copy]]) -> tuple[Task, bool]:
    """Return the task of a step, and whether the file holds a text for it."""
    node = flow.by_id[copy[0]]
    step = node.step
    assert step is not None  # only steps are copied
    refers = any(isinstance(part, StepAnswer | Conversation) for part in (*step.system, *step.prompt))
    before = reached(parents.get(copy, ()), parents) if refers else set()
    system, prompt = texts.fill(step.system, step, before), texts.fill(step.prompt, step, before)
    if not prompt.strip():
        system, prompt = "", system
    has_text = bool(prompt.strip())
    if not has_text:
        prompt = escaped(
            f"You carry out the step {node.name!r} of the workflow {flow.name!r}. Give its result in a few sentences."
        )
    words = _TAG.sub(" ", f"{system} {prompt}")
    tokens, difficulty = size_from_text(words, len(parents.get(copy, ())))
    task = Task(
        id=texts.ids[copy],
        type=step.type or step_type(node.name, words if has_text else ""),
        prompt=prompt,
        estimated_tokens=step.estimated_tokens or tokens,
        difficulty=difficulty if step.difficulty is None else step.difficulty,
        system=system if system.strip() else None,
        source_model=step.model,
    )
    return task, has_text


def step_type(name: str, text: str) -> str:
    """Return the type of a step: from the words of its name, else from the beginning of its text, else general.

    Args:
        name: Name of the step.
        text: Its text without tags; the first 200 characters are read. Expressions and the heading of an overview, with
            which many prompts begin, say nothing of what is done.
    """
    return named_type(name) or named_type(_NO_WORDS.sub(" ", text).strip()[:TYPE_CHARS]) or GENERAL


def _task_ids(flow: AgentFlow, copies: Sequence[Copy]) -> dict[Copy, str]:
    """Return a unique ID for each copy: the step's name, with a number behind it where that is taken."""
    taken: set[str] = set()
    ids: dict[Copy, str] = {}
    for step, number in copies:
        base = plain(flow.by_id[step].name)[:MAX_ID_CHARS].strip() or "step"
        base = base if number == 1 else f"{base} (round {number})"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base} ({count})"
        taken.add(name)
        ids[step, number] = name
    return ids


def _in_order(copies: Sequence[Copy], parents: Mapping[Copy, Sequence[Copy]]) -> list[Copy]:
    """Return the copies, each after its parents, and else in the order in which they are given."""
    ordered: dict[Copy, None] = {}
    for start in copies:
        todo = [start]
        while todo:
            missing = [each for each in parents.get(todo[-1], ()) if each not in ordered]
            if missing:
                todo += reversed(missing)
            else:
                ordered[todo.pop()] = None
    return list(ordered)


def _branches(flow: AgentFlow, chosen: Collection[str]) -> Iterator[str]:
    """Yield a sentence on each node of which all branches are kept, and one on those that have only one way out."""
    ways: dict[str, dict[str, None]] = defaultdict(dict)
    for link in flow.links:
        if link.branch is not None:
            ways[flow.by_id[link.source].name][link.branch] = None
    for name, branches in ways.items():
        if len(branches) > 1:
            choice = f"--branch {name!r}=NAME keeps one"
            yield f"all branches of {name!r} are run ({', '.join(branches)}); {choice}"
    if single := [f"{name} ({next(iter(own))})" for name, own in ways.items() if len(own) == 1 and name not in chosen]:
        yield f"conditions are not checked, and the one branch is run: {', '.join(single)}"
