"""Sub-workflows: a call of another workflow is replaced by its nodes, where that workflow is at hand.

The call becomes a container of them. What the caller passes takes the place of the inputs, and what it reads of the
call's result becomes a place for the answer of the last steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    Conversation,
    FlowCall,
    FlowInput,
    FlowLink,
    FlowNode,
    Part,
    Parts,
    StepAnswer,
)
from pytest_swarm.workloads.importers.flow_contraction import contracted_edges
from pytest_swarm.workloads.importers.losses import FlowLoss

Lookup: TypeAlias = Callable[[tuple[str, ...]], AgentFlow | None]
MAX_CALLERS: Final = 20  # names of the workflows through which a call leads


def inlined(flow: AgentFlow, lookup: Lookup, callers: tuple[str, ...] = ()) -> AgentFlow:
    """Return the flow with the workflows that it calls in place of the calls; one that calls itself is run once.

    Args:
        flow: The flow.
        lookup: Returns the workflow that goes by one of the names, or None.
        callers: The names of the workflows whose calls lead here.
    """
    within = (*callers, *flow.called)
    for call in flow.calls:
        called = lookup(call.names)
        if called is None:
            reason = "is not beside the file"
        elif set(called.called) & set(within):
            reason = "calls itself, and is run once"
        elif len(within) > MAX_CALLERS:
            reason = "is called through too many others"
        else:
            flow = _with_called(flow, call, inlined(called, lookup, within))
            continue
        lost = FlowLoss(reason=f"the workflow {call.names[0]!r}, which is called, {reason}", nodes=(call.node,))
        flow = replace(flow, losses=(*flow.losses, lost))
    return replace(flow, calls=())


def _with_called(flow: AgentFlow, call: FlowCall, called: AgentFlow) -> AgentFlow:
    prefix = f"{call.node}/"
    steps = [node.id for node in called.nodes if node.step is not None]
    left = {parent for parent, child in contracted_edges(called) if parent != child}
    ends = tuple((prefix + step, ()) for step in steps if step not in left)
    last = {step for step, _ in ends}
    inside = tuple(_renamed(node, prefix, call, last) for node in called.nodes)
    outside = tuple(_reading(node, call.node, ends) if ends else node for node in flow.nodes)
    links = tuple(
        FlowLink(source=prefix + link.source, target=prefix + link.target, branch=link.branch) for link in called.links
    )
    losses = [replace(each, nodes=tuple(prefix + node for node in each.nodes)) for each in called.losses]
    return replace(flow, nodes=(*outside, *inside), links=(*flow.links, *links), losses=(*flow.losses, *losses))


def _renamed(node: FlowNode, prefix: str, call: FlowCall, last: set[str]) -> FlowNode:
    """Return a node of the called workflow as one of the calling workflow."""
    step = node.step
    if step is not None and prefix + node.id not in last:
        node = replace(node, step=replace(step, is_last=False))

    def part(each: Part) -> Parts:
        if isinstance(each, StepAnswer):
            candidates = tuple((prefix + step, path) for step, path in each.candidates)
            return (replace(each, candidates=candidates, default=each.default and _replaced(each.default, part)),)
        if isinstance(each, Conversation):
            return (replace(each, scope=prefix + each.scope),)
        if isinstance(each, FlowInput):
            return next((call.inputs[name] for name in each.names if name in call.inputs), (each,))
        return (each,)

    container = call.node if node.container is None else prefix + node.container
    return _with_texts(replace(node, id=prefix + node.id, container=container), part)


def _reading(node: FlowNode, call: str, ends: tuple[tuple[str, tuple[str, ...]], ...]) -> FlowNode:
    """Return a node of the calling workflow; what it reads of the call's result is the answer of the last steps."""

    def part(each: Part) -> Parts:
        if isinstance(each, FlowInput) and each.source == call:
            return (StepAnswer(candidates=ends, raw=each.raw),)
        if isinstance(each, StepAnswer):
            return (replace(each, default=each.default and _replaced(each.default, part)),)
        return (each,)

    return _with_texts(node, part)


def _replaced(parts: Parts, part: Callable[[Part], Parts]) -> Parts:
    return tuple(new for each in parts for new in part(each))


def _with_texts(node: FlowNode, part: Callable[[Part], Parts]) -> FlowNode:
    """Return a node with what stands for each part of its texts."""
    if (step := node.step) is None:
        return node
    system, prompt, opening = (_replaced(text, part) for text in (step.system, step.prompt, step.opening))
    return replace(node, step=replace(step, system=system, prompt=prompt, opening=opening))
