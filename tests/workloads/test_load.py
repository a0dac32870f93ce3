"""Graph files: every graph survives them, every malformed one is refused in one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Exact, JsonFields
from pytest_swarm.domain.graph import TaskGraph, encode_graph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError, SwarmError
from pytest_swarm.workloads.graph_files import load_graph, save_graph
from tests.tries import tries
from tests.workloads.graphs import graphs

TASK = 'id = "s0"\ntype = "math"\nprompt = "1 + 1"\nestimated_tokens = 9\n'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(graph=graphs(), suffix=st.sampled_from([".toml", ".json"]))
def test_any_graph_survives_saving_and_loading(graph, suffix, tmp_path):
    path = tmp_path / f"graph{suffix}"
    save_graph(graph, path)
    loaded = load_graph(path)
    assert loaded == graph
    assert loaded.digest == graph.digest
    assert loaded.edges == graph.edges


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('name = "g"\ntasks = []', "graph 'g' is empty: it has no tasks"),
        ('name = "g"', "graph 'g' is empty: it has no tasks"),
        (f"[[tasks]]\n{TASK}", "'name' is missing"),
        (
            f'name = "g"\n[[tasks]]\n{TASK}after = ["s9"]',
            "graph 'g': dangling edge s9 -> s0: there is no task 's9'; name one",
        ),
        (f'name = "g"\n[[tasks]]\n{TASK}[[tasks]]\n{TASK}', "graph 'g': duplicate id: task 's0' appears twice"),
        (f'name = "g"\n[[tasks]]\n{TASK}after = ["s0"]', "graph 'g' has a cycle: s0 -> s0; a workflow must not wait"),
        (
            f'name = "g"\n[[tasks]]\n{TASK.replace("math", "*")}',
            "task 's0': '*' is no task type; write a word of 1 to 60 characters, such as code or math",
        ),
        (
            f'name = "g"\n[[tasks]]\n{TASK}dificulty = 2',
            "tasks[0] ('s0'): unknown key 'dificulty'; did you mean 'difficulty'? Known keys: id, type",
        ),
        (f'name = "g"\n[[tasks]]\n{TASK}difficulty = 9', "task 's0': difficulty is 9, but must be from 1 to 5"),
        (f'name = "g"\n[[tasks]]\n{TASK}difficulty = nan', "nan is not a finite number"),
        (f'name = "g"\n[[tasks]]\n{TASK.replace("9", "0")}', "'estimated_tokens' is 0, but must be at least 1"),
        (f'name = "g"\n[[tasks]]\n{TASK.replace("9", "1.5")}', "'estimated_tokens' must be a whole number, not 1.5"),
        (f'name = "g"\n[[tasks]]\n{TASK}expected = {{ kind = "luck" }}', "unknown expectation 'luck'; known are json"),
        (f'name = "g"\n[[tasks]]\n{TASK}expected = {{ kind = "regex", pattern = "(" }}', "does not compile"),
        (f'name = "g"\n[[tasks]]\n{TASK}Derive = "a"', "unknown key 'Derive'; did you mean 'derive'?"),
        (f'name = "g"\n[[tasks]]\n{TASK}expected = "{{no json"', "expected of task 's0': is not valid JSON"),
        (
            f'name = "g"\n[[tasks]]\n{TASK}expected = "42"',
            "tasks[0] ('s0'): 'expected' must be a table, such as { kind = \"number\", value = 42 }, not '42'",
        ),
        (
            f'name = "g"\n[[tasks]]\n{TASK}expected = {{ knd = "exact" }}',
            "'expected': 'kind' is missing; write one of json,",
        ),
        (f'name = "g"\n[[tasks]]\n{TASK}after = ["zero"]', "there is no task 'zero'; name one that there is"),
        (
            f'name = "g"\nname = "h"\n[[tasks]]\n{TASK}',
            "is not valid TOML: Cannot overwrite a value (at line 2, column 11): ",
        ),
        (
            f'name = "g"\n[[tasks]]\n{TASK}expected = {{ kind = "exact", text = 2026-02-21 }}',
            "2026-02-21 is a date or time without quotes; put it in quotes",
        ),
        (
            'name = "g"\nedges = [["a"]]\n[[tasks]]\n' + TASK,
            "an edge must be a pair of task IDs (parent, child), found ['a']",
        ),
        (
            'name = "g"\ncontext = "all"\n[[tasks]]\n' + TASK,
            "context is 'all', but must be one of",
        ),
        ("name = ", "is not valid TOML:"),
        ("x = " + "[" * 5000, "broken.toml: is nested more than 60 levels deep"),
        ("x = " + "{a=" * 70 + "1" + "}" * 70, "is nested more than 60 levels deep"),
    ],
)
def test_a_malformed_file_is_refused_in_one_sentence_that_names_it(text, sentence, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(GraphError) as raised:
        load_graph(path)
    message = str(raised.value)
    assert sentence in message
    assert message.startswith(str(path))
    assert message.count(str(path)) == 1
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.json", b'{"name": NaN}', "is not valid JSON: NaN is not a JSON number"),
        ("a.json", b"[1, 2]", "must be a table, not [1, 2]"),
        ("a.json", b"", "is not valid JSON"),
        ("a.json", b"[" * 100_000, "a.json: is nested more than 60 levels deep"),
        ("a.json", b'{"name": "g", "tasks": 3}', "'tasks' must be a list, not 3"),
        ("a.json", b'{"version": ' + b"9" * 400 + b', "name": "g", "tasks": []}', "'version' must be a number"),
        ("a.json", b'{"version": ' + b"9" * 9000 + b"}", "is not valid JSON"),
        ("a.toml", b"\xff\xfe\x00bin", "is not UTF-8 text (byte 0)"),
        ("a.toml", gzip.compress(b"name", mtime=0), "a.toml: is packed by gzip; save it as plain UTF-8 text"),
        ("a.toml", b"\x00\x01\x02", "is not valid TOML"),
        ("a.yaml", b"name: g", "must end in .toml or .json"),
    ],
)
def test_what_is_no_graph_file_at_all(name, data, sentence, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(GraphError) as raised:
        load_graph(path)
    assert sentence in str(raised.value)


def test_a_missing_file_a_directory_and_an_impossible_name(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    for path, sentence in [
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path / "none", "there is no such file"),
        (tmp_path / "folder.toml", "is a directory"),
        (tmp_path, "is a directory"),
        ("nul\0l.toml", "cannot be read"),
    ]:
        with pytest.raises(GraphError) as raised:
            load_graph(path)
        assert sentence in str(raised.value)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_text(f'name = "g"\n[[tasks]]\n{TASK}', encoding="utf-8-sig")
    assert load_graph(path).name == "g"


def test_a_graph_that_cannot_be_written_is_an_error(tmp_path):
    graph = TaskGraph(
        name="g",
        tasks=(Task(id="a", type=TaskType.MATH, prompt="half \ud800", estimated_tokens=1, expected=Exact(text="x")),),
    )
    for path in (tmp_path / "g.toml", tmp_path / "none" / "g.json", tmp_path / "g.txt"):
        with pytest.raises(GraphError):
            save_graph(graph, path)


def test_null_has_a_way_through_toml(tmp_path):
    expected = JsonFields(fields={"x": None, "y": 1})
    task = Task(id="a", type=TaskType.EXTRACTION, prompt="p", estimated_tokens=1, expected=expected)
    save_graph(TaskGraph(name="g", tasks=(task,)), tmp_path / "g.toml")
    assert load_graph(tmp_path / "g.toml").task("a").expected == expected


def _corrupt(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    cut = draw(st.integers(0, 30))
    return data[:at] + draw(st.binary(max_size=8)) + data[at + cut :]


@st.composite
def corrupted(draw: st.DrawFn) -> tuple[str, bytes]:
    """One of the shipped graphs, as TOML or JSON, with a few bytes replaced; or any bytes."""
    shipped = sorted((Path(__file__).parents[2] / "benchmarks" / "graphs").glob("*.toml"))
    source = draw(st.sampled_from(shipped))
    if draw(st.booleans()):
        return "x.toml", _corrupt(draw, source.read_bytes())
    return "x.json", _corrupt(draw, json.dumps(encode_graph(load_graph(source))).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=tries(300))
@given(file=corrupted() | st.tuples(st.sampled_from(["x.toml", "x.json"]), st.binary(max_size=60)))
def test_whatever_a_file_holds_it_loads_or_is_refused_in_a_sentence(file, tmp_path):
    name, data = file
    path = tmp_path / name
    path.write_bytes(data)
    refusal = refused(path)
    assert refusal is None or refusal.startswith(str(path))


def refused(path: Path) -> str | None:
    """The sentence with which a file is refused, None where it loads."""
    try:
        load_graph(path)
    except SwarmError as error:
        return str(error)
    return None
