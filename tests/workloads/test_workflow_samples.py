"""The samples of agent workflows and plain graphs, against their tables of truth."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_swarm.domain.placeholders import fill
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.flow_contraction import contracted_edges
from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.flow_unrolling import find_cycle
from pytest_swarm.workloads.importers.formats import entries
from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.import_files import FoundGraph, RefusedGraph, import_graph, import_graphs

SHARED = Path(__file__).parents[3] / "shared" / "data" / "workflows"
AGENTS, GRAPHS, OLD = SHARED / "agents", SHARED / "graphs", SHARED / "wfformat_old"


def truth(folder: Path) -> dict[str, dict]:
    path = folder / "truth.json"
    return json.loads(path.read_text()) if path.is_file() else {}


AGENT_TRUTH, GRAPH_TRUTH = truth(AGENTS), truth(GRAPHS)
READABLE = {name: row for name, row in AGENT_TRUTH.items() if "error" not in row}
pytestmark = pytest.mark.skipif(not AGENT_TRUTH, reason="the samples are not here")


def flow_of(path: Path) -> AgentFlow:
    (entry,) = entries(path)
    found = entry.read()
    assert isinstance(found, AgentFlow)
    return found


@pytest.mark.parametrize("name", READABLE)
def test_an_agent_workflow_is_read_as_its_table_of_truth_says(name: str) -> None:
    expected, flow = READABLE[name], flow_of(AGENTS / name)
    steps = {node.id: node for node in flow.nodes if node.step is not None}
    assert sorted(node.name for node in steps.values()) == sorted(expected["llm_steps"])
    edges = [(steps[parent].name, steps[child].name) for parent, child in contracted_edges(flow)]
    assert sorted(edges) == sorted(map(tuple, expected["edges"]))
    assert (find_cycle(list(steps), contracted_edges(flow)) is None) == expected["acyclic"]
    assert {node.name: node.step.model for node in steps.values()} == expected["models"]
    for node in steps.values():
        wanted = expected["prompts"][node.name]
        if wanted is not None:
            texts = [
                "".join(part if isinstance(part, str) else part.raw for part in parts).strip()
                for parts in (node.step.system, node.step.prompt)
            ]
            wanted = wanted.partition("{{$iteration")[0]  # the list is filled in
            assert any(wanted in text for text in texts), (node.name, wanted, texts)


@pytest.mark.parametrize("name", READABLE)
def test_an_agent_workflow_becomes_a_graph_or_is_refused_for_its_cycle(name: str) -> None:
    expected = READABLE[name]
    (found,) = import_graphs(AGENTS / name)
    if not expected["acyclic"]:
        assert isinstance(found, RefusedGraph)
        cycle = re.search(r"it has a cycle: (.*); unroll it with --unroll=N", found.reason)
        assert cycle is not None
        ways = cycle[1].split(" -> ")
        assert ways[0] == ways[-1]
        assert all([parent, child] in expected["edges"] for parent, child in pairwise(ways))
        options = ImportOptions(flow=FlowOptions(unroll=2))
        (found,) = import_graphs(AGENTS / name, options)
    assert isinstance(found, FoundGraph)
    if expected["acyclic"]:
        assert sorted(found.graph.edges) == sorted(map(tuple, expected["edges"]))
        assert {task.id: task.source_model for task in found.graph.tasks} == expected["models"]
        for task in found.graph.tasks:
            wanted = re.split(r"\{\{\s*\$", expected["prompts"][task.id] or "")[0]  # an answer or a list is filled in
            assert wanted in fill(task.whole_prompt, {})
    else:
        assert len(found.graph) > len(expected["llm_steps"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dify_dangling_edge.yml", "1721118907999"),
        ("n8n_truncated.json", "is not valid JSON"),
        ("n8n_connection_to_missing_node.json", "'connections' names the node 'OpenAI', which does not exist"),
    ],
)
def test_a_broken_workflow_is_refused_in_a_sentence(name: str, reason: str) -> None:
    (found,) = import_graphs(AGENTS / "broken" / name)
    assert isinstance(found, RefusedGraph)
    assert reason in found.reason
    assert "\n" not in found.reason


@pytest.mark.parametrize("name", GRAPH_TRUTH)
def test_a_plain_graph_is_read_as_its_table_of_truth_says(name: str) -> None:
    expected = GRAPH_TRUTH[name]
    if not expected["directed"]:
        with pytest.raises(GraphError, match="undirected graph, so it does not say which task comes first"):
            import_graph(GRAPHS / name)
        return
    flow = flow_of(GRAPHS / name)
    assert [node.id for node in flow.nodes] == [str(node) for node in expected["nodes"]]
    edges = {(str(parent), str(child)) for parent, child in expected["edges"]}
    assert sorted((link.source, link.target) for link in flow.links) == sorted(edges)
    if expected["acyclic"]:
        assert sorted(import_graph(GRAPHS / name).edges) == sorted(edges)
    else:
        with pytest.raises(GraphError, match="it has a cycle: "):
            import_graph(GRAPHS / name)


@pytest.mark.parametrize(
    ("name", "tasks", "edges"),
    [
        ("blast-chameleon-small-005.wf12", 43, 120),
        ("blast-chameleon-small-005.wf14", 43, 120),
        ("eager-nextflow-chameleon-001.wf13", 26, 44),
        ("bacass-dirt02-001.wf14", 11, 0),
    ],
)
def test_older_wfformat_files(name: str, tasks: int, edges: int) -> None:
    graph = import_graph(OLD / f"{name}.json")
    assert (len(graph), len(graph.edges)) == (tasks, edges)


def test_two_versions_of_one_run_give_one_graph() -> None:
    old, new = (import_graph(OLD / f"blast-chameleon-small-005.wf{version}.json") for version in (12, 14))
    assert old == new
