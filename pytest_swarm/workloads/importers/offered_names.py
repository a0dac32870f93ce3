"""The names that workflows offer to the options of an import, so that an option that nothing uses is an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.flow_graphs import FlowGraph, FlowOptions


@dataclass(slots=True)
class OfferedNames:
    """What the workflows of an import have: nodes with branches, inputs, cycles.

    `is_complete` is False where one was refused: what it would use is not known then.
    """

    branches: dict[str, None] = field(default_factory=dict)
    inputs: dict[str, None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    has_cycle: bool = False
    is_complete: bool = True

    def add(self, flow: AgentFlow) -> None:
        """Note the branches of a workflow."""
        self.branches |= {flow.by_id[link.source].name: None for link in flow.links if link.branch is not None}

    def add_graph(self, made: FlowGraph) -> None:
        """Note the inputs of a workflow that became a graph."""
        self.inputs |= dict.fromkeys(made.inputs)
        self.used |= made.used
        self.has_cycle |= made.has_cycle

    def check(self, flow: FlowOptions) -> None:
        """Raise GraphError for a name of an option that no workflow has, with the nearest one."""
        for name, branch in flow.branches.items():
            if name not in self.branches:
                raise _unknown(f"--branch {name}={branch}: no node of that name has branches", name, self.branches)
        if not self.is_complete:
            return
        for name in flow.inputs:
            if name not in self.used:
                raise _unknown(f"--input {name}: no prompt uses such an input", name, self.inputs)
        if flow.unroll is not None and not self.has_cycle:
            raise GraphError(f"--unroll={flow.unroll}: no workflow has a cycle; leave it out")


def _unknown(fault: str, name: str, known: Iterable[str]) -> GraphError:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? There are" if near else "there are"
    return GraphError(f"{fault}; {hint} {', '.join(names) or 'none'}")
