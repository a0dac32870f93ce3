"""What Dify's variables stand for: assigned and stored ones, loops, templates, aggregators, fields of answers."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.flow_documents import DIFY
from tests.workloads.flow_imports import dify, imported, llm, prompts

NO_JINJA = "templates are not computed: every branch is written out, and each loop once: t"
START = ("s", "start", {"variables": []})


def assign(target: list[str], value: Any, operation: str = "over-write") -> dict[str, Any]:
    return {"items": [{"variable_selector": target, "input_type": "variable", "operation": operation, "value": value}]}


def stored(document: dict[str, Any], **values: str) -> dict[str, Any]:
    rows = [{"name": name, "value": value} for name, value in values.items()]
    document["workflow"]["conversation_variables"] = rows
    return document


@pytest.mark.parametrize(
    "assigner",
    [
        assign(["conversation", "memo"], ["a", "text"]),
        {"assigned_variable_selector": ["conversation", "memo"], "input_variable_selector": ["a", "text"]},
    ],
)
def test_a_variable_is_what_was_assigned_before_else_what_is_stored(assigner: dict[str, Any], tmp_path: Path) -> None:
    document = dify(
        START,
        ("a", "llm", llm("First: {{#conversation.memo#}}")),
        ("w", "assigner", assigner),
        ("b", "llm", llm("Then: {{#conversation.memo#}}")),
        links="s>a, a>w, w>b",
    )
    found = imported(tmp_path, stored(document, memo="none yet"), "x.yml")
    assert prompts(found) == {"a": "First: none yet", "b": "Then: {{answer: a}}"}
    assert found.losses == ()
    empty = imported(tmp_path, stored(document, memo=""), "x.yml", inputs={"memo": "M"})
    assert prompts(empty)["a"] == "First: M"


@pytest.mark.parametrize("kind", ["parameter-extractor", "question-classifier"])
def test_a_step_that_names_no_keys_or_classes_asks_for_none(kind: str, tmp_path: Path) -> None:
    found = imported(tmp_path, dify(START, ("x", kind, {"model": {"name": "m"}}), links="s>x"), "x.yml")
    assert "the step 'x'" in found.graph.task("x").prompt
    assert "steps without a text of their own, which are asked to carry out their part: x" in found.losses


@pytest.mark.parametrize("assigner", [(1, "+="), (["sys", "query"], "over-write"), (["s", "file"], "append")])
def test_what_an_assigner_computes_or_takes_from_outside_is_listed(assigner: tuple[Any, str], tmp_path: Path) -> None:
    document = dify(
        START, ("w", "assigner", assign(["conversation", "n"], *assigner)), ("a", "llm", llm("x")), links="s>w, w>a"
    )
    assert imported(tmp_path, document, "x.yml").losses == ("variables are not assigned: w",)


@pytest.mark.parametrize(
    ("selector", "value"), [(["f", "text"], "{{answer: f}}"), (["t", "output"], "-> {{answer: f}}")]
)
def test_a_loop_begins_with_the_value_of_a_step_before(selector: list[str], value: str, tmp_path: Path) -> None:
    variable = {"label": "draft", "value_type": "variable", "value": selector}
    document = dify(
        START,
        ("f", "llm", llm("Write")),
        ("t", "template-transform", {"template": "-> {{ x }}", "variables": [
            {"variable": "x", "value_selector": ["f", "text"]}]}),
        ("loop", "loop", {"loop_variables": [variable], "start_node_id": "ls"}),
        ("ls", "loop-start", {"parentId": "loop"}),
        ("a", "llm", llm("Improve {{#loop.draft#}}") | {"parentId": "loop"}),
        ("w", "assigner", assign(["loop", "draft"], ["a", "text"]) | {"parentId": "loop"}),
        ("b", "llm", llm("Check {{#loop.draft#}}")),
        links="s>f, f>t, t>loop, ls>a, a>w, loop>b",
    )  # fmt: skip
    found = imported(tmp_path, document, "x.yml")
    assert prompts(found) == {"f": "Write", "a": f"Improve {value}", "b": "Check {{answer: a}}"}
    assert found.losses == ("loops run once: loop",)


def test_a_loop_hands_on_its_last_value(tmp_path: Path) -> None:
    variable = {"label": "draft", "value_type": "constant", "value": "none"}
    document = dify(
        START,
        ("loop", "loop", {"loop_variables": [variable], "start_node_id": "ls"}),
        ("ls", "loop-start", {"parentId": "loop"}),
        ("a", "llm", llm("Improve {{#loop.draft#}}") | {"parentId": "loop"}),
        ("w", "assigner", assign(["loop", "draft"], ["a", "text"]) | {"parentId": "loop"}),
        ("b", "llm", llm("Check {{#loop.draft#}}")),
        links="s>loop, ls>a, a>w, loop>b",
    )
    found = imported(tmp_path, document, "x.yml")
    assert prompts(found) == {"a": "Improve none", "b": "Check {{answer: a}}"}
    assert found.graph.edges == (("a", "b"),)
    assert found.losses == ("loops run once: loop",)


@pytest.mark.parametrize(
    ("template", "prompt", "loss"),
    [
        ("<{{ x }}>", "<{{answer: a}}>", None),
        ("{{x.name}}, {{ x['two words'] }}, {{ x[0] }}", "{{answer: a | name}}, {{answer: a | two words}}, "
         "{{answer: a | 0}}", None),
        ("{{ x | upper }}", "{{answer: a}}", NO_JINJA),
        ("{{ x.strip() }}", "{{answer: a}}", NO_JINJA),
        ("A{% if x %} <{{ x }}>{% else %} none{% endif %}{% for y in x %}, {{ y.name }}{% endfor %}.",
         "A <{{answer: a}}> none, {{answer: a | name}}.", NO_JINJA),
        ("{{ unknown }}", "{{ unknown }}",
         "inputs without a value stay as written: unknown; give them with --input NAME=VALUE"),
    ],
)  # fmt: skip
def test_a_template_is_filled_in(template: str, prompt: str, loss: str | None, tmp_path: Path) -> None:
    variables = [{"variable": "x", "value_selector": ["a", "text"]}]
    document = dify(
        START, ("a", "llm", llm("Go.")), ("t", "template-transform", {"template": template, "variables": variables}),
        ("b", "llm", llm("{{#t.output#}}")), links="s>a, a>t, t>b",
    )  # fmt: skip
    found = imported(tmp_path, document, "x.yml")
    assert prompts(found)["b"] == prompt
    assert found.losses == (() if loss is None else (loss,))


def test_a_chain_of_templates_hands_the_answer_on(tmp_path: Path) -> None:
    names = ["a", *(f"t{n}" for n in range(25))]
    templates = [
        (name, "template-transform",
         {"template": "{{ x }}{{ x }}"[: 7 + 7 * (n < 5)], "variables": [
             {"variable": "x", "value_selector": [before, "text" if before == "a" else "output"]}]})
        for n, (before, name) in enumerate(pairwise(names))
    ]  # fmt: skip
    links = ", ".join(f"{a}>{b}" for a, b in zip(["s", *names], [*names, "b"], strict=True))
    document = dify(START, ("a", "llm", llm("Go.")), *templates, ("b", "llm", llm("{{#t24.output#}}")), links=links)
    assert prompts(imported(tmp_path, document, "x.yml"))["b"] == "{{answer: a}}" * 32


def test_branches_join_in_an_aggregator_and_a_nested_iteration_is_contracted(tmp_path: Path) -> None:
    document = dify(
        START,
        ("if", "if-else", {"cases": [{"case_id": "true"}, {"case_id": "u-u-i-d"}]}),
        ("a", "llm", llm("A")),
        ("b", "llm", llm("B")),
        ("any", "variable-aggregator", {"variables": [["a", "text"], ["b", "text"]]}),
        ("it", "iteration", {"iterator_selector": ["any", "output"], "output_selector": ["d", "text"]}),
        ("it0", "iteration-start", {"parentId": "it"}),
        ("c", "llm", llm("{{#it.item#}}") | {"parentId": "it"}),
        ("d", "llm", llm("{{#c.text#}} {{#it.index#}}") | {"parentId": "it"}),
        ("e", "llm", llm("{{#it.output#}}")),
        links="s>if, if:true>a, if:u-u-i-d>b, a>any, b>any, any>it, it0>c, c>d, it>e",
    )
    found = imported(tmp_path, document, "x.yml", inputs={"it.index": "0"})
    assert prompts(found) == {
        "a": "A", "b": "B", "c": "{{answer: a}}", "d": "{{answer: c}} 0", "e": "{{answer: d}}",
    }  # fmt: skip
    assert set(found.graph.edges) == {("a", "c"), ("b", "c"), ("c", "d"), ("d", "e")}
    kept = imported(tmp_path, document, "x.yml", branches={"if": "case 2"})
    assert prompts(kept)["c"] == "{{answer: b}}"


def test_a_variable_of_the_system_may_be_named_as_one_of_the_start_node(tmp_path: Path) -> None:
    classifier = {"query_variable_selector": ["s", "sys.query"], "classes": [{"id": "1", "name": "sums"}]}
    document = dify(
        START, ("c", "question-classifier", classifier), ("a", "llm", llm("{{#s.sys.query#}}")), links="s>c, c>a"
    )
    assert prompts(imported(tmp_path, document, inputs={"query": "1 + 1?"})) == {"c": "1 + 1?", "a": "1 + 1?"}


@pytest.mark.parametrize("app", [{}, {"rag_pipeline": {"name": "answers"}}, {"app": DIFY["app"]}])
def test_a_workflow_may_be_alone_and_its_nodes_may_have_their_kinds_beside_the_data(
    app: dict[str, Any], tmp_path: Path
) -> None:
    graph = copy.deepcopy(DIFY["workflow"])
    for row in graph["graph"]["nodes"]:
        row.setdefault("type", row["data"].pop("type").replace("-", "_"))
    found = imported(tmp_path, {**app, "workflow": graph}, name="answers.json")
    assert found.graph == imported(tmp_path, DIFY).graph


def test_nodes_may_have_their_fields_without_a_table_of_data(tmp_path: Path) -> None:
    document = copy.deepcopy(DIFY)
    nodes = document["workflow"]["graph"]["nodes"]
    nodes[:] = [{**row["data"], **{key: row[key] for key in row if key != "data"}} for row in nodes]
    assert imported(tmp_path, document).graph == imported(tmp_path, DIFY).graph


@pytest.mark.parametrize(
    ("mode", "config", "task", "losses"),
    [
        (
            "chat",
            {"pre_prompt": "Speak {{language}}, {{tone}}.", "dataset_configs": {"datasets": {"datasets": [
                {"dataset": {"enabled": True, "id": "1"}}]}}},
            ("A book.\n\nSpeak French, {{tone}}.", "Hi?", "gpt"),
            ["nothing is stored or retrieved: Knowledge", "memories are not kept: a"],
        ),
        (
            "agent-chat",
            {"pre_prompt": "", "agent_mode": {"tools": [{"tool_name": "web"}, {"tool_name": "x", "enabled": False}]}},
            (None, "Hi?", "gpt"),
            ["tools are not called: a (web)", "memories are not kept: a"],
        ),
        ("completion", {"pre_prompt": "In {{language}}: {{query}}"}, (None, "In French: Hi?", "gpt"), []),
        (
            "chat",
            {"prompt_type": "advanced", "chat_prompt_config": {"prompt": [
                {"role": "system", "text": "Be {{language}}."}, {"role": "assistant", "text": "Hm."}]}},
            ("Be French.", "assistant: Hm.\n\nuser: Hi?", "gpt"),
            ["memories are not kept: a"],
        ),
        (
            "completion",
            {"prompt_type": "advanced", "completion_prompt_config": {"prompt": {"text": "Go: {{#query#}}"}}},
            (None, "Go: Hi?", "gpt"),
            [],
        ),
    ],
)  # fmt: skip
def test_an_app_without_a_graph_is_one_task(
    mode: str, config: dict[str, Any], task: tuple[Any, ...], losses: list[str], tmp_path: Path
) -> None:
    form = [{"text-input": {"variable": "language", "required": True}}]
    document = {
        "app": {"mode": mode, "name": "a"},
        "model_config": config | {"model": {"name": "gpt"}, "user_input_form": form},
    }
    inputs = {"question": "Hi?", "language": "French", "Knowledge": "A book."}
    found = imported(tmp_path, document, "x.yml", inputs=inputs)
    (made,) = found.graph.tasks
    assert (made.system, made.prompt, made.source_model) == task
    assert [each for each in found.losses if "no prompt uses" not in each] == losses
