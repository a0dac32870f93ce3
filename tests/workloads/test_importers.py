"""Importing foreign graphs: each format, each way of being malformed, a whole batch, and the public samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.build import layered
from pytest_swarm.workloads.graph_files import load_graph, save_graph
from pytest_swarm.workloads.importers.import_files import (
    FoundGraph,
    RefusedGraph,
    import_files,
    import_graph,
    import_graphs,
)
from pytest_swarm.workloads.importers.task_rules import size_from_text, sizes_from_costs, type_from_text
from tests.workloads.flow_imports import write

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "workloads"
GRAPHS = Path(__file__).parents[2] / "benchmarks" / "graphs"


def wfformat(**changes: object) -> dict[str, object]:
    rows = [
        {"id": "a_1", "name": "split", "parents": [], "children": ["b_1"]},
        {"id": "b_1", "name": "count", "parents": ["a_1"], "children": []},
    ]
    timed = [{"id": "a_1", "runtimeInSeconds": 10}, {"id": "b_1", "runtimeInSeconds": 40}]
    workflow = {"specification": {"tasks": rows}, "execution": {"tasks": timed}}
    return {"name": "flow.json", "schemaVersion": "1.5", "workflow": workflow} | changes


def dagbench(**changes: object) -> dict[str, object]:
    tasks = [{"name": "A", "cost": 1.0}, {"name": "B", "cost": 4.0}]
    graph = {"tasks": tasks, "dependencies": [{"source": "A", "target": "B", "size": 3.0}]}
    return {"name": "set.two", "task_graph": graph | changes, "network": {}}


def worfbench(plan: str, asked: str = "Task: Bake bread\nTools: none") -> list[object]:
    turns = [
        {"role": "system", "content": "Plan."},
        {"role": "user", "content": asked},
        {"role": "assistant", "content": plan},
    ]
    return [{"id": "bread_1", "conversations": turns}]


def test_wfformat(tmp_path):
    graph = import_graph(write(tmp_path, wfformat()))
    assert graph.name == "flow"
    assert graph.edges == (("a_1", "b_1"),)
    assert [task.type for task in graph.tasks] == [TaskType.REASONING, TaskType.MATH]
    assert [task.estimated_tokens for task in graph.tasks] == [100, 400]
    assert [task.difficulty for task in graph.tasks] == [1.0, 2.5]


def old_wfformat(version: str, key: str, **first: object) -> dict[str, object]:
    rows = [
        {"name": "split", "runtime": 10, "parents": [], "children": ["count"]} | first,
        {"name": "count", "runtime": 40, "parents": ["split"], "children": []},
    ]
    return {"name": "flow", "schemaVersion": version, "workflow": {key: rows}}


@pytest.mark.parametrize(("version", "key"), [("1.0", "jobs"), ("1.2", "jobs"), ("1.3", "tasks"), ("1.4", "tasks")])
def test_older_wfformat(version, key, tmp_path):
    graph = import_graph(write(tmp_path, old_wfformat(version, key)))
    assert (graph.order, graph.edges) == (("split", "count"), (("split", "count"),))
    assert [task.estimated_tokens for task in graph.tasks] == [100, 400]


def test_older_wfformat_by_id_and_with_one_kind_of_list(tmp_path):
    document = old_wfformat("1.4", "tasks")
    rows = document["workflow"]["tasks"]
    for number, row in enumerate(rows):
        del row["children"]
        row |= {"name": "same", "id": str(number), "parents": ["0"] * number}
    assert import_graph(write(tmp_path, document)).edges == (("0", "1"),)
    for row in rows:
        del row["id"]
    with pytest.raises(GraphError, match=r"several tasks have the name 'same', and no 'id' each to tell them apart"):
        import_graph(write(tmp_path, document))
    one_sided = old_wfformat("1.3", "tasks", children=["count", "split"])
    with pytest.raises(GraphError, match="'parents' and 'children' must agree"):
        import_graph(write(tmp_path, one_sided))


def test_dagbench(tmp_path):
    graph = import_graph(write(tmp_path, dagbench()))
    assert (graph.name, graph.edges) == ("set.two", (("A", "B"),))
    assert "set.two" in graph.task("A").prompt


@pytest.mark.parametrize(
    "plan",
    [
        "Node:\n1: Mix the dough.\n2: Find an oven.\nEdge: (START,1) (1,2) (2,END)",
        "Node:\n1: Mix the dough.\n2: Find an oven.\nGraph:\nEdges:\n(START, 1)\n(1, 2)\n(1, 2)\n(2, END)",
        "Node:\n1. Mix the dough.\n2. Find an oven.\nEdges: (START,1),(1,2),(2,END)",
        "Node:\n1: Mix the dough.\n2: Find an oven.\nEdge: (Start,1) (1,2) (2,end)",
        "Node:\n1: Mix the dough.\n2: Find an oven.\nSo:\n1. **Mix** it\n\n- **Edge**: (START,1), (1,2), (2,END)",
    ],
)
def test_worfbench_as_models_wrote_it(plan, tmp_path):
    graph = import_graph(write(tmp_path, worfbench(plan)))
    assert graph.name == "bread_1"
    assert graph.edges == (("1", "2"),)
    assert [task.type for task in graph.tasks] == [TaskType.REASONING, TaskType.EXTRACTION]
    assert "Bake bread" in graph.task("2").prompt
    assert "Find an oven." in graph.task("2").prompt


@pytest.mark.parametrize(
    "asked",
    [
        "Task: Bake bread\nThe api list you can use: {'mix': 'Mix.'}",
        "Now it's your turn.\nTask: Bake bread\nOutput:\n\nThe tool list you can select from: []",
        "Bake breadThe action list you can take: bash: execute some bash code",
    ],
)
def test_goal_of_worfbench(asked, tmp_path):
    task = import_graph(write(tmp_path, worfbench("1: Mix\nEdge: (START,1)", asked))).task("1")
    assert task.prompt.splitlines()[:2] == ["The whole task: Bake bread", "Your step 1: Mix"]


def test_our_own_formats_come_in_too():
    assert import_graph(GRAPHS / "wb1.toml") == load_graph(GRAPHS / "wb1.toml")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            wfformat(schemaVersion="1.6"),
            "is WfFormat 1.6, but only versions 1.0, 1.1, 1.2, 1.3, 1.4, 1.5 are supported",
        ),
        (wfformat(workflow=3), "must be a table, not 3"),
        (wfformat(workflow={}), "graph 'flow' is empty: it has no tasks"),
        (
            wfformat(workflow={"specification": {"tasks": [{"id": "a", "children": ["b"]}, {"id": "b"}]}}),
            "the edge a -> b is listed only in 'children' of the parent; 'parents' and 'children' must agree",
        ),
        (
            wfformat(workflow={"specification": {"tasks": [{"id": "a", "children": ["a"], "parents": ["a"]}]}}),
            "has a cycle: a -> a",
        ),
        (
            wfformat(workflow={"execution": {"tasks": [{"id": "a", "runtimeInSeconds": -1}]}}),
            "'runtimeInSeconds' is -1, but must be at least 0",
        ),
        (dagbench(tasks=[]), "graph 'set.two' is empty"),
        (dagbench(dependencies=[{"source": "A", "target": "Z"}]), "dangling edge A -> Z"),
        (dagbench(dependencies=[{"source": "A"}]), "'target' is missing"),
        (
            dagbench(dependencies=[{"source": "A", "target": "B"}, {"source": "B", "target": "A"}]),
            "has a cycle: A -> B -> A",
        ),
        (dagbench(tasks=[{"name": "A"}, {"name": "A"}]), "duplicate id: task 'A' appears twice"),
        (worfbench("1: a\n2: b\nEdge: (START,1) (1,2) (2,1)"), "graph 'bread_1' has a cycle: 1 -> 2 -> 1"),
        (worfbench("1: a\nEdge: (START,1) (1,3)"), "edge (1,3): there is no node 3"),
        (worfbench("1: a\n1: b\nEdge: (START,1)"), "a node number is used twice"),
        (worfbench("1: a\n2: b"), "the plan has no edges"),
        (worfbench("I cannot help with that."), "the plan has no nodes"),
        ([{"id": "x", "conversations": []}], "the conversation has no turns"),
        ([{"id": "x", "conversations": [{"content": None}]}], "'content' is missing"),
        ({"nodes": []}, "the format is not known; supported are WorfBench, Dify, WfFormat, DAGBench, n8n, LangFlow"),
        ("{", "is not valid JSON"),
        ("3", "the format is not known"),
        ([], "the format is not known"),
    ],
)
def test_what_is_malformed_is_refused_with_the_reason(document, reason, tmp_path):
    path = write(tmp_path, document)
    (found,) = import_graphs(path)
    assert isinstance(found, RefusedGraph)
    assert reason in found.reason
    assert "\n" not in found.reason
    with pytest.raises(GraphError, match=r"x\.json"):
        import_graph(path)


def test_a_batch_goes_on_after_a_refusal_and_says_what_it_did(tmp_path):
    good, bad = write(tmp_path, dagbench(), "good.json"), write(tmp_path, "{", "bad.json")
    summary = import_files([bad, good, tmp_path / "none.json"], tmp_path / "out" / "deep")
    assert [each.graph for each in summary.imported] == ["set.two"]
    assert [refusal.source for refusal in summary.refused] == [str(bad), str(tmp_path / "none.json")]
    assert load_graph(summary.imported[0].path) == import_graph(good)
    assert summary.text().splitlines()[-1] == "1 graph imported, 2 refused"


def test_an_import_of_nothing_leaves_no_folder(tmp_path):
    summary = import_files([write(tmp_path, "{", "bad.json"), tmp_path / "none.json"], tmp_path / "out")
    assert len(summary.refused) == 2
    assert not (tmp_path / "out").exists()


def test_an_import_overwrites_nothing(tmp_path):
    good = write(tmp_path, dagbench(), "good.json")
    import_files([good], tmp_path / "out")
    again = import_files([good], tmp_path / "out")
    assert again.imported == ()
    assert "exists already" in again.refused[0].reason


def test_a_graphs_name_cannot_leave_the_folder(tmp_path):
    document = dagbench() | {"name": "../../evil/.\u0000name"}
    summary = import_files([write(tmp_path, document)], tmp_path / "out")
    assert Path(summary.imported[0].path).parent == tmp_path / "out"


def test_a_file_with_several_graphs_is_no_single_graph(tmp_path):
    plan = "1: a\nEdge: (START,1) (1,END)"
    path = write(tmp_path, worfbench(plan) * 2)
    with pytest.raises(GraphError, match="contains 2 graphs"):
        import_graph(path)


KEYS = (
    *("name", "schemaVersion", "workflow", "specification", "tasks", "id", "parents", "children", "execution"),
    *("task_graph", "dependencies", "source", "target", "cost", "conversations", "content"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner | st.just("1.5"),
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_taken_or_refused_and_never_raises(document, tmp_path):
    for found in import_graphs(write(tmp_path, document)):
        assert isinstance(found, FoundGraph) or found.reason


def test_types_are_read_from_words_and_from_names():
    assert type_from_text("Write a Python function") is TaskType.CODE
    assert type_from_text("fastqDump") is TaskType.REASONING
    assert type_from_text("MergeResults_2") is TaskType.SUMMARIZE
    assert type_from_text("Search for a book") is TaskType.EXTRACTION


def test_sizes_follow_costs_and_clip():
    assert sizes_from_costs([1, 1, 1]) == [(250, 2.0)] * 3
    assert sizes_from_costs([0, 0]) == [(250, 2.0)] * 2
    assert sizes_from_costs([1, 2, 1000]) == [(125, 1.0), (250, 2.0), (2000, 5.0)]
    assert size_from_text("x" * 400, parents=3) == (700, 2.5)
    assert size_from_text("a " * 24, parents=0) == (162, 1.5)
    assert size_from_text("a " * 25, parents=1) == (313, 2.0)
    assert size_from_text("a " * 500, parents=9)[1] == 5.0
    assert size_from_text("分析" * 49, parents=0)[1] == 2.0  # two characters of Chinese or Japanese are a word
    assert size_from_text("分析" * 50, parents=0)[1] == 2.5
    assert size_from_text("析。" * 24, parents=0)[1] == 1.5  # a mark is a character, and no word


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not here")
def test_the_public_samples_all_come_in(tmp_path):
    files = sorted(SAMPLES.glob("*/*.json"))
    summary = import_files(files, tmp_path)
    assert summary.refused == ()
    assert len(summary.imported) == 6 + 6 + 3 * 40
    assert max(each.tasks for each in summary.imported) == 1101
    for each in summary.imported:
        assert len(load_graph(each.path)) == each.tasks


def test_a_graph_loads_itself_from_a_file(tmp_path: Path) -> None:
    graph = layered("own", 2, 2, seed=1)
    save_graph(graph, tmp_path / "own.toml")
    assert TaskGraph.load(tmp_path / "own.toml") == graph
    with pytest.raises(GraphError, match="nowhere"):
        TaskGraph.load(tmp_path / "nowhere.toml")
