"""Seeded mutants of a file of each format: a graph or a refusal, never another exception, alone and in a batch."""

from __future__ import annotations

import copy
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_swarm.cli import main
from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.import_files import import_files, import_graphs
from tests.workloads.flow_documents import BATCH_DOCUMENTS, DOT, GRAPHML, JSON_DOCUMENTS

MUTANTS = 200
OTHERS: tuple[Any, ...] = (
    None,
    0,
    -1.5,
    True,
    "",
    "x",
    "{{#1.text#}}",
    "={{ $json.a }}",
    [],
    {},
    [[]],
    "\ud83d",
    "9" * 5000,
    10**400,
    -(10**30),
    1e308,
    "{{answer: a}}",
    {"\ud83d": {"": []}},
)
BATCH = 30
CHARACTERS = "{}[]\"':,#<>&|\\\n\t-0x\u00e9"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, child in inside for each in places(child, (*path, key)))]


def mutated_tree(document: Any, draw: random.Random) -> Any:
    """The document with one to three values taken out, replaced, doubled, or exchanged for another part of it."""
    result = copy.deepcopy(document)
    for _ in range(draw.randint(1, 3)):
        every = places(result)
        path = draw.choice(every[1:] or [()])
        if not path:
            return copy.deepcopy(draw.choice(OTHERS))
        parent = result
        for key in path[:-1]:
            parent = parent[key]
        kind = draw.randrange(5)
        if kind == 0:
            del parent[path[-1]]
        elif kind == 1:
            parent[path[-1]] = copy.deepcopy(draw.choice(OTHERS))
        elif kind == 2 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[path[-1]]))
        elif kind == 3 and isinstance(parent, dict):
            parent[draw.choice(("id", "name", "type", "data", "odd key"))] = parent.pop(path[-1])
        else:
            other = result
            for key in draw.choice(every):
                other = other[key]
            parent[path[-1]] = copy.deepcopy(other)
    return result


def mutated_text(text: str, draw: random.Random) -> str:
    """The text, cut off, or with some characters taken out, put in or exchanged."""
    if draw.random() < 0.2:
        return text[: draw.randrange(len(text))]
    letters = list(text)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(letters))
        letters[at : at + draw.randrange(3)] = draw.choice(CHARACTERS)
    return "".join(letters)


def import_all(path: Path, texts: list[str]) -> tuple[int, int]:
    """The numbers of graphs and of refusals; every refusal is one sentence."""
    graphs = refusals = 0
    options = ImportOptions(flow=FlowOptions(inputs={"question": "x"}, unroll=2))
    for text in texts:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        for found in import_graphs(path, options):
            reason = getattr(found, "reason", None)
            graphs += reason is None
            refusals += reason is not None
            assert reason is None or (reason.strip() and "\n" not in reason), reason
    return graphs, refusals


@pytest.mark.parametrize("name", JSON_DOCUMENTS)
def test_mutants_of_json_and_yaml(name: str, tmp_path: Path) -> None:
    draw, document = random.Random(f"mutants|{name}"), JSON_DOCUMENTS[name]
    trees = [mutated_tree(document, draw) for _ in range(MUTANTS // 2)]
    is_yaml = name in ("dify", "crewai")
    if is_yaml:
        whole = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        texts = [json.dumps(tree) for tree in trees]  # YAML, too
    else:
        whole = json.dumps(document, indent=1)
        texts = [json.dumps(tree) for tree in trees]
    texts += [mutated_text(whole, draw) for _ in range(MUTANTS // 2)]
    graphs, refusals = import_all(tmp_path / ("x.yml" if is_yaml else "x.json"), texts)
    assert graphs > 0
    assert refusals > 0
    assert graphs + refusals == MUTANTS


@pytest.mark.parametrize(("name", "text"), [("x.dot", DOT), ("x.graphml", GRAPHML)])
def test_mutants_of_text(name: str, text: str, tmp_path: Path) -> None:
    if name == "x.graphml":
        pytest.importorskip("networkx")
    draw = random.Random(f"mutants|{name}")
    graphs, refusals = import_all(tmp_path / name, [mutated_text(text, draw) for _ in range(MUTANTS)])
    assert graphs > 0
    assert refusals > 0
    assert graphs + refusals == MUTANTS


@pytest.mark.parametrize("name", [*BATCH_DOCUMENTS, *JSON_DOCUMENTS])
def test_a_batch_of_mutants_imports_the_others_and_can_be_shown(name: str, tmp_path: Path) -> None:
    draw, documents = random.Random(f"batch|{name}"), BATCH_DOCUMENTS | JSON_DOCUMENTS
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(BATCH):
        (folder / f"m{number:03}.json").write_text(json.dumps(mutated_tree(documents[name], draw)))
    (folder / "good.json").write_text(json.dumps(BATCH_DOCUMENTS["dagbench"] | {"name": "good"}))
    summary = import_files([folder], tmp_path / "out")
    assert "good" in {each.graph for each in summary.imported}
    named = {each.source.partition(" (")[0] for each in (*summary.imported, *summary.refused)}
    assert {path.name for path in folder.iterdir()} == {Path(each.partition("[")[0]).name for each in named}
    assert all(each.reason.strip() and "\n" not in each.reason for each in summary.refused)
    assert summary.text().encode("utf-8", "backslashreplace")


def test_equal_names_without_ids_are_refused(tmp_path: Path) -> None:
    document = copy.deepcopy(BATCH_DOCUMENTS["wfformat 1.4"])
    document["workflow"]["tasks"] = [{"name": "a", "id": each, "parents": [], "children": []} for each in ("", "2")]
    (tmp_path / "x.json").write_text(json.dumps(document))
    (found,) = import_graphs(tmp_path / "x.json")
    assert found.reason == "'workflow': several tasks have the name 'a', and no 'id' each to tell them apart"


def test_each_graph_of_a_summary_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(BATCH_DOCUMENTS["dagbench"] | {"name": "a\nb"}))
    (tmp_path / "b.json").write_text(json.dumps(BATCH_DOCUMENTS["wfformat 1.4"] | {"schemaVersion": "1\r\n9"}))
    summary = import_files([tmp_path], tmp_path / "out")
    assert len(summary.text().splitlines()) == 3
    assert summary.refused[0].reason.startswith(r"is WfFormat 1\u000d 9, but only")


def test_a_name_that_no_terminal_can_show_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.json").write_text(json.dumps(BATCH_DOCUMENTS["dagbench"] | {"name": "\ud83d"}))
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert main(["import", str(tmp_path / "x.json"), "--out", str(tmp_path / "out")]) == 1
    assert b"half a surrogate pair" in shown.getvalue()
    assert b"(\\ud83d)" in shown.getvalue()
