"""Which components of LangFlow ask a model, and what they ask, by the components' own sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.import_files import import_graph
from tests.workloads.flow_imports import imported, prompts


def flow(*nodes: tuple[str, str, dict[str, Any]], links: str) -> dict[str, Any]:
    """A flow of (ID, type, values of fields); links such as `a>b.input_value` name the field that is wired."""
    rows: list[dict[str, Any]] = [
        {
            "id": node,
            "data": {"type": kind, "node": {"template": {key: {"value": each} for key, each in values.items()}}},
        }
        for node, kind, values in nodes
    ]
    edges = []
    for link in links.split(", "):
        source, target = link.split(">")
        target, _, name = target.partition(".")
        edges.append({"source": source, "target": target, "data": {"targetHandle": {"fieldName": name}}})
    return {"name": "w", "data": {"nodes": rows, "edges": edges}}


def test_a_component_that_is_only_a_model_is_no_step(tmp_path: Path) -> None:
    schema = [{"name": "price", "type": "float", "description": "in USD"}]
    document = flow(
        ("chat", "ChatInput", {}),
        ("m", "OllamaModel", {"model_name": "llama3", "temperature": 0.2}),
        ("vectors", "EmbeddingModel", {"model": "e"}),
        ("extract", "StructuredOutput", {"system_prompt": "Extract.", "output_schema": schema}),
        ("rows", "BatchRunComponent", {"system_message": "Rate.", "model": [{"name": "gpt"}]}),
        ("hint", "note", {}),
        links="chat>extract.input_value, m>extract.llm, extract>rows.df, vectors>rows.embedding",
    )
    found = imported(tmp_path, document, inputs={"question": "It costs 3."})
    assert prompts(found) == {"extract": "It costs 3.", "rows": "{{answer: extract}}"}
    extract, rows = found.graph.tasks
    assert extract.system == "Extract.\n\nAnswer with one JSON object with these keys:\n- price (float): in USD"
    assert (extract.type, extract.source_model, rows.source_model) == ("extraction", "llama3", "gpt")
    assert found.losses == (
        "settings of models are not sent: m (temperature)",
        "components are not run, and what they are given stands for their result: vectors (EmbeddingModel)",
        "iterations run once, with the whole list: rows",
    )


def test_the_places_that_langflow_fills_in_an_agent_are_filled_or_inputs(tmp_path: Path) -> None:
    text = "On {current_date} you are {model_name}. {not_one}{optional_user_context}"
    agent = ("a", "Agent", {"system_prompt": text, "model": [{"name": "llama3"}], "add_calculator_tool": True})
    document = flow(("chat", "ChatInput", {}), agent, links="chat>a.input_value")
    found = imported(tmp_path, document, inputs={"question": "Q", "current_date": "2026-01-02"})
    assert found.graph.task("a").system == "On 2026-01-02 you are llama3. {not_one}"
    assert imported(tmp_path, document, inputs={"question": "Q"}).losses == (
        "tools are not called: a (add_calculator_tool)",
        "inputs without a value stay as written: current_date; give them with --input NAME=VALUE",
    )


@pytest.mark.parametrize(
    ("is_mustache", "prompt"), [(False, "Say {x} as N, not {{name}}."), (True, "Say {{x}} as {name}, not {{N}}.")]
)
def test_a_prompt_has_single_or_double_braces(is_mustache: bool, prompt: str, tmp_path: Path) -> None:
    fields = {"template": "Say {{x}} as {name}, not {{{{name}}}}.", "name": "N", "use_double_brackets": is_mustache}
    document = flow(("p", "Prompt", fields), ("m", "OllamaModel", {}), links="p>m.input_value")
    assert prompts(imported(tmp_path, document)) == {"m": prompt}


def test_a_parser_writes_fields_of_what_it_is_given(tmp_path: Path) -> None:
    pattern = {"pattern": "{title} of {data}"}
    document = flow(
        ("web", "URLComponent", {}),
        ("pages", "ParserComponent", pattern),
        ("first", "OllamaModel", {}),
        ("answer", "ParserComponent", pattern),
        ("last", "OllamaModel", {}),
        links="web>pages.input_data, pages>first.input_value, first>answer.input_data, answer>last.input_value",
    )
    assert prompts(imported(tmp_path, document, inputs={"pages.title": "T", "web": "W"})) == {
        "first": "T of W",
        "last": "{{answer: first | title}} of {{answer: first}}",
    }


def component(node: str, kind: str, model_field: str, *, outputs: tuple[str, ...], **values: Any) -> dict[str, Any]:
    """A component with a field for a language model, as LangFlow exports it, and outputs of some types."""
    template: dict[str, Any] = {key: {"value": each} for key, each in values.items()}
    template[model_field] = {"input_types": ["LanguageModel"], "value": ""}
    found = {"template": template, "outputs": [{"name": "out", "types": list(outputs)}]}
    return {"id": node, "data": {"type": kind, "node": found}}


def test_a_component_that_takes_a_model_and_gives_a_text_is_a_step(tmp_path: Path) -> None:
    """Kinds that the importer does not know too; helpers of retrieval, crews and tools are none."""
    document = flow(
        ("chat", "ChatInput", {}),
        ("m", "OllamaModel", {"model_name": "llama3"}),
        ("task", "SequentialTaskAgentComponent", {"role": "Clerk", "task_description": "Count.", "goal": "Order"}),
        ("last", "Agent", {}),
        links="chat>thinker.input_value, m>thinker.llm, thinker>last.input_value, m>search.llm, search>last.documents, "
        "m>crew.manager_llm, task>crew.tasks, crew>last.system_prompt, m>helper.llm, helper>last.tools, "
        "m>built.llm, built>last.executor, m>last.model, m>rank.judge_llm, rank>last.context",
    )
    document["data"]["nodes"] += [
        component("thinker", "NewThinker", "llm", outputs=("Message",), instructions="Think."),
        component("search", "SelfQueryRetriever", "llm", outputs=("JSON",)),
        component("crew", "HierarchicalCrewComponent", "manager_llm", outputs=("Message",)),
        component("helper", "Agent", "llm", outputs=("Tool",)),
        component("built", "AgentBuilder", "llm", outputs=("AgentExecutor",)),
        component("rank", "LLMSelectorComponent", "judge_llm", outputs=("Message",), input_value="Choose."),
    ]
    found = imported(tmp_path, document, inputs={"question": "Why?"})
    assert [(task.id, task.source_model) for task in found.graph.tasks] == [
        ("task", None),
        ("last", "llama3"),
        ("thinker", "llama3"),
        ("rank", "llama3"),
    ]
    thinker, task = found.graph.task("thinker"), found.graph.task("task")
    assert (thinker.system, thinker.prompt) == ("Think.", "Why?")
    assert (task.system, task.prompt) == ("Clerk\n\nOrder", "Count.")
    assert found.graph.task("last").system == "{{answer: task}}"
    assert "tools are not called: helper (Agent)" in found.losses


@pytest.mark.parametrize(
    ("kind", "values", "system"),
    [
        (
            "SmartRouter",
            {"routes": [{"route_category": "bug", "route_description": "it crashes"}, {"route_category": "other"}]},
            "Answer with the one of these categories that fits:\n- bug: it crashes\n- other",
        ),
        (
            "GuardrailValidatorV2",
            {
                "enabled_guardrails": ["PII", "Jailbreak"],
                "enable_custom_guardrail": True,
                "custom_guardrail_explanation": "No insults.",
            },
            "Answer pass, or fail where the text violates one of these rules:\n- PII\n- Jailbreak\n- No insults.",
        ),
    ],
)
def test_a_step_that_routes_or_checks_hands_on_its_text(
    kind: str, values: dict[str, Any], system: str, tmp_path: Path
) -> None:
    document = flow(
        ("chat", "ChatInput", {}), ("last", "OllamaModel", {}), links="chat>way.input_text, way>last.input_value"
    )
    document["data"]["nodes"].append(component("way", kind, "model", outputs=("Message",), **values))
    found = imported(tmp_path, document, inputs={"question": "It crashes."})
    assert prompts(found) == {"last": "It crashes.", "way": "It crashes."}
    assert found.graph.task("way").system == system
    assert found.graph.edges == (("way", "last"),)


@pytest.mark.parametrize(
    ("kind", "source"), [("ConditionalRouter", ""), ("Mine", "def a(self):\n    self.stop('no')\n    return self.text")]
)
def test_a_component_that_chooses_has_branches(kind: str, source: str, tmp_path: Path) -> None:
    document = flow(
        ("first", "OllamaModel", {"input_value": "Ask."}),
        ("way", kind, {"code": source}),
        ("one", "OllamaModel", {}),
        ("two", "OllamaModel", {}),
        links="first>way.input_text, way>one.input_value, way>two.input_value",
    )
    document["data"]["nodes"][1]["data"]["node"]["outputs"] = [{"name": "yes", "display_name": "True"}, {"name": "no"}]
    document["data"]["edges"][1]["data"]["sourceHandle"] = {"name": "yes"}
    document["data"]["edges"][2]["sourceHandle"] = "{œnameœ: œnoœ}"
    both = imported(tmp_path, document)
    assert both.graph.edges == (("first", "one"), ("first", "two"))
    assert "all branches of 'way' are run (True, no); --branch 'way'=NAME keeps one" in both.losses
    assert prompts(imported(tmp_path, document, branches={"way": "True"})) == {
        "first": "Ask.",
        "one": "{{answer: first}}",
    }


def grouped(inner: dict[str, Any], name: str, fields: dict[str, str], output: str) -> dict[str, Any]:
    """A group with fields such as `text_p` for `p.text`, whose values count, and an output of one of its components."""
    template = {}
    for key, value in fields.items():
        field, _, node = key.rpartition("_")
        template[key] = {"value": value, "proxy": {"id": node, "field": field}}
    outputs = [{"name": "out", "types": ["Message"], "proxy": {"id": output, "name": "text_output"}}]
    node = {"template": template, "outputs": outputs, "flow": {"data": inner["data"], "name": name}}
    return {"id": name, "data": {"type": "GroupNode", "node": node}}


def test_a_group_is_what_it_holds(tmp_path: Path) -> None:
    inner = flow(
        ("p", "Prompt", {"template": "old {text}"}),
        ("in", "OllamaModel", {"model_name": "llama3"}),
        ("tell", "OllamaModel", {"system_message": "Be brief."}),
        links="p>in.input_value, in>tell.input_value",
    )
    group = grouped(inner, "g", {"template_p": "Sum up {text}", "text_p": "", "model_name_tell": "gemma2:2b"}, "in")
    outer = flow(("chat", "ChatInput", {}), ("last", "OllamaModel", {}), links="chat>g.text_p, g>last.input_value")
    outer["data"]["edges"][1]["data"]["sourceHandle"] = {"name": "out", "id": "g"}
    nested = grouped({"data": {"nodes": [group], "edges": []}}, "top", {"text_p_g": ""}, "g")
    nested["data"]["node"]["outputs"][0]["proxy"]["name"] = "out"
    for each, names in ((group, ("g", "text_p")), (nested, ("top", "text_p_g"))):
        document = {**outer, "data": {**outer["data"], "nodes": [*outer["data"]["nodes"], each]}}
        document["data"]["edges"][0] |= {"target": names[0], "data": {"targetHandle": {"fieldName": names[1]}}}
        document["data"]["edges"][1] |= {"source": names[0]}
        found = imported(tmp_path, document, inputs={"question": "Q"})
        assert prompts(found) == {"last": "{{answer: in}}", "in": "Sum up Q", "tell": "{{answer: in}}"}
        assert set(found.graph.edges) == {("in", "tell"), ("in", "last")}
        assert [task.source_model for task in found.graph.tasks] == [None, "llama3", "gemma2:2b"]


@pytest.mark.parametrize("handle", [{}, {"data": {}, "targetHandle": "BaseLanguageModel|llm|c"}])
def test_a_flow_of_langflow_before_its_outputs_is_refused_for_what_it_is(
    handle: dict[str, Any], tmp_path: Path
) -> None:
    document = flow(("m", "ChatOpenAI", {}), ("c", "LLMChain", {}), links="m>c.llm")
    document["data"]["edges"][0] |= handle
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(GraphError, match=r"x.json: no step .*: m \(ChatOpenAI\) does .* LangFlow before 1.0; open the"):
        import_graph(path)


@pytest.mark.parametrize(
    ("kind", "mode", "prompt"),
    [
        ("ParserComponent", "Parser", "Text: {{answer: a | keys}}"),
        ("parser", "Parser", "Text: {{answer: a | keys}}"),
        ("ParserComponent", "Stringify", "{{answer: a}}"),
        ("parser", "Stringify", "{{answer: a}}"),
        ("ParseData", "", "Text: {{answer: a | keys}}"),
    ],
)
def test_a_parser_writes_its_pattern_where_it_does_not_hand_on_all(
    kind: str, mode: str, prompt: str, tmp_path: Path
) -> None:
    steps = [("a", "OllamaModel", {"input_value": "Hi"}), ("b", "OllamaModel", {})]
    parser = ("p", kind, {"mode": mode, "pattern": "Text: {keys}"})
    document = flow(*steps, parser, links="a>p.input_data, p>b.input_value")
    assert prompts(imported(tmp_path, document))["b"] == prompt


def test_the_answer_of_a_batch_is_one_column_of_its_rows(tmp_path: Path) -> None:
    batch = ("rows", "BatchRunComponent", {"df": "Mails", "output_column_name": "reply"})
    parser = ("p", "ParserComponent", {"pattern": "{title}: {reply}"})
    document = flow(batch, parser, ("b", "OllamaModel", {}), links="rows>p.input_data, p>b.input_value")
    assert prompts(imported(tmp_path, document))["b"] == "{title}: {{answer: rows}}"


def test_a_retry_loop_with_several_entries_begins_with_those_that_need_no_answer(tmp_path: Path) -> None:
    """Voter comes first in the file, and the workflow begins with it too: the chat's message leads to it."""
    document = flow(
        ("chat", "ChatInput", {}), ("voter", "OllamaModel", {}), ("bundle", "Mine", {}), ("again", "Mine", {}),
        ("w1", "OllamaModel", {}), ("w2", "OllamaModel", {}),
        links="chat>bundle.data, w1>bundle.data, w2>bundle.data, bundle>voter.input_value, chat>again.data, "
        "voter>again.order, again>w1.input_value, again>w2.input_value",
    )  # fmt: skip
    document["data"]["edges"][5]["data"]["targetHandle"]["fieldName"] = ""  # a loop: nothing is read from there
    twice = imported(tmp_path, document, unroll=2, inputs={"question": "Q"})
    assert prompts(twice) == {
        "voter": "Q\n\n{{answer: w1}}\n\n{{answer: w2}}", "w1": "Q", "w2": "Q",
        "voter (round 2)": "Q\n\n{{answer: w1 (round 2)}}\n\n{{answer: w2 (round 2)}}",
        "w1 (round 2)": "Q", "w2 (round 2)": "Q",
    }  # fmt: skip
    assert set(twice.graph.edges) == {
        ("w1", "voter"), ("w2", "voter"), ("voter", "w1 (round 2)"), ("voter", "w2 (round 2)"),
        ("w1 (round 2)", "voter (round 2)"), ("w2 (round 2)", "voter (round 2)"),
    }  # fmt: skip
