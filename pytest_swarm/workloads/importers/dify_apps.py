"""Dify apps without a graph (chat, agent, completion) as the workflow that Dify itself would convert them to."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.json_values import JsonTable, at, table, tables, text

_PLACE: Final = re.compile(r"\{\{#?(\w+)#?\}\}")
_FROM_OUTSIDE: Final = {"query": "{{#sys.query#}}", "context": "{{#context#}}", "histories": ""}
_STEP, _START, _BOOKS = "llm", "start", "knowledge"


def as_workflow(document: Json) -> Json:
    """Return the document with a workflow of one LLM step, which asks what its `model_config` says."""
    config = table(document, "model_config")
    form: list[Json] = [row for each in tables(config, "user_input_form") for row in each.values()]
    variables = {text(row, "variable") for row in form}
    books = [row for row in tables(config, "dataset_configs", "datasets", "datasets") if table(row, "dataset")]

    def with_places(template: str) -> str:
        def place(match: re.Match[str]) -> str:
            own = f"{{{{#{_START}.{match[1]}#}}}}" if match[1] in variables else match[0]
            return own if own != match[0] else _FROM_OUTSIDE.get(match[1], own)

        return _PLACE.sub(place, template)

    said = [(text(row, "role") or "user", text(row, "text")) for row in _prompts(document, config)]
    if books and not any("{{#context#}}" in words for _, words in said):
        said.insert(0, ("system", "{{#context#}}"))
    tools: list[Json] = [row for row in tables(config, "agent_mode", "tools") if row.get("enabled") is not False]
    step: JsonTable = {
        "type": "llm",
        "title": text(document, "app", "name").strip() or _STEP,
        "model": config.get("model"),
        "prompt_template": [{"role": role, "text": with_places(words)} for role, words in said],
        "agent_parameters": {"tools": {"value": tools}},
        "context": {"enabled": bool(books), "variable_selector": [_BOOKS, "result"]},
    }
    if text(document, "app", "mode") != "completion":
        step["memory"] = {}
    rows: list[tuple[str, JsonTable]] = [(_START, {"type": "start", "variables": form}), (_STEP, step)]
    if books:
        rows.insert(1, (_BOOKS, {"type": "knowledge-retrieval", "title": "Knowledge"}))
    graph: JsonTable = {
        "nodes": [{"id": node, "data": data} for node, data in rows],
        "edges": [{"source": _START, "target": node} for node, _ in rows[1:]],
    }
    moderated: JsonTable = {"sensitive_word_avoidance": config.get("sensitive_word_avoidance")}
    return {**table(document), "workflow": {"graph": graph, "features": moderated}}


def _prompts(document: Json, config: JsonTable) -> list[JsonTable]:
    """Return role and text of the messages; the question of a chat, which comes last, is no part of them."""
    if text(config, "prompt_type") == "advanced":
        return tables(config, "chat_prompt_config", "prompt") or [table(config, "completion_prompt_config", "prompt")]
    role = "user" if text(document, "app", "mode") == "completion" else "system"
    return [{"role": role, "text": at(config, "pre_prompt")}]
