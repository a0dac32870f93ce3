"""Texts of others arrive in the prompt to the letter, also where they look like a placeholder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import escaped, fill, placeholder, read_filled, references
from pytest_swarm.domain.prompt import given_answers, task_messages
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.graph_files import load_graph, save_graph
from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, import_matrix
from pytest_swarm.workloads.prompt_benchmark import new_prompt_benchmark
from tests.workloads.flow_documents import CREWAI, DIFY, DOT, FLOWISE, LANGFLOW, N8N, NODE_LINK, changed
from tests.workloads.flow_imports import found, write

LIVE = ("{{answer: Sort}}", "{{answer: Z}}", "{{answer:: Z}}", "{{answer: Sort | a.b}}", "{{{answer: Z}}}")
PIECES = st.lists(st.sampled_from(["{", "{{", "answer:", "answer: a", " ", ":", "}}", "a", "|", "\n"]), max_size=12)


@given(PIECES.map("".join), PIECES.map("".join), PIECES.map("".join))
def test_escaped_text_is_sent_to_the_letter(before: str, between: str, after: str) -> None:
    assert fill(escaped(before), {"a": "X"}) == before
    template = f"{escaped(before)}{placeholder('a')}{escaped(between)}{placeholder('b')}{escaped(after)}"
    assert [each.task for each in references(template)] == ["a", "b"]
    filled = fill(template, {"a": "{{answer: b}}", "b": "{{answer:: a}}"})
    assert filled == f"{before}{{{{answer: b}}}}{between}{{{{answer:: a}}}}{after}"
    assert read_filled(template, filled) is not None


def imported(folder: Path, document: Any, name: str = "x.json", **inputs: str) -> TaskGraph:
    graph = found(write(folder, document, name), inputs=inputs).graph
    save_graph(graph, folder / "written.toml")
    assert load_graph(folder / "written.toml") == graph
    return graph


def sent(graph: TaskGraph, task: str) -> str:
    return task_messages(graph.task(task), {each.id: f"<{each.id}>" for each in graph.tasks})[-1]["content"]


@pytest.mark.parametrize("value", LIVE)
def test_a_value_of_an_input_is_no_placeholder(value: str, tmp_path: Path) -> None:
    assert sent(imported(tmp_path, N8N, mail=value), "Sort") == f"Sort {value}"
    assert sent(imported(tmp_path, N8N, mail=value, Web=value), "Last") == f"Take <Short>, {value}, {value}"
    assert sent(imported(tmp_path, DIFY, "x.yml", language=value, question=""), "Write") == f"Write in {value}, short: "
    assert sent(imported(tmp_path, FLOWISE, who=value, question=value), "Triage") == f"<p>{value}</p>"
    assert sent(imported(tmp_path, LANGFLOW, question=value, who="me"), "m") == f"Sum up {value} for me"
    assert sent(imported(tmp_path, CREWAI, "tasks.yml", topic=value), "plan").startswith(f"Plan {value}.")


@pytest.mark.parametrize("value", LIVE)
def test_a_text_of_the_workflow_is_no_placeholder(value: str, tmp_path: Path) -> None:
    n8n = changed(N8N, "nodes", 5, "parameters", "text", to=value)
    assert sent(imported(tmp_path, n8n), "Short") == value
    dify = changed(DIFY, "workflow", "graph", "nodes", 3, "data", "prompt_template", 0, "text", to=value)
    assert sent(imported(tmp_path, dify, "x.yml"), "Write") == value
    crew = changed(CREWAI, "plan", "description", to=value)
    assert sent(imported(tmp_path, crew, "tasks.yml"), "plan").startswith(f"{value}\n\n")


def test_pieces_that_only_together_look_like_a_placeholder_are_text(tmp_path: Path) -> None:
    written = "{{answer: {{#1.language#}}}}"
    document = changed(DIFY, "workflow", "graph", "nodes", 3, "data", "prompt_template", 0, "text", to=written)
    assert sent(imported(tmp_path, document, "x.yml", language="Topic"), "Write") == "{{answer: Topic}}"


def test_names_of_other_graphs_are_text(tmp_path: Path) -> None:
    node = "{{answer: x}}"
    dag = {"name": "g", "task_graph": {"tasks": [{"name": node, "cost": 1}], "dependencies": []}}
    assert node in sent(imported(tmp_path, dag), node)
    plan = [{"id": "w", "conversations": [{"content": "Task: x"}, {"content": f"Node:\n1: {node}\nEdges: (START,1)"}]}]
    assert node in sent(imported(tmp_path, json.dumps(plan)), "1")


def test_a_prompt_of_a_plain_graph_is_one_of_a_graph_file(tmp_path: Path) -> None:
    document = changed(NODE_LINK, "nodes", 1, "prompt", to="Use {{answer: read | a}}, not {{answer:: read}}")
    graph = imported(tmp_path, document)
    assert sent(graph, "1") == "Use <read>, not {{answer: read}}"
    with pytest.raises(AssertionError, match="refers to the answer of 'Z', which is no node"):
        imported(tmp_path, changed(NODE_LINK, "nodes", 1, "prompt", to="{{answer: Z}}"))
    dot = imported(tmp_path, DOT.replace("x [", 'y [prompt="After {{answer: x}}"] x ['), "x.dot")
    assert sent(dot, "y") == "After <x>"


def test_prompts_of_tables_and_of_ones_own_are_text(tmp_path: Path) -> None:
    rows = tmp_path / "prompts.jsonl"
    rows.write_text(json.dumps({"prompt": "What is {{answer: p1}}?", "expected": "4"}) + "\n")
    (task,) = new_prompt_benchmark("mine", rows, folder=tmp_path).tasks
    assert fill(task.prompt, {"p1": "no"}) == "What is {{answer: p1}}?"
    table = tmp_path / "table.jsonl"
    table.write_text(
        "".join(json.dumps({"prompt": "{{answer: p}}", "model": each, "score": 1}) + "\n" for each in "ab")
    )
    import_matrix(table, tmp_path / "out", MatrixImport(format="long"))
    jobs = [load_graph(path) for path in (tmp_path / "out").rglob("*-1.json")]
    assert [fill(task.prompt, {}) for graph in jobs for task in graph.tasks] == ["{{answer: p}}"]


def test_a_chat_of_an_escaped_prompt_is_recognized() -> None:
    task = Task(id="a", type=TaskType.MATH, prompt=escaped("Say {{answer: b}}"), estimated_tokens=10)
    assert given_answers(task, task_messages(task, {})) == {}
    assert TaskGraph(name="g", tasks=(task,)).inputs("a") == ()
    with pytest.raises(GraphError, match="refers to the answer of 'b'"):
        TaskGraph(name="g", tasks=(Task(id="a", type=TaskType.MATH, prompt="{{answer: b}}", estimated_tokens=10),))
