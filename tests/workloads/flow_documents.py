"""Small agent workflows of each format, written here, with the places that the importers have rules for."""

from __future__ import annotations

import copy
from typing import Any

DIFY: dict[str, Any] = {
    "app": {"mode": "advanced-chat", "name": "answers"},
    "workflow": {
        "environment_variables": [{"name": "tone", "value": "kind"}],
        "graph": {
            "nodes": [
                {"id": "1", "data": {"type": "start", "title": "Start", "variables": [
                    {"variable": "language", "required": True}, {"variable": "length", "default": "short"}]}},
                {"id": "2", "data": {"type": "question-classifier", "title": "Topic", "model": {"name": "small"},
                    "instruction": "Find the topic.", "query_variable_selector": ["sys", "query"],
                    "classes": [{"id": "a", "name": "sums"}, {"id": "b", "name": "prose"}]}},
                {"id": "3", "data": {"type": "llm", "title": "Count", "model": {"name": "m1"}, "prompt_template": [
                    {"role": "system", "text": "Be {{#env.tone#}}. {{#context#}}"},
                    {"role": "user", "text": "Compute {{#sys.query#}}"}],
                    "context": {"enabled": True, "variable_selector": ["k", "result"]}}},
                {"id": "4", "data": {"type": "llm", "title": "Write", "model": {"name": "m2"}, "prompt_template": [
                    {"role": "user", "text": "Write in {{#1.language#}}, {{#1.length#}}: {{#sys.query#}}"}]}},
                {"id": "5", "data": {"type": "variable-aggregator", "title": "Any",
                    "variables": [["3", "text"], ["4", "text"]]}},
                {"id": "6", "data": {"type": "template-transform", "title": "Frame", "template": "<<{{ body }}>>",
                    "variables": [{"variable": "body", "value_selector": ["5", "output"]}]}},
                {"id": "7", "data": {"type": "iteration", "title": "Each", "iterator_selector": ["6", "output"],
                    "output_selector": ["8", "text"], "start_node_id": "8"}},
                {"id": "8", "parentId": "7", "data": {"type": "llm", "title": "Polish", "model": {"name": "m3"},
                    "prompt_template": {"text": "Polish {{#7.item#}}"}}},
                {"id": "9", "data": {"type": "parameter-extractor", "title": "Facts", "model": {"name": "m4"},
                    "query": ["7", "output"],
                    "parameters": [{"name": "when", "type": "string", "description": "day"}]}},
                {"id": "10", "data": {"type": "llm", "title": "Reply", "model": {"name": "m5"}, "memory": {},
                    "prompt_template": [{"role": "system", "text": "On {{#9.when#}}, {{#k.result#}}"}]}},
                {"id": "k", "data": {"type": "knowledge-retrieval", "title": "Books"}},
                {"id": "note", "type": "custom-note", "data": {"type": ""}},
            ],
            "edges": [
                {"source": source, "target": target, "sourceHandle": handle}
                for source, target, handle in (
                    ("1", "2", "source"), ("2", "3", "a"), ("2", "4", "b"), ("3", "5", "source"), ("4", "5", "source"),
                    ("5", "6", "source"), ("6", "7", "source"), ("7", "9", "source"), ("9", "10", "source"),
                    ("1", "k", "source"),
                )
            ],
        },
    },
}  # fmt: skip

FLOWISE: dict[str, Any] = {
    "nodes": [
        {"id": "start_0", "data": {"name": "startAgentflow", "label": "Start", "inputs": {
            "startState": [{"key": "plan", "value": "none yet"}]}}},
        {"id": "c_0", "data": {"name": "conditionAgentAgentflow", "label": "Triage", "inputs": {
            "conditionAgentInstructions": "<p>Route it.</p>", "conditionAgentInput": "<p>{{ question }}</p>",
            "conditionAgentScenarios": [{"scenario": "refund"}, {"scenario": "other"}],
            "conditionAgentModelConfig": {"modelName": "m0"}}}},
        {"id": "l_0", "data": {"name": "llmAgentflow", "label": "Refund", "inputs": {
            "llmMessages": [{"role": "system", "content": "<p>You refund.</p>"}],
            "llmUpdateState": [{"key": "plan", "value": "<p>{{ output.plan }}</p>"}],
            "llmModelConfig": {"modelName": "m1"}}}},
        {"id": "f_0", "data": {"name": "customFunctionAgentflow", "label": "Code", "inputs": {
            "customFunctionInputVariables": [
                {"variableName": "p", "variableValue": "<p>{{ $flow.state.plan }}</p>"}]}}},
        {"id": "l_1", "data": {"name": "llmAgentflow", "label": "Write", "inputs": {
            "llmMessages": [], "llmUserMessage": "<p>Say {{ f_0 }} to {{ l_0.output.name }}, {{ $form.who }}</p>",
            "llmModelConfig": {"modelName": "m2"}}}},
        {"id": "i_0", "data": {"name": "iterationAgentflow", "label": "Each", "inputs": {
            "iterationInput": "<p>{{ l_1 }}</p>"}}},
        {"id": "a_0", "parentNode": "i_0", "data": {"name": "agentAgentflow", "label": "Check", "inputs": {
            "agentUserMessage": "Check {{ $iteration.item }}", "agentModelConfig": {"modelName": "m3"}}}},
        {"id": "a_1", "data": {"name": "agentAgentflow", "label": "Check", "inputs": {
            "agentUserMessage": "After {{ i_0 }}", "agentModelConfig": {}}}},
        {"id": "s_0", "data": {"name": "stickyNoteAgentflow", "label": "Note", "inputs": {}}},
    ],
    "edges": [
        {"source": source, "target": target, "sourceHandle": f"{source}-output-{output}"}
        for source, target, output in (
            ("start_0", "c_0", "startAgentflow"), ("c_0", "l_0", "0"), ("c_0", "f_0", "1"),
            ("l_0", "f_0", "llmAgentflow"), ("f_0", "l_1", "x"), ("l_1", "i_0", "x"), ("i_0", "a_1", "x"),
        )
    ],
}  # fmt: skip


def _n8n_node(name: str, kind: str, **parameters: Any) -> dict[str, Any]:
    package = (
        "@n8n/n8n-nodes-langchain." if kind in ("agent", "chainLlm", "openAi", "lmChatOllama") else "n8n-nodes-base."
    )
    return {"name": name, "type": package + kind, "typeVersion": 2, "parameters": parameters}


N8N: dict[str, Any] = {
    "name": "mail",
    "nodes": [
        _n8n_node("Hook", "webhook"),
        _n8n_node("Fields", "set", assignments={"assignments": [{"name": "mail", "value": "={{ $json.body.mail }}"}]}),
        _n8n_node("Sort", "agent", promptType="define", text="=Sort {{ $json.mail }}",
                  options={"systemMessage": "=You sort. {{ $now }}"}),
        _n8n_node("Model", "lmChatOllama", model={"__rl": True, "value": "qwen3:8b", "mode": "list"}),
        _n8n_node("If", "if"),
        _n8n_node("Short", "chainLlm", promptType="define", text="=Answer {{ $json.output.topic || '' }}",
                  messages={"messageValues": [{"message": "Be short."}]}),
        _n8n_node("Long", "openAi", modelId="gpt-4o", messages={"values": [
            {"role": "system", "content": "Be long."}, {"content": "=Answer {{ $('Sort').item.json.output }}"}]}),
        _n8n_node("Merge", "merge"),
        _n8n_node("Web", "httpRequest"),
        _n8n_node("Last", "chainLlm", promptType="define",
                  text="=Take {{ $json.text }}, {{ $('Fields').first().json.mail }}, {{ $('Web').item.json['a b'] }}"),
        _n8n_node("Off", "chainLlm", text="never") | {"disabled": True},
        _n8n_node("Note", "stickyNote"),
    ],
    "connections": {
        "Hook": {"main": [[{"node": "Fields", "type": "main", "index": 0}]]},
        "Fields": {"main": [[{"node": "Sort", "type": "main", "index": 0}]]},
        "Model": {"ai_languageModel": [[
            {"node": name, "type": "ai_languageModel", "index": 0} for name in ("Sort", "Short", "Last")]]},
        "Sort": {"main": [[{"node": "If", "type": "main", "index": 0}]]},
        "If": {"main": [
            [{"node": "Short", "type": "main", "index": 0}], [{"node": "Long", "type": "main", "index": 0}]]},
        "Short": {"main": [[{"node": "Merge", "type": "main", "index": 0}]]},
        "Long": {"main": [[{"node": "Merge", "type": "main", "index": 1}]]},
        "Merge": {"main": [None, [], [{"node": "Off", "type": "main", "index": 0}]]},
        "Off": {"main": [[{"node": "Last", "type": "main", "index": 0}]]},
    },
}  # fmt: skip

LANGGRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "__start__", "type": "runnable", "data": {"id": ["langgraph", "RunnableCallable"], "name": "__start__"}},
        {"id": "plan", "type": "runnable", "data": {"id": ["langgraph", "RunnableCallable"], "name": "plan"}},
        {"id": "tools", "type": "runnable", "data": {"id": ["langgraph", "prebuilt", "ToolNode"], "name": "tools"}},
        {"id": "act", "type": "runnable", "data": {"id": ["langgraph", "RunnableCallable"], "name": "act"}},
        {"id": "__end__"},
    ],
    "edges": [
        {"source": "__start__", "target": "plan"},
        {"source": "plan", "target": "tools", "conditional": True, "data": "yes"},
        {"source": "plan", "target": "__end__", "conditional": True},
        {"source": "tools", "target": "act"},
        {"source": "act", "target": "__end__"},
    ],
}

LANGFLOW: dict[str, Any] = {
    "name": "two prompts",
    "data": {
        "nodes": [
            {"id": "in", "data": {"type": "ChatInput", "node": {"template": {"input_value": {"value": ""}}}}},
            {"id": "p", "data": {"type": "Prompt", "node": {"template": {
                "template": {"value": "Sum up {text} for {who}"}}}}},
            {"id": "m", "data": {"type": "OllamaModel", "node": {"template": {
                "model_name": {"value": "llama3.2"}, "system_message": {"value": "Be brief."}}}}},
            {"id": "m2", "data": {"type": "OpenAIModel", "node": {"template": {"model_name": {"value": "gpt-4o"}}}}},
            {"id": "note", "data": {"node": {}}},
        ],
        "edges": [
            {"source": "in", "target": "p", "data": {"targetHandle": {"fieldName": "text"}}},
            {"source": "p", "target": "m", "targetHandle": "{œfieldNameœ: œinput_valueœ}"},
            {"source": "m", "target": "m2", "data": {"targetHandle": {"fieldName": "input_value"}}},
        ],
    },
}  # fmt: skip

CREWAI: dict[str, Any] = {
    "plan": {"description": "Plan {topic}.\n", "expected_output": "An outline.", "agent": "writer"},
    "write": {"description": "Write it.", "expected_output": "A text.", "agent": "writer"},
    "check": {
        "description": "Check it.",
        "expected_output": "Faults.",
        "agent": "editor",
        "context": ["plan", "write"],
    },
}

CREWAI_PROJECT: dict[str, Any] = {
    "name": "mail",
    "agents": {"clerk": {"role": "Clerk", "goal": "Help", "backstory": "Kind.", "llm": "ollama/x", "settings": {}}},
    "tasks": [
        {"name": "read", "description": "Read {mail}.", "expected_output": "Facts.", "agent": "clerk"},
        {"name": "reply", "description": "Reply.", "expected_output": "A mail.", "agent": "clerk", "context": ["read"]},
    ],
    "process": "sequential",
    "inputs": {"mail": "My kettle leaks."},
}

NODE_LINK: dict[str, Any] = {
    "directed": True,
    "graph": {"name": "mail"},
    "nodes": [
        {"id": "read", "type": "extraction", "prompt": "Read.", "estimated_tokens": 50, "difficulty": 2},
        {"id": 1, "label": "write code"},
    ],
    "links": [{"source": "read", "target": 1}],
}

GRAPHML = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="p" for="node" attr.name="prompt" attr.type="string"/>
  <key id="n" for="node" attr.name="estimated_tokens" attr.type="int"/>
  <graph id="G" edgedefault="directed">
    <node id="a"><data key="p">Collect &amp; count.</data><data key="n">70</data></node><node id="b"/>
    <edge source="a" target="b"/>
  </graph>
</graphml>"""

DOT = """strict digraph "a b" { node [type="code"]; x [prompt="Write \\"it\\"."]
  subgraph cluster_1 { node [type=math] y -> z:s }
  x:n -> {y z} [weight=2] // both
  label = <<b>title</b>>; 5 -> "w" + "w" }"""

JSON_DOCUMENTS: dict[str, dict[str, Any]] = {
    "dify": DIFY,
    "flowise": FLOWISE,
    "n8n": N8N,
    "langgraph": LANGGRAPH,
    "langflow": LANGFLOW,
    "crewai": CREWAI,
    "crewai project": CREWAI_PROJECT,
    "node-link": NODE_LINK,
}

_WF_TASKS = [
    {"name": "a", "id": "1", "parents": [], "children": ["2"], "runtimeInSeconds": 3},
    {"name": "a", "id": "2", "parents": ["1"], "children": []},
]
BATCH_DOCUMENTS: dict[str, Any] = {
    "wfformat 1.4": {"name": "w", "schemaVersion": "1.4", "workflow": {"tasks": _WF_TASKS}},
    "wfformat 1.5": {"name": "w", "schemaVersion": "1.5", "workflow": {
        "specification": {"tasks": [row | {"name": row["id"]} for row in _WF_TASKS]},
        "execution": {"tasks": [{"id": "1", "runtimeInSeconds": 3}]}}},
    "dagbench": {"name": "g", "task_graph": {
        "tasks": [{"name": "a", "cost": 1}, {"name": "b", "cost": 2}],
        "dependencies": [{"source": "a", "target": "b", "size": 3}]}},
    "worfbench": [{"id": "x", "conversations": [
        {"content": "Task: Bake."}, {"content": "Node:\n1: Mix\n2: Bake\nEdges: (START,1) (1,2) (2,END)"}]}],
    "own": {"name": "g", "edges": [["a", "b"]], "tasks": [
        {"id": "a", "type": "code", "prompt": "x", "estimated_tokens": 3, "expected": {"kind": "number", "value": 3}},
        {"id": "b", "type": "math", "prompt": "{{answer: a}}", "estimated_tokens": 3, "difficulty": 2}]},
}  # fmt: skip


def changed(document: dict[str, Any], *path: str | int, to: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    result = copy.deepcopy(document)
    at: Any = result
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return result
