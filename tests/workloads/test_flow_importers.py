"""Agent workflows and plain graphs: what each format's places become, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_swarm.cli import main
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.import_cases import ImportOptions, pairs, read_cases
from pytest_swarm.workloads.importers.import_files import (
    FoundGraph,
    RefusedGraph,
    import_files,
    import_graph,
    import_graphs,
)
from tests.workloads.flow_documents import (
    CREWAI,
    DIFY,
    DOT,
    FLOWISE,
    GRAPHML,
    LANGFLOW,
    LANGGRAPH,
    N8N,
    NODE_LINK,
    changed,
)
from tests.workloads.flow_imports import ask, asked, chatflow, dify, found, llm, n8n, n8n_node, write


def test_dify_variables_become_answers_inputs_and_stored_values(tmp_path: Path) -> None:
    inputs = {"question": "2 + 2?", "language": "French", "Books": "A book."}
    graph = found(write(tmp_path, DIFY, "x.yml"), inputs=inputs).graph
    assert asked(graph) == {
        "Topic": ("Find the topic.\n\nAnswer with the one of these classes that fits: sums; prose", "2 + 2?"),
        "Count": ("Be kind. A book.", "Compute 2 + 2?"),
        "Write": (None, "Write in French, short: 2 + 2?"),
        "Polish": (None, "Polish <<{{answer: Count}}>>"),
        "Facts": (
            "Extract from the text, and answer with one JSON object with these keys:\n- when (string): day",
            "{{answer: Polish}}",
        ),
        "Reply": ("On {{answer: Facts | when}}, A book.", "2 + 2?"),
    }
    assert graph.edges == (
        ("Topic", "Count"),
        ("Topic", "Write"),
        ("Count", "Polish"),
        ("Write", "Polish"),
        ("Polish", "Facts"),
        ("Facts", "Reply"),
    )
    assert [task.source_model for task in graph.tasks] == ["small", "m1", "m2", "m3", "m4", "m5"]


def test_a_chosen_branch_leaves_out_what_only_the_others_lead_to(tmp_path: Path) -> None:
    graph = found(write(tmp_path, DIFY, "x.yml"), branches={"Topic": "prose", "elsewhere": "x"}).graph
    assert "Count" not in asked(graph)
    assert asked(graph)["Polish"] == (None, "Polish <<{{answer: Write}}>>")
    with pytest.raises(AssertionError, match="Topic=maths: there is no such branch; its branches are sums, prose"):
        found(write(tmp_path, DIFY, "y.yml"), branches={"Topic": "maths"})


def test_flowise_states_forms_and_iterations(tmp_path: Path) -> None:
    graph = found(write(tmp_path, FLOWISE), inputs={"question": "Q", "who": "Ann"}).graph
    assert asked(graph) == {
        "Triage": ("<p>Route it.</p>\n\nAnswer with the one of these scenarios that fits: refund; other", "<p>Q</p>"),
        "Refund": ("<p>You refund.</p>", "Q"),
        "Write": (None, "<p>Say {{answer: Refund | plan}} to {{answer: Refund | name}}, Ann</p>"),
        "Check": (None, "Check {{answer: Write}}"),
        "Check (2)": (None, "After {{answer: Check}}"),
    }
    assert [task.source_model for task in graph.tasks] == ["m0", "m1", "m2", "m3", None]
    kept = found(write(tmp_path, FLOWISE, "z.json"), branches={"Triage": "other"}).graph
    assert asked(kept)["Write"][1] == "<p>Say none yet to {{ l_0.output.name }}, {{ $form.who }}</p>"


def test_n8n_expressions_follow_the_items(tmp_path: Path) -> None:
    result = found(write(tmp_path, N8N), inputs={"mail": "Hello", "now": "today", "Web": "page"})
    assert asked(result.graph) == {
        "Sort": ("You sort. today", "Sort Hello"),
        "Short": ("Be short.", "Answer {{answer: Sort | topic}}"),
        "Long": ("Be long.", "Answer {{answer: Sort}}"),
        "Last": (None, "Take {{answer: Short}}, Hello, page"),
    }
    assert result.graph.edges == (("Sort", "Short"), ("Sort", "Long"), ("Short", "Last"), ("Long", "Last"))
    assert [task.source_model for task in result.graph.tasks] == ["qwen3:8b", "qwen3:8b", "gpt-4o", "qwen3:8b"]
    assert "disabled nodes are left out: Off" in result.losses


@pytest.mark.parametrize(
    ("expression", "filled"),
    [
        ("{{ $json.text }}", "plain text, no expression: {{ $json.text }}"),
        ("={{ $json.output.a.b }}", "{{answer: Sort | a.b}}"),
        ("={{ $json['output']['two words'] }}", "{{answer: Sort | two words}}"),
        ("={{ $json.message.content }}", "{{answer: Sort}}"),
        ("={{ $json.output.toJsonString() }}", "{{answer: Sort}}"),
        ('={{ $node["Sort"].json["output"] }}', "{{answer: Sort}}"),
        ("={{ $('Sort').all()[0].json.output }}", "{{answer: Sort}}"),
        ("={{ $input.first().json.output }}", "{{answer: Sort}}"),
        ("={{ $json.output || $('Fields').item.json.mail }}", "{{answer: Sort}}"),
        ("=a {{ $json.output }} b {{ $fromAI('x') }}", "a {{answer: Sort}} b {{ $fromAI('x') }}"),
        ("={{ 1 + 2 }}", "{{ 1 + 2 }}"),
    ],
)
def test_forms_of_n8n_expressions(expression: str, filled: str, tmp_path: Path) -> None:
    document = changed(N8N, "nodes", 5, "parameters", "text", to=expression)
    prompt = asked(found(write(tmp_path, document)).graph)["Short"][1]
    assert prompt == filled.removeprefix("plain text, no expression: ")


def test_n8n_refuses_what_leads_nowhere(tmp_path: Path) -> None:
    document = changed(N8N, "connections", "Gone", to={"main": [[{"node": "Sort", "type": "main", "index": 0}]]})
    with pytest.raises(GraphError, match=r"x\.json: 'connections' names the node 'Gone', which does not exist; n8n"):
        import_graph(write(tmp_path, document))


def test_langgraph_holds_the_structure_alone(tmp_path: Path) -> None:
    result = found(write(tmp_path, LANGGRAPH))
    assert result.graph.edges == (("plan", "act"),)
    assert "'act' of the workflow 'x'" in result.graph.task("act").prompt
    assert any("steps without a text of their own" in each for each in result.losses)


def test_langflow_prompts_are_wired(tmp_path: Path) -> None:
    graph = found(write(tmp_path, LANGFLOW), inputs={"question": "this", "who": "me"}).graph
    assert asked(graph) == {"m": ("Be brief.", "Sum up this for me"), "m2": (None, "{{answer: m}}")}


def test_langflow_parsers_and_doubled_braces(tmp_path: Path) -> None:
    document = changed(LANGFLOW, "data", "nodes", 1, "data", "node", "template", "template", "value", to="{{x}} {text}")
    parser = {"id": "parse", "data": {"type": "ParserComponent", "node": {"template": {
        "pattern": {"value": "<<{text}>>"}}}}}  # fmt: skip
    document["data"]["nodes"].append(parser)
    document["data"]["edges"][2:] = [
        {"source": "m", "target": "parse", "data": {"targetHandle": {"fieldName": "input_data"}}},
        {"source": "parse", "target": "m2", "data": {"targetHandle": {"fieldName": "input_value"}}},
    ]
    graph = found(write(tmp_path, document), inputs={"question": "Q"}).graph
    assert asked(graph) == {"m": ("Be brief.", "{x} Q"), "m2": (None, "<<{{answer: m}}>>")}


def test_crewai_tasks_with_their_agents(tmp_path: Path) -> None:
    agents = {"writer": {"role": "Writer\n", "goal": "Write well", "backstory": "You know {topic}.", "llm": "ollama/x"}}
    write(tmp_path, agents, "crew/agents.yml")
    path = write(tmp_path, CREWAI, "crew/tasks.yml")
    graph = found(path, inputs={"topic": "bees"}).graph
    assert graph.name == "crew"
    assert graph.edges == (("plan", "write"), ("plan", "check"), ("write", "check"))
    assert graph.task("plan").system == "You are Writer. You know bees.\nYour personal goal is: Write well"
    assert graph.task("plan").prompt.startswith("Plan bees.\n\nThis is the expected criteria for your final answer: An")
    assert graph.task("check").prompt.endswith(
        "\nyou MUST return the actual complete content as the final answer, not a summary.\n\n"
        "This is the context you're working with:\n{{answer: plan}}\n\n----------\n\n{{answer: write}}"
    )
    assert [task.source_model for task in graph.tasks] == ["ollama/x", "ollama/x", None]
    summary = import_files([tmp_path], tmp_path / "out")
    assert ([each.graph for each in summary.imported], summary.refused) == (["crew"], ())


def test_a_crew_tells_each_task_what_its_sequential_process_would(tmp_path: Path) -> None:
    more = {"c": {}, "d": {"async_execution": True}, "e": {"async_execution": True}, "f": {}, "g": {"context": []}}
    rows = {name: {"description": name, "agent": "x"} | row for name, row in ({"a": {}, "b": {}} | more).items()}
    graph = found(write(tmp_path, rows, "tasks.yml")).graph
    told = {task.id: re.findall(r"\{\{answer: (\w)\}\}", task.prompt) for task in graph.tasks}
    assert told == {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c"], "e": ["c"], "f": list("abcde"), "g": []}
    assert set(graph.edges) == {("a", "b"), ("b", "c"), ("c", "d"), ("c", "e"), ("d", "f"), ("e", "f")}


def test_plain_graphs_carry_the_fields_of_tasks(tmp_path: Path) -> None:
    graph = import_graph(write(tmp_path, NODE_LINK))
    assert (graph.name, graph.edges) == ("mail", (("read", "1"),))
    read, code = graph.tasks
    assert (read.type, read.prompt, read.estimated_tokens, read.difficulty) == (TaskType.EXTRACTION, "Read.", 50, 2.0)
    assert (code.type, "1 (write code)" in code.prompt) == (TaskType.CODE, True)
    names = ("<a b>", '"a b"', "ab", "")
    named = [import_graph(write(tmp_path, f"digraph {name} {{ p -> q }}", "x.dot")).name for name in names]
    assert named == ["a b", "a b", "ab", "x"]
    dot = import_graph(write(tmp_path, DOT, "x.dot"))
    assert dot.edges == (("x", "y"), ("x", "z"), ("y", "z"), ("5", "ww"))
    assert [task.type for task in dot.tasks] == ["code", "math", "math", "code", "code"]
    assert dot.task("x").prompt == 'Write "it".'
    listed = import_graph(write(tmp_path, "digraph { a, b:n [type=math]; a, b -> {c, d} }", "list.dot"))
    assert set(listed.edges) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    assert [listed.task(each).type for each in "abc"] == ["math", "math", "reasoning"]
    pytest.importorskip("networkx")
    collect, _ = import_graph(write(tmp_path, GRAPHML, "x.graphml")).tasks
    assert (collect.prompt, collect.estimated_tokens) == ("Collect & count.", 70)


def test_a_node_of_graphml_without_a_field_has_the_default_of_its_key(tmp_path: Path) -> None:
    pytest.importorskip("networkx")
    key = 'attr.name="prompt" attr.type="string"'
    filled = GRAPHML.replace(f"{key}/>", f"{key}><default>Do your part.</default></key>")
    prompts = [task.prompt for task in import_graph(write(tmp_path, filled, "x.graphml")).tasks]
    assert prompts == ["Collect & count.", "Do your part."]


def test_nodes_of_a_canvas_of_an_unknown_tool_are_tasks_and_that_is_told(tmp_path: Path) -> None:
    data = {"class_path": "a.Loader", "label": "Write mail", "difficulty": "hard"}
    drawn = [{"id": node, "type": "box", "position": {"x": 0, "y": 0}, "data": data} for node in "ab"]
    canvas = found(write(tmp_path, {"nodes": drawn, "edges": [{"source": "a", "target": "b"}]}))
    assert ["canvas of a tool that is not known" in loss for loss in canvas.losses] == [True]
    assert {task.type for task in canvas.graph.tasks} == {"creative"}
    assert found(write(tmp_path, NODE_LINK)).losses == ()


def test_edges_may_count_nodes_without_ids(tmp_path: Path) -> None:
    nodes = [{"name": "one"}, {"name": "two"}, {"name": "7"}]
    old = {"nodes": nodes, "links": [{"source": 0, "target": 2}, {"source": 1, "target": 7}]}
    assert set(import_graph(write(tmp_path, old)).edges) == {("one", "7"), ("two", "7")}
    (refused,) = import_graphs(write(tmp_path, {**old, "links": [{"source": 0, "target": 3}]}))
    assert isinstance(refused, RefusedGraph)
    assert "node '3', which does not exist" in refused.reason


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x.dot", "graph { a -- b }", "is an undirected graph"),
        ("x.dot", "digraph { a -- b }", "line 1: '--' is an edge without direction"),
        ("x.dot", "digraph {\n a -> }", "line 2: is not valid DOT: found '}', but expected a name"),
        ("x.dot", "digraph { a", "found 'the end', but expected '}'"),
        ("x.dot", 'digraph { "a }', "line 1: unexpected '\"'"),
        ("x.dot", "digraph { a [estimated_tokens=many] }", "'estimated_tokens' must be a number, not 'many'"),
        ("x.dot", "digraph {}", "it has no LLM step"),
        ("x.dot", "digraph { a -> b } digraph { c }", "expected the end of the file"),
        ("x.graphml", GRAPHML.replace('edgedefault="directed"', 'edgedefault="undirected"'), "is an undirected graph"),
        ("x.graphml", GRAPHML.replace('target="b"', 'target="c"'), "an edge ends at node 'c', which does not exist"),
        ("x.graphml", GRAPHML.replace("<node", "<graph/><node", 1), "holds 2 graphs, nested or one after another"),
        ("x.graphml", "<graphml", "is not valid GraphML"),
        ("x.json", json.dumps(NODE_LINK | {"directed": False}), "is an undirected graph"),
        ("x.json", json.dumps(NODE_LINK | {"nodes": [{}]}), "nodes[0] has no 'id'"),
        ("x.json", json.dumps(NODE_LINK | {"links": [{"source": "read", "target": 2}]}), "node '2', which does not"),
        ("x.yml", "a: [1", "is not valid YAML"),
        ("x.yml", "a: 1\n---\nb: 2\n", "it holds several documents; write each into a file of its own (line 2)"),
        ("x.yml", "a: !!python/object/apply:os.system ['x']", "is not valid YAML: could not determine a constructor"),
        ("x.yml", "app: {mode: chat}", "is a Dify app (chat) without a workflow or a 'model_config'"),
        ("x.yml", "app: {mode: production}", "the format is not known"),
        ("x.yml", "workflow: {steps: []}", "the format is not known"),
        ("x.yml", "a: &a [x]\nb: [*a, *a]", "the format is not known"),
        ("x.yml", "w: {role: r, goal: g}", "holds the agents of a CrewAI crew; import the tasks.yaml beside it"),
        ("x.txt", "", "the file name must end in one of .json, .jsonc, .toml, .yml"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(name: str, text: str, reason: str, tmp_path: Path) -> None:
    if name == "x.graphml":
        pytest.importorskip("networkx")
    with pytest.raises(GraphError) as refused:
        import_graph(write(tmp_path, text, name))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


LOOP = "digraph { start -> plan -> act -> check; check -> plan; check -> done; act -> act }"


def test_a_cycle_is_named_or_unrolled(tmp_path: Path) -> None:
    path = write(tmp_path, LOOP, "loop.dot")
    with pytest.raises(GraphError, match=r"it has a cycle: plan -> act -> check -> plan; unroll it with --unroll=N"):
        import_graph(path)
    assert found(path, unroll=1).graph.edges == (
        ("start", "plan"), ("plan", "act"), ("act", "check"), ("check", "done"),
    )  # fmt: skip
    twice = found(path, unroll=2).graph
    assert set(twice.edges) == {
        ("start", "plan"), ("plan", "act"), ("act", "check"), ("check", "plan (round 2)"), ("act", "act (round 2)"),
        ("plan (round 2)", "act (round 2)"), ("act (round 2)", "check (round 2)"), ("check (round 2)", "done"),
    }  # fmt: skip
    with pytest.raises(AssertionError, match="--unroll=9999 would make 29999 steps"):
        found(path, unroll=9999)


def test_a_loop_of_flowise_leads_back_and_refers_to_the_round_before(tmp_path: Path) -> None:
    loop = {"id": "loop_0", "data": {"name": "loopAgentflow", "label": "L", "inputs": {"loopBackToNode": "l_1-Write"}}}
    document = changed(FLOWISE, "nodes", to=[*FLOWISE["nodes"], loop])
    document["edges"].append({"source": "a_1", "target": "loop_0", "sourceHandle": "a_1-output-x"})
    document = changed(document, "nodes", 4, "data", "inputs", "llmUserMessage", to="Improve {{ a_1 }} of {{ l_0 }}")
    graph = found(write(tmp_path, document), unroll=2).graph
    assert graph.task("Write").prompt == "Improve {{ a_1 }} of {{answer: Refund}}"
    assert graph.task("Write (round 2)").prompt == "Improve {{answer: Check (2)}} of {{answer: Refund}}"


def test_each_case_is_a_job_and_shares_the_inputs_for_all(tmp_path: Path) -> None:
    cases = read_cases(write(tmp_path, '{"mail": "One"}\n\n{"mail": {"to": 2}}\n', "cases.jsonl"))
    options = ImportOptions(flow=FlowOptions(inputs=pairs(["now=noon", "mail=none"], "--input")), cases=cases)
    graphs = [each.graph for each in import_graphs(write(tmp_path, N8N), options) if isinstance(each, FoundGraph)]
    assert [graph.name for graph in graphs] == ["mail-1", "mail-2"]
    assert [graph.task("Sort").prompt for graph in graphs] == ["Sort One", 'Sort {"to": 2}']
    assert {graph.task("Sort").system for graph in graphs} == {"You sort. noon"}
    assert len(list(import_graphs(write(tmp_path, DOT, "x.dot"), options))) == 1
    one = ImportOptions(cases=cases[:1])
    assert [each.graph.name for each in import_graphs(write(tmp_path, N8N), one)] == ["mail-1"]
    same = ImportOptions(cases=(cases[0], cases[0]))
    assert [each.graph.name for each in import_graphs(write(tmp_path, N8N), same)] == ["mail-1", "mail-2"]


def test_losses_name_inputs_that_are_missing_or_unknown(tmp_path: Path) -> None:
    losses = found(write(tmp_path, N8N), inputs={"mial": "x"}).losses
    assert "no prompt uses the input mial; its inputs are now, mail, a b" in losses
    assert "inputs without a value stay as written: now, mail, a b; give them with --input NAME=VALUE" in losses
    assert "all branches of 'If' are run (true, false); --branch 'If'=NAME keeps one" in losses


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no cases"),
        ('{"a": 1, "b": 2, "a": 3}', "line 1: gives 'a' twice; remove one of them"),
        ("[1]", "line 1: must be an object of inputs"),
        ("{", "line 1: is not valid JSON"),
    ],
)
def test_cases_that_cannot_be_read(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=reason):
        read_cases(write(tmp_path, text, "cases.jsonl"))
    with pytest.raises(GraphError, match="--input mail: must be NAME=VALUE"):
        pairs(["mail"], "--input")


def test_graphs_of_one_name_are_named_after_their_files(tmp_path: Path) -> None:
    for name in ("a/one.json", "b/two.json", "b/one.json", "c/other.json"):
        write(tmp_path, NODE_LINK | {"graph": {"name": "mail" if "other" not in name else "Alone"}}, name)
    summary = import_files([tmp_path], tmp_path / "out")
    assert [each.graph for each in summary.imported] == ["a-one", "b-one", "b-two", "Alone"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "Alone.toml", "a-one.toml", "b-one.toml", "b-two.toml",
    ]  # fmt: skip
    again = import_files([tmp_path / "c"], tmp_path / "out")
    assert "Alone.toml exists already; remove it, or choose another --out" in again.refused[0].reason


def test_names_of_graphs_hold_no_directory_above_the_files(tmp_path: Path) -> None:
    for name in ("x/one/mail.json", "y/one/mail.json"):
        write(tmp_path, NODE_LINK, name)
    twice = [tmp_path / "x", tmp_path / "y", tmp_path / "x"]
    summary = import_files(twice, tmp_path / "out")
    assert [each.graph for each in summary.imported] == ["x-one-mail", "y-one-mail"]
    same = import_files([tmp_path / "x" / "one" / "mail.json"] * 2, tmp_path / "same")
    assert [each.graph for each in same.imported] == ["mail"]


def test_paths_without_graphs_are_refused_for_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path, "x", "other/a.txt")
    paths = [tmp_path / name for name in ("empty", "none.json", "nope", "other", "other/a.txt")]
    summary = import_files(paths, tmp_path / "out")
    endings = ".json, .jsonc, .toml, .yml, .yaml, .dot, .gv, .graphml, .xml"
    assert [each.reason for each in summary.refused] == [
        "the directory is empty; name one with files in it",
        "there is no such file or directory",
        "there is no such file or directory",
        f"none of the 1 files in the directory ends in one of {endings}",
        f"the file name must end in one of {endings}",
    ]


def test_a_folder_that_cannot_be_listed_is_refused_and_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked, scandir, listdir = tmp_path / "in" / "locked", os.scandir, os.listdir
    write(tmp_path, "x", "in/locked/a.json")
    write(tmp_path, "digraph { a -> b }", "in/b.dot")

    def refusing(listed: Any) -> Any:
        def listed_or_refused(path: Any) -> Any:
            if Path(path) == locked:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return listed(path)

        return listed_or_refused

    monkeypatch.setattr(os, "scandir", refusing(scandir))
    monkeypatch.setattr(os, "listdir", refusing(listdir))
    for path in (locked, tmp_path / "in"):
        summary = import_files([path], tmp_path / "out")
        assert [each.reason for each in summary.refused] == ["cannot be read: Permission denied"]
    assert len(summary.imported) == 1
    for command in (["import-matrix", "--format=long", "--out=m"], ["expect", "--judge=m:1"], ["report"]):
        assert main([*command, str(locked)]) == 4
        assert f"{locked}: Permission denied; name a file that this user may use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"branches": {"NOPE": "true"}}, "--branch NOPE=true: no node of that name has branches; there are If"),
        ({"branches": {"if": "true"}}, "did you mean 'If'?"),
        (
            {"inputs": {"mial": "x"}},
            "--input mial: no prompt uses such an input; did you mean 'mail'? There are now, m",
        ),
        ({"unroll": 2}, "--unroll=2: no workflow has a cycle; leave it out"),
    ],
)
def test_a_name_that_no_workflow_has_is_an_error(options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, N8N)
    with pytest.raises(GraphError) as refused:
        import_files([path], tmp_path / "out", ImportOptions(flow=FlowOptions(**options)))
    assert reason in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_name_that_one_workflow_of_several_has_is_none(tmp_path: Path) -> None:
    paths = [write(tmp_path, N8N), write(tmp_path, LOOP, "y.dot"), write(tmp_path, CREWAI, "tasks.yml")]
    flow = FlowOptions(inputs={"topic": "x", "mail": "y"}, branches={"If": "true"}, unroll=2)
    summary = import_files(paths, tmp_path / "out", ImportOptions(flow=flow))
    assert (len(summary.imported), summary.refused) == (3, ())


def test_older_flows_of_flowise_have_their_prompts_and_models_in_other_nodes(tmp_path: Path) -> None:
    document = chatflow(
        ("m", "chatOllama", {"modelName": "llama3.2"}),
        ("p1", "promptTemplate", {
            "template": "Plan {goal} in {style}", "promptValues": '{"goal": "{{question}}"}'}),
        ("c1", "llmChain", {"chainName": "First"}),
        ("p2", "promptTemplate", {"template": "Do {plan}", "promptValues": '{"plan": "{{c1.data.instance}}"}'}),
        ("Talk", "conversationChain", {"systemMessagePrompt": "You talk about {topic}."}),
        links="m>c1.model, p1>c1.prompt, c1>p2.promptValues, p2>Talk.prompt",
    )  # fmt: skip
    graph = found(write(tmp_path, document), inputs={"question": "a party"}).graph
    assert graph.edges == (("First", "Talk"),)
    assert asked(graph) == {"First": (None, "Plan a party in a party"), "Talk": ("You talk about {topic}.", "a party")}
    assert [task.source_model for task in graph.tasks] == ["llama3.2", None]


@pytest.mark.parametrize(
    ("name", "category", "is_step", "is_guided"),
    [
        ("openAIFunctionAgent", "Agents", True, False),  # of older versions
        ("openAIToolAgent", "", True, False),
        ("someNewAgent", "Agents", True, True),
        ("someNewChain", "Chains", True, True),
        ("someNewTool", "Tools", False, False),
    ],
)
def test_a_kind_of_flowise_that_is_not_known_is_a_step_by_its_category(
    name: str, category: str, is_step: bool, is_guided: bool, tmp_path: Path
) -> None:
    document = chatflow(
        ("m", "chatOllama", {"modelName": "llama3.2"}),
        ("Helper", name, {"systemMessage": "Help."}),
        ("Talk", "conversationChain", {}),
        links="m>Helper.model, Helper>Talk.prompt",
    )
    document["nodes"][1]["data"]["category"] = category
    imported = found(write(tmp_path, document), inputs={"question": "Who?"})
    assert asked(imported.graph).get("Helper") == (("Help.", "Who?") if is_step else None)
    assert imported.graph.edges == ((("Helper", "Talk"),) if is_step else ())
    assert any("Helper" in loss and "tool itself adds" in loss for loss in imported.losses) == is_guided


def test_sequential_agents_of_flowise_take_the_model_of_the_start(tmp_path: Path) -> None:
    document = chatflow(
        ("s", "seqStart", {}),
        ("m", "chatOpenAI", {"modelName": "gpt-4o"}),
        ("a", "seqAgent", {"agentName": "Writer", "systemMessagePrompt": "You write."}),
        ("b", "seqLLMNode", {"llmNodeName": "Judge Text", "humanMessagePrompt": "Judge it."}),
        ("l", "seqLoop", {"loopToName": "writer"}),
        ("t", "calculator", {}),
        ("n", "seqToolNode", {}),
        links="m>s.model, s>a.sequentialNode, a>n.llmNode, n>b.sequentialNode, b>l.sequentialNode, t>n.tools",
    )
    path = write(tmp_path, document)
    with pytest.raises(GraphError, match=r"it has a cycle: Writer -> Judge Text -> Writer"):
        import_graph(path)
    graph = found(path, unroll=1, inputs={"question": "On bees"}).graph
    assert asked(graph) == {
        "Writer": ("You write.", "On bees"),
        "Judge Text": (None, "On bees\n\n{{answer: Writer}}\n\nJudge it."),
    }
    assert {task.source_model for task in graph.tasks} == {"gpt-4o"}


def test_a_called_n8n_workflow_beside_the_file_takes_the_place_of_the_call(tmp_path: Path) -> None:
    call = {"workflowId": {"__rl": True, "value": "wf7"}, "workflowInputs": {"value": {"words": "={{ $json.text }}"}}}
    called = n8n(
        n8n_node("In", "executeWorkflowTrigger"),
        ask("Turn", "=French: {{ $('Turn').item.json.text || $json.words }}"),
        links="In>Turn",
    ) | {"name": "translate", "id": "wf7"}
    caller = n8n(
        ask("Draft", "Draft."),
        n8n_node("Call", "executeWorkflow", call),
        ask("Check", "=Check {{ $json.text }}"),
        links="Draft>Call, Call>Check",
    )
    alone = found(write(tmp_path, caller, "main.json"))
    assert alone.graph.edges == (("Draft", "Check"),)
    assert "the workflow 'wf7', which is called, is not beside the file" in alone.losses
    write(tmp_path, called, "other.json")
    write(tmp_path, "{", "broken.json")
    both = found(tmp_path / "main.json")
    assert both.graph.edges == (("Turn", "Check"), ("Draft", "Turn"))
    assert asked(both.graph) == {
        "Draft": (None, "Draft."),
        "Check": (None, "Check {{answer: Turn}}"),
        "Turn": (None, "French: {{answer: Draft}}"),
    }
    endless = changed(called, "nodes", 1, to=n8n_node("Again", "executeWorkflow", call))
    write(tmp_path, changed(endless, "connections", to={}), "other.json")
    looped = found(tmp_path / "main.json")
    assert asked(looped.graph).keys() == {"Draft", "Check"}
    assert "the workflow 'wf7', which is called, calls itself, and is run once" in looped.losses


def test_a_dify_workflow_that_is_used_as_a_tool_is_inlined(tmp_path: Path) -> None:
    reader = dify(
        ("s", "start", {"variables": [{"variable": "url"}]}), ("r", "llm", llm("Read {{#s.url#}}")), links="s>r"
    )
    reader["app"]["name"] = "reader"
    passed = {"url": {"type": "mixed", "value": "{{#a.text#}}"}}
    tool = {"title": "Read", "provider_type": "workflow", "provider_name": "reader", "tool_parameters": passed}
    main = dify(
        ("a", "llm", llm("Name a page.")), ("t", "tool", tool), ("b", "llm", llm("Sum up {{#t.text#}}")),
        links="a>t, t>b",
    )  # fmt: skip
    write(tmp_path, reader, "reader.yml")
    graph = found(write(tmp_path, main, "main.yml")).graph
    assert set(graph.edges) == {("a", "r"), ("r", "b")}
    assert asked(graph) == {
        "a": (None, "Name a page."),
        "b": (None, "Sum up {{answer: r}}"),
        "r": (None, "Read {{answer: a}}"),
    }


def flowise_flow(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    """A flow of Flowise whose nodes follow each other."""
    ids = [node["id"] for node in nodes]
    edges = [{"source": a, "target": b, "sourceHandle": f"{a}-output"} for a, b in pairwise(ids)]
    return {"id": f"id-{name}", "name": name, "flowData": json.dumps({"nodes": nodes, "edges": edges})}


def flowise_node(node: str, kind: str, **inputs: Any) -> dict[str, Any]:
    return {"id": node, "data": {"name": f"{kind}Agentflow", "label": node, "inputs": inputs}}


def flowise_caller(flow: str) -> dict[str, Any]:
    return flowise_flow(
        "main",
        flowise_node("start_0", "start"),
        flowise_node("llm_0", "llm", llmUserMessage="Name a page."),
        flowise_node("call_0", "executeFlow", executeFlowSelectedFlow=flow, executeFlowInput="{{ llm_0 }}"),
        flowise_node("llm_1", "llm", llmUserMessage="Sum up {{ call_0 }}"),
    )


READER = flowise_flow(
    "reader", flowise_node("start_0", "start"), flowise_node("llm_0", "llm", llmUserMessage="Read {{ question }}")
)


@pytest.mark.parametrize("place", ["in the same file", "beside the file", "in an export of all beside the file"])
def test_a_flowise_flow_that_is_executed_is_inlined(tmp_path: Path, place: str) -> None:
    main = flowise_caller("id-reader")
    if place == "in the same file":
        path = write(tmp_path, {"AgentFlowV2": [main, READER], "ChatFlow": [], "Tool": []})
    else:
        path = write(tmp_path, main, "main.json")
        write(tmp_path, READER if place == "beside the file" else {"AgentFlowV2": [READER, READER]}, "other.json")
    flows = {flow.graph.name: flow.graph for flow in import_graphs(path) if isinstance(flow, FoundGraph)}
    graph = flows["main"]
    called = next(task.id for task in graph.tasks if task.prompt.startswith("Read"))
    assert set(graph.edges) == {("llm_0", called), (called, "llm_1")}
    assert {task.prompt for task in graph.tasks} == {
        "Name a page.",
        "Read {{answer: llm_0}}",
        f"Sum up {{{{answer: {called}}}}}",
    }


@pytest.mark.parametrize(
    ("flow", "sentence"),
    [
        ("id-nothing", "the workflow 'id-nothing', which is called, is not beside the file"),
        ("id-main", "the workflow 'id-main', which is called, calls itself, and is run once"),
    ],
)
def test_a_flowise_flow_that_cannot_be_inlined_is_named(tmp_path: Path, flow: str, sentence: str) -> None:
    path = write(tmp_path, {"AgentFlowV2": [flowise_caller(flow)]})
    one = found(path)
    assert sentence in one.losses
    assert asked(one.graph)["llm_1"] == (None, "Sum up {{ call_0 }}")


def test_a_broken_flow_of_an_export_does_not_stop_the_others(tmp_path: Path) -> None:
    broken, whole = import_graphs(write(tmp_path, {"AgentFlowV2": [READER | {"flowData": "{"}, READER]}))
    assert isinstance(broken, RefusedGraph)
    assert broken.reason.startswith("'flowData': is not valid JSON")
    assert isinstance(whole, FoundGraph)


def test_a_query_engine_of_flowise_is_a_step_unless_it_is_the_engine_of_a_tool(tmp_path: Path) -> None:
    document = chatflow(
        ("chat", "chatOllama", {"modelName": "llama3"}),
        ("index", "pineconeLlamaIndex", {}),
        ("alone", "queryEngine", {}),
        ("inner", "queryEngine", {}),
        ("tool", "queryEngineToolLlamaIndex", {}),
        ("main", "subQuestionQueryEngine", {}),
        links="chat>index.model, index>alone.vectorStoreRetriever, index>inner.vectorStoreRetriever, "
        "inner>tool.baseQueryEngine, tool>main.queryEngineTools, chat>main.model",
    )
    graph = found(write(tmp_path, document), inputs={"question": "Why?"}).graph
    assert [(task.id, task.prompt, task.source_model) for task in graph.tasks] == [
        ("alone", "Why?", "llama3"),
        ("main", "Why?", "llama3"),
    ]


@pytest.mark.parametrize("name", ["x.json", "x.yml"])
def test_what_the_api_of_dify_answers_is_the_app_in_it(name: str, tmp_path: Path) -> None:
    app = f"# \U0001f916\n{yaml.safe_dump(DIFY)}"
    packed = json.dumps({"data": app})  # as two escapes for the first character, which YAML does not read
    assert import_graph(write(tmp_path, packed, name)) == import_graph(write(tmp_path, DIFY, "y.yml"))
    with pytest.raises(GraphError, match=r"x\.\w+: 'data': is not valid YAML"):
        import_graph(write(tmp_path, json.dumps({"data": "app: [1"}), name))
