"""Nodes and edges that an importer cannot read are refused: left out, they would make a wrong graph."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.importers.agent_flow import AgentFlow, FlowLink, FlowNode, LlmStep
from pytest_swarm.workloads.importers.flow_contraction import chosen_branches, contracted_edges
from pytest_swarm.workloads.importers.formats import entries
from pytest_swarm.workloads.importers.import_files import import_files
from tests.workloads.flow_documents import DIFY, FLOWISE, LANGFLOW, LANGGRAPH, N8N, NODE_LINK
from tests.workloads.flow_imports import imported, write

PLACES: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "dify": (DIFY, "edges", lambda document: document["workflow"]["graph"]),
    "flowise": (FLOWISE, "edges", lambda document: document),
    "langflow": (LANGFLOW, "edges", lambda document: document["data"]),
    "langgraph": (LANGGRAPH, "edges", lambda document: document),
    "node-link": (NODE_LINK, "edges" if "edges" in NODE_LINK else "links", lambda document: document),
}


def refusal(folder: Path, document: Any) -> str:
    path = write(folder, document)
    (entry,) = entries(path)
    with pytest.raises(GraphError) as caught:
        entry.read()
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", PLACES)
def test_an_edge_that_cannot_be_read_is_refused_and_not_left_out(name: str, tmp_path: Path) -> None:
    whole, key, graph_of = PLACES[name]
    for edge, reason in (
        (["a", "b"], "is ['a', 'b'], but must be an object"),
        ({"from": "a", "to": "b"}, "has no 'source' that names a node; it is {'from': 'a', 'to': 'b'}"),
        ({"source": "a"}, "has no 'target' that names a node; it is {'source': 'a'}"),
    ):
        document = copy.deepcopy(whole)
        graph_of(document)[key][0] = edge
        assert refusal(tmp_path, document) == f"{key}[0] {reason}"
    document = copy.deepcopy(whole)
    graph_of(document)["nodes"].insert(0, "a")
    assert refusal(tmp_path, document) == "nodes[0] is 'a', but must be an object"


@pytest.mark.parametrize("name", ["dify", "flowise", "langflow"])
def test_two_nodes_of_one_id_are_refused(name: str, tmp_path: Path) -> None:
    whole, _, graph_of = PLACES[name]
    document = copy.deepcopy(whole)
    nodes = graph_of(document)["nodes"]
    nodes.append(nodes[1])
    assert refusal(tmp_path, document) == f"two nodes have the id {nodes[1]['id']!r}"


def test_a_flow_without_a_list_of_edges_is_refused(tmp_path: Path) -> None:
    for whole, path in ((LANGGRAPH, ()), (FLOWISE, ()), (DIFY, ("workflow", "graph"))):
        document = copy.deepcopy(whole)
        at = document
        for key in path:
            at = at[key]
        del at["edges"]
        assert refusal(tmp_path, document) == "there is no list 'edges', so the graph is not complete; export it again"


@pytest.mark.parametrize("wrong", ["x", ["x"], {"main": "x"}, {"main": [["x"]]}])
def test_connections_of_n8n_that_cannot_be_read_are_refused(wrong: Any, tmp_path: Path) -> None:
    name = next(iter(N8N["connections"]))
    document = N8N | {"connections": N8N["connections"] | {name: wrong}}
    assert refusal(tmp_path, document).startswith(f"'connections' of node {name!r} hold ")
    empty = imported(tmp_path, N8N | {"connections": N8N["connections"] | {name: {"main": [None, [None]]}}})
    assert [task.id for task in empty.graph.tasks] == ["Sort", "Short", "Long", "Last"]


def test_a_runnable_of_langchain_is_no_graph_of_langgraph(tmp_path: Path) -> None:
    chain = [{"id": 0, "type": "schema", "data": "Input"}, {"id": 1, "type": "runnable", "data": {"id": ["x", "Llm"]}}]
    reason = refusal(tmp_path, {"nodes": chain, "edges": [{"source": 0, "target": 1}]})
    assert reason.startswith("it has no node '__start__': it is a runnable of LangChain")
    tables = [{"id": "users", "type": "schema"}, {"id": "orders", "type": "schema"}]
    plain = imported(tmp_path, {"nodes": tables, "links": [{"source": "users", "target": "orders"}]})
    assert plain.graph.edges == (("users", "orders"),)
    nameless = {"nodes": [{"id": "__start__"}, {"name": "a"}], "edges": []}
    assert refusal(tmp_path, nameless) == "nodes[1] has no 'id'; it is {'name': 'a'}"


def test_steps_of_langgraph_that_no_way_leads_to_are_listed(tmp_path: Path) -> None:
    nodes = [{"id": each} for each in ("__start__", "triage", "write", "check", "__end__")]
    ways = [("__start__", "triage"), ("triage", "__end__"), ("write", "check")]
    edges = [{"source": source, "target": target} for source, target in ways]
    losses = imported(tmp_path, {"nodes": nodes, "edges": edges}).losses
    assert next(each for each in losses if each.startswith("no way leads")).endswith("export it again: write, check")
    edges.append({"source": "triage", "target": "write", "conditional": True})
    assert not any(
        each.startswith("no way leads") for each in imported(tmp_path, {"nodes": nodes, "edges": edges}).losses
    )


def test_a_step_within_a_graph_has_the_type_of_its_own_name(tmp_path: Path) -> None:
    names = ("Write story:search the web", "Write story:ending", "summary")
    ends = [{"id": "__start__"}, {"id": "__end__"}]
    ways = [{"source": "__start__", "target": name} for name in names]
    found = imported(tmp_path, {"nodes": [*ends, *({"id": name} for name in names)], "edges": ways})
    assert [task.type for task in found.graph.tasks] == ["extraction", "general", "summarize"]


def test_a_cycle_behind_a_dropped_branch_is_dropped_with_it(tmp_path: Path) -> None:
    ways = "__start__>route, route>chat?, route>dig?, dig>judge, judge>dig?, judge>sum?, chat>sum, sum>__end__"
    edges = [dict(zip(("source", "target"), way.rstrip("?").split(">"), strict=True)) | {
        "conditional": way.endswith("?")} for way in ways.split(", ")]  # fmt: skip
    nodes = [{"id": each} for each in ("__start__", "route", "chat", "dig", "judge", "sum", "__end__")]
    found = imported(tmp_path, {"nodes": nodes, "edges": edges}, branches={"route": "chat"})
    assert found.graph.edges == (("route", "chat"), ("chat", "sum"))
    kept = imported(tmp_path, {"nodes": nodes, "edges": edges}, branches={"route": "dig", "judge": "sum"})
    assert kept.graph.edges == (("route", "dig"), ("dig", "judge"), ("judge", "sum"))


def test_a_crews_context_names_tasks_of_the_file(tmp_path: Path) -> None:
    rows = {"plan": {"description": "x", "agent": "a"}, "write": {"description": "x", "agent": "a", "context": ["pln"]}}
    assert refusal(tmp_path, rows) == "task 'write': 'context' names 'pln'; the tasks of the file are plan, write"


def test_each_crew_of_a_folder_has_the_agents_named_after_it(tmp_path: Path) -> None:
    for crew in ("mail", "shop"):
        role = {"role": f"Clerk of the {crew}", "goal": "x", "backstory": "y"}
        (tmp_path / f"{crew}_agents.yaml").write_text(json.dumps({"clerk": role}))
        (tmp_path / f"{crew}_tasks.yaml").write_text(json.dumps({"do": {"description": "x", "agent": "clerk"}}))
    summary = import_files([tmp_path], tmp_path / "out")
    assert (len(summary.imported), summary.refused) == (2, ())
    systems = [load_graph(each.path).task("do").system or "" for each in summary.imported]
    assert [each.partition(".")[0] for each in systems] == ["You are Clerk of the mail", "You are Clerk of the shop"]


def test_a_container_behind_a_dropped_branch_is_dropped_with_its_contents() -> None:
    step = LlmStep()
    nodes = [FlowNode(id=each, name=each, step=step) for each in ("route", "chat", "after")]
    nodes += [FlowNode(id="loop", name="loop")]
    nodes += [FlowNode(id=each, name=each, step=step, container="loop") for each in ("in", "out")]
    ways = [("route", "chat", "a"), ("route", "loop", "b"), ("in", "out", None), ("loop", "after", None)]
    links = tuple(FlowLink(source=source, target=target, branch=branch) for source, target, branch in ways)
    kept = chosen_branches(AgentFlow(name="x", nodes=tuple(nodes), links=links), {"route": "a"})
    assert ([node.id for node in kept.nodes], contracted_edges(kept)) == (["route", "chat"], (("route", "chat"),))


@pytest.mark.parametrize("context", ["plan", {"task": "plan"}, True])
def test_the_context_of_a_crews_task_must_be_a_list(context: Any, tmp_path: Path) -> None:
    rows = {name: {"description": name, "expected_output": "x"} for name in ("plan", "write", "check")}
    rows["check"]["context"] = context
    assert refusal(tmp_path, rows) == f"task 'check': 'context' is {context!r}, but must be a list of tasks"


def test_a_crews_task_whose_context_is_left_empty_is_told_nothing(tmp_path: Path) -> None:
    rows: dict[str, Any] = {name: {"description": name, "expected_output": "x"} for name in ("plan", "write")}
    rows["write"]["context"] = None
    found = imported(tmp_path, rows, "tasks.yml")
    assert (found.graph.edges, "context" in found.graph.task("write").prompt) == ((), False)


def test_a_crews_task_is_not_told_what_comes_after_it_by_its_context(tmp_path: Path) -> None:
    rows: dict[str, Any] = {name: {"description": name, "expected_output": "x"} for name in ("sum", "plan", "write")}
    rows["sum"]["context"] = ["write"]
    found = imported(tmp_path, rows, "tasks.yml")
    assert set(found.graph.edges) == {("plan", "write"), ("write", "sum")}
    assert "context" not in found.graph.task("plan").prompt
    assert found.graph.task("write").prompt.endswith("{{answer: plan}}")
