"""crew.jsonc of CrewAI: tasks in a list, agents in files of their own, comments, and inputs with values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.importers.import_files import FoundGraph, import_files, import_graph, import_graphs
from tests.workloads.flow_documents import CREWAI_PROJECT, changed
from tests.workloads.flow_imports import imported

CREW = """{
  // "name": "another", and what looks like one: /* "tasks": [] */
  "name": "press // crew", /* the agents
  are in agents/ */
  "agents": ["writer", "checker", "boss"],
  "tasks": [
    {"name": "draft", "description": "Write of {topic} for {the-reader}.",
     "expected_output": "A \\"text\\", // no list", "agent": "writer",},
    {"name": "facts", "description": "List facts.", "expected_output": "Facts.", "agent": "writer", "context": []},
    {"name": "check", "description": "Check {1x}.", "expected_output": "Faults.", "agent": "checker"},
    {"name": "short", "description": "Cut it.", "expected_output": "A line.", "agent": "nobody", "context": ["draft"]}
    ,
  ],
  "process": "hierarchical", "manager_llm": "openai/gpt-4o", "memory": false, "planning": true,
  "inputs": {"topic": "bees", "the-reader": {"age": 9}, "unused": 1},
}
"""


def write_crew(folder: Path) -> Path:
    (folder / "agents").mkdir()
    writer = '{"role": "Writer on {topic}", "goal": "Write", "backstory": "Old.", "llm": "a", // its own'
    (folder / "agents/writer.jsonc").write_text(writer + '\n"settings": {"llm": "ollama/b", "temperature": 0.1}}')
    (folder / "agents/writer.json").write_text("{}")
    checker = {"role": "Checker", "goal": "Check", "backstory": "Strict.", "llm": {"deployment_name": "mine"}}
    (folder / "agents/checker.json").write_text(json.dumps(checker))
    path = folder / "crew.jsonc"
    path.write_text(CREW)
    return path


def test_a_crew_of_json_files_tells_and_asks_what_its_process_would(tmp_path: Path) -> None:
    graph = import_graph(write_crew(tmp_path))
    assert graph.name == "press // crew"
    assert set(graph.edges) == {("draft", "check"), ("facts", "check"), ("draft", "short")}
    draft = graph.task("draft")
    assert draft.system == "You are Writer on bees. Old.\nYour personal goal is: Write"
    assert draft.prompt.startswith('Write of bees for {"age": 9}.\n\nThis is the expected criteria')
    assert 'A "text", // no list\nyou MUST' in draft.prompt
    assert graph.task("check").prompt.startswith("Check {1x}.")
    assert graph.task("check").prompt.endswith("{{answer: draft}}\n\n----------\n\n{{answer: facts}}")
    models = [task.source_model for task in graph.tasks]
    assert models == ["ollama/b", "ollama/b", "mine", None]


def test_what_a_crew_of_json_files_loses(tmp_path: Path) -> None:
    (found,) = import_graphs(write_crew(tmp_path))
    assert isinstance(found, FoundGraph)
    assert set(found.losses) == {
        "the manager who hands out the tasks is no step, and each task is asked of its own agent: "
        "the crew (manager_llm)",
        "plans before the work are not made: the crew (planning)",
        "agents/ has no file for them, so their roles and models are missing: boss",
        "tasks without an agent of agents/ have no role and no model; where the program names their agents, write "
        "'agent: NAME' into the file: short",
        "prompts that the tool itself adds are not sent, or only their gist: the form of thoughts and answers",
        "settings of models are not sent: writer (temperature)",
    }


def test_a_folder_with_a_crew_is_one_crew_and_its_agents_are_no_files_of_their_own(tmp_path: Path) -> None:
    write_crew(tmp_path)
    summary = import_files([tmp_path], tmp_path / "out")
    assert ([each.tasks for each in summary.imported], summary.refused) == ([4], ())
    assert load_graph(summary.imported[0].path).task("draft").source_model == "ollama/b"


def test_a_crew_may_hold_its_agents_itself(tmp_path: Path) -> None:
    graph = imported(tmp_path, CREWAI_PROJECT).graph
    assert (graph.name, graph.edges) == ("mail", (("read", "reply"),))
    assert (graph.task("read").system or "").startswith("You are Clerk. ")
    assert graph.task("reply").id == "reply"


def test_a_crew_without_a_name_is_called_after_its_folder_and_its_tasks_by_number(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    task = {"description": "Do it.", "expected_output": "Done."}
    graph = imported(tmp_path, {"agents": [], "tasks": [task, task]}, "shop/crew.json").graph
    assert (graph.name, [each.id for each in graph.tasks]) == ("shop", ["tasks[0]", "tasks[1]"])


@pytest.mark.parametrize(
    ("name", "document", "reason"),
    [
        ("crew.json", changed(CREWAI_PROJECT, "tasks", 1, "name", to="read"), "two tasks have the name 'read'; give"),
        ("crew.json", changed(CREWAI_PROJECT, "tasks", 1, "context", to=["x"]), "'context' names 'x'; the tasks of"),
        ("crew.json", changed(CREWAI_PROJECT, "tasks", to=[]), "'tasks' is empty, so there is nothing to route"),
        ("clerk.json", CREWAI_PROJECT["agents"]["clerk"], "holds one agent of a CrewAI crew; import the crew.jsonc"),
        ("crew.jsonc", '{"tasks": [] /* open', "is not valid JSON"),
        ("crew.jsonc", '{"tasks":\n/* two\nlines */\n[oops]}', "line 4"),
    ],
)
def test_a_crew_that_cannot_be_read_is_refused_in_a_sentence(
    name: str, document: Any, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(GraphError) as refused:
        import_graph(path)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
