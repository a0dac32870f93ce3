"""Helpers for tests of imported workflows: a document as a file, and the graph that it becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.import_files import FoundGraph, import_graphs

LANGCHAIN = frozenset({"agent", "chainLlm", "chainSummarization", "openAi", "sentimentAnalysis", "lmChatOllama"})


def write(folder: Path, document: Any, name: str = "x.json") -> Path:
    """A file of a text, or of a document in the form of its suffix."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(document, str):
        document = yaml.safe_dump(document, sort_keys=False) if path.suffix == ".yml" else json.dumps(document)
    path.write_text(document)
    return path


def found(path: Path, **options: Any) -> FoundGraph:
    (each,) = import_graphs(path, ImportOptions(flow=FlowOptions(**options)))
    assert isinstance(each, FoundGraph), each
    return each


def imported(folder: Path, document: Any, name: str = "x.json", **options: Any) -> FoundGraph:
    return found(write(folder, document, name), **options)


def asked(graph: TaskGraph) -> dict[str, tuple[str | None, str]]:
    return {task.id: (task.system, task.prompt) for task in graph.tasks}


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


def chatflow(*nodes: tuple[str, str, dict[str, Any]], links: str = "") -> dict[str, Any]:
    """An older flow of Flowise of (ID, kind, inputs); links such as `a>b.model` name the input that is wired."""
    rows = [{"id": node, "data": {"name": kind, "label": node, "inputs": inputs}} for node, kind, inputs in nodes]
    edges = []
    for link in filter(None, links.split(", ")):
        source, _, end = link.partition(">")
        target, _, name = end.partition(".")
        edges.append({"source": source, "target": target, "targetHandle": f"{target}-input-{name}-Any"})
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
