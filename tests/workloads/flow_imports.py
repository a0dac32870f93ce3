"""Helpers for tests of imported workflows: a document as a file, and the graph that it becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.import_files import FoundGraph, import_graphs

LANGCHAIN = frozenset({"agent", "chainLlm", "chainSummarization", "openAi", "sentimentAnalysis", "lmChatOllama"})


def imported(folder: Path, document: Any, name: str = "x.json", **options: Any) -> FoundGraph:
    path = folder / name
    path.write_text(json.dumps(document))
    (found,) = import_graphs(path, ImportOptions(flow=FlowOptions(**options)))
    assert isinstance(found, FoundGraph), found
    return found


def prompts(found: FoundGraph) -> dict[str, str]:
    return {task.id: task.prompt for task in found.graph.tasks}


def n8n_node(name: str, kind: str, parameters: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    package = "@n8n/n8n-nodes-langchain." if kind in LANGCHAIN or kind[0].isupper() else "n8n-nodes-base."
    full = kind if "." in kind else package + kind
    return {"name": name, "type": full, "typeVersion": 2, "parameters": parameters or {}} | fields


def n8n(*nodes: dict[str, Any], links: str) -> dict[str, Any]:
    """A workflow; links such as `a>b, a:1>c:2, tool>a!ai_tool` name outputs, inputs and the kind of the connection."""
    connections: dict[str, Any] = {}
    for link in links.split(", "):
        ends, _, kind = link.partition("!")
        (source, _, output), (target, _, index) = (end.partition(":") for end in ends.split(">"))
        outputs = connections.setdefault(source, {}).setdefault(kind or "main", [])
        while len(outputs) <= int(output or 0):
            outputs.append([])
        outputs[int(output or 0)].append({"node": target, "type": kind or "main", "index": int(index or 0)})
    return {"name": "w", "nodes": list(nodes), "connections": connections}


def ask(name: str, text: str, kind: str = "chainLlm", **parameters: Any) -> dict[str, Any]:
    return n8n_node(name, kind, {"promptType": "define", "text": text, **parameters})


def set_node(name: str, parameters: dict[str, Any] | None = None, /, **fields: str) -> dict[str, Any]:
    rows = [{"name": key, "value": value, "type": "string"} for key, value in fields.items()]
    return n8n_node(name, "set", {"assignments": {"assignments": rows}, **(parameters or {})})


def flowise(*nodes: tuple[str, str, dict[str, Any]], links: str) -> dict[str, Any]:
    """A flow of (ID, kind without `Agentflow`, inputs); links such as `a>b, a:1>c` name outputs."""
    rows = [
        {"id": node, "data": {"name": f"{kind}Agentflow", "label": node, "inputs": inputs}}
        for node, kind, inputs in nodes
    ]
    edges = []
    for link in links.split(", "):
        source, target = link.split(">")
        source, _, output = source.partition(":")
        edges.append({"source": source, "target": target, "sourceHandle": f"{source}-output-{output or 'x'}"})
    return {"nodes": rows, "edges": edges}


def dify(*nodes: tuple[str, str, dict[str, Any]], links: str, mode: str = "workflow") -> dict[str, Any]:
    """An app of (ID, type, data); links such as `a>b, a:true>c` name the source's handle."""
    rows = [{"id": node, "data": {"type": kind, "title": node, **data}} for node, kind, data in nodes]
    for row in rows:
        if parent := row["data"].pop("parentId", None):
            row["parentId"] = parent
    edges = []
    for link in links.split(", "):
        source, target = link.split(">")
        source, _, handle = source.partition(":")
        edges.append({"source": source, "target": target, "sourceHandle": handle or "source"})
    return {"app": {"mode": mode, "name": "app"}, "workflow": {"graph": {"nodes": rows, "edges": edges}}}


def llm(text: str, system: str = "") -> dict[str, Any]:
    rows = [{"role": "system", "text": system}] if system else []
    return {"model": {"name": "m"}, "prompt_template": [*rows, {"role": "user", "text": text}]}
