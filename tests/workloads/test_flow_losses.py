"""What of a workflow is not carried over is listed once, with a reason, and nothing that is not in question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.import_files import FoundGraph, RefusedGraph, import_files, import_graphs
from tests.workloads.flow_imports import ask, dify, flowise, imported, llm, n8n, n8n_node


def test_everything_of_n8n_that_is_no_step_is_listed(tmp_path: Path) -> None:
    document = n8n(
        n8n_node("Hook", "webhook"),
        n8n_node("Sort", "sort"),
        n8n_node("If", "if"),
        ask("Agent", "Go.", "agent", options={"systemMessage": "Be.", "maxIterations": 3}),
        n8n_node("Model", "lmChatOllama", {"model": "m", "options": {"temperature": 0.2, "topP": None}}),
        n8n_node("Memory", "MemoryBufferWindow"),
        n8n_node("Parser", "OutputParserStructured"),
        n8n_node("Search", "ToolSerpApi"),
        n8n_node("Say", "slack"),
        n8n_node("Save", "postgres"),
        n8n_node("Web", "httpRequest"),
        n8n_node("Code", "code"),
        n8n_node("Old", "httpRequest", disabled=True),
        links="Hook>Sort, Sort>If, If>Agent, Agent>Say, Say>Save, Save>Web, Web>Code, Code>Old, "
        "Model>Agent!ai_languageModel, Memory>Agent!ai_memory, Parser>Agent!ai_outputParser, Search>Agent!ai_tool",
    )
    assert set(imported(tmp_path, document).losses) == {
        "items are not filtered, sorted, split or collected: Sort",
        "conditions are not checked, and the one branch is run: If (true)",
        "settings of models are not sent: Model (temperature)",
        "memories are not kept: Memory",
        "output parsers are not applied: Parser",
        "tools are not called: Search",
        "services are not called: Say (slack), Save (postgres)",
        "requests are not sent: Web",
        "code is not run, and what it is given stands for its result: Code",
        "disabled nodes are left out: Old",
    }


def test_the_last_of_several_nodes_with_one_name_counts_in_n8n(tmp_path: Path) -> None:
    document = n8n(ask("A", "old"), ask("A", "new"), ask("B", "x"), links="A>B")
    found = imported(tmp_path, document)
    assert [task.prompt for task in found.graph.tasks] == ["new", "x"]
    assert found.losses == ("of several nodes with one name, the last counts: A",)


def test_a_model_of_n8n_in_the_line_of_steps_is_no_step(tmp_path: Path) -> None:
    found = imported(tmp_path, n8n(ask("A", "x"), n8n_node("M", "lmChatOpenAi"), ask("B", "x"), links="A>M, M>B"))
    assert (found.graph.edges, len(found.graph)) == ((("A", "B"),), 2)
    assert found.losses == ("models that stand in the line of steps are not asked: M",)


def test_parameters_of_steps_of_n8n_are_listed(tmp_path: Path) -> None:
    document = n8n(
        ask("A", "x", "openAi", jsonOutput=True, threadId="=t", needsFallback=False),
        n8n_node("B", "chainSummarization", {"needsFallback": True}),
        ask(
            "C", "x", messages={"messageValues": [{"type": "HumanMessagePromptTemplate", "messageType": "imageBinary"}]}
        ),
        links="A>B, B>C",
    )
    assert set(imported(tmp_path, document).losses) == {
        "structured output is not asked for: A (jsonOutput)",
        "memories are not kept: A (threadId)",
        "texts are summarized as a whole, not in parts: B",
        "fallback models are not asked: B (needsFallback)",
        "images and files are not sent: C",
    }


def test_a_computed_model_of_n8n_is_no_name_of_a_model(tmp_path: Path) -> None:
    document = n8n(
        n8n_node("Hook", "webhook"),
        ask("Agent", "Go.", "chainLlm"),
        n8n_node("Model", "lmChatOllama", {"model": "={{ $json.model }}"}),
        links="Hook>Agent, Model>Agent!ai_languageModel",
    )
    found = imported(tmp_path, document)
    assert "the model is computed, and so unknown: Model" in found.losses
    assert not any("$json.model" in each for each in found.losses)


def test_nodes_that_a_chosen_branch_drops_are_not_listed(tmp_path: Path) -> None:
    document = n8n(
        n8n_node("Hook", "webhook"),
        n8n_node("If", "if"),
        ask("Yes", "=Say {{ 1+1 }}"),
        ask("No", "=Say {{ 2+2 }}"),
        n8n_node("Web", "httpRequest"),
        n8n_node("Model", "lmChatOllama", {"options": {"temperature": 1}}),
        n8n_node("Parser", "OutputParserStructured"),
        n8n_node("Schema", "OutputParserAutofixing"),
        links="Hook>If, If>Yes, If:1>No, No>Web, Model>No!ai_languageModel, Parser>No!ai_outputParser, "
        "Schema>Parser!ai_outputParser",
    )
    assert len(imported(tmp_path, document).losses) == 5
    found = imported(tmp_path, document, branches={"If": "true"})
    assert found.losses == ("expressions that compute stay as written: {{ 1+1 }} in Yes",)


def test_everything_of_dify_that_is_no_step_is_listed(tmp_path: Path) -> None:
    agent = {
        "agent_parameters": {
            "instruction": {"value": "Be."},
            "query": {"value": "{{#sys.query#}}"},
            "information_schema": {"value": "{}"},
            "model": {"value": {"model": "m", "completion_params": {"top_p": 1}}},
            "tools": {"value": [{"tool_name": "search"}]},
        }
    }
    step = llm("{{#code.x#}} {{#template.output#}}") | {
        "model": {"name": "m", "completion_params": {"temperature": 0.7}},
        "memory": {},
        "vision": {"enabled": True},
        "structured_output_enabled": True,
    }
    document = dify(
        ("start", "start", {"variables": []}),
        ("agent", "agent", agent),
        ("code", "code", {"variables": [{"variable": "a", "value_selector": ["agent", "text"]}]}),
        ("template", "template-transform", {"template": "{% if a %}{{ a }}{% endif %}",
            "variables": [{"variable": "a", "value_selector": ["agent", "text"]}]}),
        ("step", "llm", step),
        ("tool", "tool", {}),
        ("web", "http-request", {}),
        ("books", "knowledge-retrieval", {}),
        ("assign", "assigner", {}),
        ("new", "some-new-kind", {}),
        ("end", "end", {}),
        links="start>agent, agent>code, code>template, template>step, step>tool, tool>web, web>books, books>assign, "
        "assign>new, new>end",
    )  # fmt: skip
    found = imported(tmp_path, document, "x.yml", inputs={"question": "Q", "books": "B"})
    assert set(found.losses) == {
        "parameters of agents are not sent: agent (information_schema)",
        "tools are not called: agent (search), tool",
        "settings of models are not sent: agent (top_p), step (temperature)",
        "code is not run, and what it is given stands for its result: code",
        "templates are not computed: every branch is written out, and each loop once: template",
        "memories are not kept: step",
        "images and files are not sent: step",
        "structured output is not asked for: step",
        "requests are not sent: web",
        "nothing is stored or retrieved: books",
        "variables are not assigned: assign",
        "nodes of other kinds do nothing: new (some-new-kind)",
        "no prompt uses the input books; its inputs are query",
    }


def test_everything_of_flowise_that_is_no_step_is_listed(tmp_path: Path) -> None:
    agent = {
        "agentMessages": [{"role": "user", "content": "Go."}],
        "agentTools": [{"agentSelectedTool": "calculator"}],
        "agentEnableMemory": True,
        "agentMemoryType": "windowSize",
        "agentModelConfig": {"modelName": "m", "temperature": 0.9, "topP": "", "streaming": True},
        "agentKnowledgeDocumentStores": [{"documentStore": "manuals"}],
    }
    document = flowise(
        ("start", "start", {}),
        ("agent", "agent", agent),
        ("llm", "llm", {"llmUserMessage": "x", "llmStructuredOutput": [{"key": "a"}, {"key": "b"}]}),
        ("web", "http", {}),
        ("tool", "tool", {}),
        ("say", "directReply", {}),
        links="start>agent, agent>llm, llm>web, web>tool, tool>say",
    )
    assert set(imported(tmp_path, document, inputs={"question": "Q"}).losses) == {
        "tools are not called: agent (calculator), tool",
        "the whole conversation is sent, not a part or summary of it: agent (windowSize)",
        "settings of models are not sent: agent (temperature)",
        "nothing is stored or retrieved: agent (manuals)",
        "structured output is not asked for: llm (a, b)",
        "requests are not sent: web",
        "replies are not sent: say",
    }


def test_what_crews_and_other_flows_lose(tmp_path: Path) -> None:
    task = {"description": "Do it.", "expected_output": "Done.", "agent": "a", "output_file": "x.md", "tools": ["t"]}
    agents = {"a": {"role": "r", "goal": "g", "backstory": "b", "llm": {"model": "m", "temperature": 0}}}
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(agents | {"b": {"role": "r", "goal": "g"}}))
    other = {"description": "Do more.", "expected_output": "Done."}  # its agent is given in Python
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump({"one": task, "two": other}))
    (crew,) = import_graphs(tmp_path / "tasks.yaml")
    assert isinstance(crew, FoundGraph)
    assert set(crew.losses) == {
        "tools are not called: one (tools)",
        "files are not written: one (output_file)",
        "prompts that the tool itself adds are not sent, or only their gist: the form of thoughts and answers",
        "tasks without an agent of agents.yaml have no role and no model; where the program names their agents, write "
        "'agent: NAME' into the file: two",
        "agents that no task names are left out: b",
        "settings of models are not sent: a (temperature)",
    }
    fields = {"model_name": {"value": "m"}, "temperature": {"value": 0.1}, "seed": {"value": ""}}
    nodes = [
        {"id": "m", "data": {"type": "OllamaModel", "node": {"template": fields}}},
        {"id": "c", "data": {"type": "Calculator", "node": {"template": {}}}},
    ]
    edge = {"source": "c", "target": "m", "data": {"targetHandle": {"fieldName": "input_value"}}}
    langflow = imported(tmp_path, {"name": "w", "data": {"nodes": nodes, "edges": [edge]}})
    assert set(langflow.losses) == {
        "settings of models are not sent: m (temperature)",
        "components are not run, and what they are given stands for their result: c (Calculator)",
        "inputs without a value stay as written: c; give them with --input NAME=VALUE",
    }


def test_an_answer_that_does_not_come_before_is_listed(tmp_path: Path) -> None:
    document = n8n(ask("A", "=See {{ $('B').item.json.text }}"), ask("B", "Go."), links="A>B")
    assert imported(tmp_path, document).losses == (
        "answers of steps that do not come before stay as written: {{ $('B').item.json.text }}",
    )


def test_optional_inputs_are_as_written_or_empty_and_listed(tmp_path: Path) -> None:
    variables = [{"variable": "a", "required": True}, {"variable": "b"}, {"variable": "c", "default": "C"}]
    document = dify(
        ("s", "start", {"variables": variables}), ("x", "llm", llm("{{#s.a#}}|{{#s.b#}}|{{#s.c#}}")), links="s>x"
    )
    bare = imported(tmp_path, document, "x.yml")
    assert [task.prompt for task in bare.graph.tasks] == ["{{#s.a#}}|{{#s.b#}}|C"]
    assert bare.losses == ("inputs without a value stay as written: a, b; give them with --input NAME=VALUE",)
    given = imported(tmp_path, document, "x.yml", inputs={"a": "A"})
    assert [task.prompt for task in given.graph.tasks] == ["A||C"]
    assert given.losses == ("optional inputs without a value are empty: b",)


def test_steps_whose_tool_adds_a_prompt_of_its_own_are_listed(tmp_path: Path) -> None:
    own = "prompts that the tool itself adds are not sent, or only their gist: "
    bare = n8n(ask("A", "x", "agent"), ask("B", "x"), n8n_node("C", "openAi", {"resource": "assistant"}), links="A>B")
    assert own + "A (agent), C (openAi)" in imported(tmp_path, bare).losses
    choice = {"model": {"name": "m"}, "classes": [{"id": "1", "name": "a"}]}
    agent = {"agent_parameters": {"query": {"value": "x"}}, "agent_strategy_name": "ReAct"}
    app = dify(
        ("Q", "question-classifier", choice), ("R", "agent", agent),
        ("F", "agent", agent | {"agent_strategy_name": "function_calling"}),
        links="Q:1>R, R>F",
    )  # fmt: skip
    assert own + "Q (question-classifier), R (agent)" in imported(tmp_path, app).losses
    flow = flowise(("P", "conditionAgent", {}), ("L", "llm", {"llmUserMessage": "x"}), links="P:0>L")
    assert own + "P (conditionAgentAgentflow)" in imported(tmp_path, flow).losses
    chat = [
        {"id": kind, "data": {"name": kind, "label": kind, "inputs": {"systemMessagePrompt": "Be."}}}
        for kind in ("contextChatEngine", "simpleChatEngine")
    ]
    found = imported(tmp_path, {"nodes": chat, "edges": []}, inputs={"question": "Q"})
    assert [(task.system, task.prompt) for task in found.graph.tasks] == [("Be.", "Q")] * 2
    assert found.losses == (own + "contextChatEngine (contextChatEngine)",)


def test_agents_that_several_crews_share_are_no_file_of_their_own(tmp_path: Path) -> None:
    agents = {"a": {"role": "the role of a", "goal": "g", "backstory": "b"}}
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(agents))
    for name in ("billing", "triage"):
        task = {"description": f"Do {name}.", "expected_output": "Done.", "agent": "a"}
        (tmp_path / f"tasks_{name}.yaml").write_text(yaml.safe_dump({name: task}))
    summary = import_files([tmp_path], tmp_path / "jobs")
    assert not summary.refused
    assert sorted(Path(each.path).stem for each in summary.imported) == ["tasks_billing", "tasks_triage"]
    assert all("the role of a" in Path(each.path).read_text() for each in summary.imported)


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("http://localhost:11434/api/generate", True),
        ("=https://openrouter.ai/api/v1/chat/completions", True),
        ("https://api.anthropic.com/v1/messages", True),
        ("https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent", True),
        ("https://example.org/api/chats", False),
    ],
)
def test_a_request_to_a_model_is_told_from_others(url: str, asks: bool, tmp_path: Path) -> None:
    """Without a word, the graph would lack the step, or the workflow would be refused for no reason that one sees."""
    reason = (
        "models that are asked by a plain request are no steps (take the tool's own nodes for models): web"
        if asks
        else "requests are not sent: web"
    )
    web = n8n_node("web", "httpRequest", {"url": url})
    begun = flowise(("web", "http", {"url": url}), ("l", "llm", {"llmUserMessage": "x"}), links="web>l")
    asked = dify(("web", "http-request", {"url": url}), ("l", "llm", llm("x")), links="web>l")
    assert reason in imported(tmp_path, n8n(web, ask("l", "x"), links="web>l")).losses
    assert reason in imported(tmp_path, begun).losses
    assert reason in imported(tmp_path, asked, "x.yml").losses
    (tmp_path / "alone.json").write_text(json.dumps(n8n(web, n8n_node("end", "noOp"), links="web>end")))
    (refused,) = import_graphs(tmp_path / "alone.json", ImportOptions())
    assert isinstance(refused, RefusedGraph)
    assert refused.reason.endswith(f"nothing to route; {reason}" if asks else "nothing to route")


@pytest.mark.parametrize("has_start", [True, False])
def test_steps_that_no_start_leads_to_are_listed(has_start: bool, tmp_path: Path) -> None:
    """Without a start, the file is a part of a workflow, whose first steps nothing leads to."""
    told = ["no way leads from a start to these steps, so the tool itself never runs them: C, D"] if has_start else []
    ways, begins = "A>B, C>D", ", s>A"
    tool = n8n_node("T", "agent", {"text": "x"})
    steps = [*(ask(name, "x") for name in "ABCD"), tool, n8n_node("off", "cron", disabled=True)]
    asked, told_by_dify = {"llmUserMessage": "x"}, llm("x")
    documents = [
        n8n(
            *steps,
            n8n_node("s", "formTrigger" if has_start else "noOp"),
            links=f"{ways}{begins}, T>B!ai_tool, off>C",
        ),
        dify(
            *((name, "llm", told_by_dify) for name in "ABCD"),
            ("s", "start" if has_start else "code", {}),
            links=ways + begins,
        ),
        flowise(
            *((name, "llm", asked) for name in "ABCD"),
            ("s", "start" if has_start else "http", {}),
            links=ways + begins,
        ),
    ]
    for document in documents:
        losses = imported(tmp_path, document).losses
        assert [loss for loss in losses if loss.startswith("no way")] == told


def test_the_steps_of_a_called_workflow_begin_at_its_call(tmp_path: Path) -> None:
    call = n8n_node("Call", "executeWorkflow", {"workflowId": {"value": "w2"}})
    called = n8n(n8n_node("In", "executeWorkflowTrigger"), ask("Turn", "x"), links="In>Turn") | {"id": "w2"}
    (tmp_path / "other.json").write_text(json.dumps(called))
    caller = n8n(n8n_node("s", "webhook"), call, ask("Last", "x"), links="s>Call, Call>Last")
    assert not [loss for loss in imported(tmp_path, caller).losses if loss.startswith("no way")]
