"""`new NAME --from FILE`: a benchmark of somebody's own prompts, with scorers guessed from what is expected."""

from __future__ import annotations

import csv
import json
import keyword
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.cli import main
from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Keywords, Letter, Number, TokenF1, YesNo
from pytest_swarm.errors import GraphError, SwarmError
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.new_benchmark import new_benchmark
from pytest_swarm.workloads.prompt_benchmark import new_prompt_benchmark

LONG = "The committee postponed its decision until the members had read the whole report."


def json_lines(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def guessed(folder: Path, *expected: object) -> list[Expectation | None]:
    source = json_lines(folder, *({"prompt": f"Question {n}?", "expected": each} for n, each in enumerate(expected)))
    return [task.expected for task in new_prompt_benchmark("mine", source, folder=folder).tasks]


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        ("42", Number(value=42)),
        ("-3.50", Number(value=-3.5)),
        (".5", Number(value=0.5)),
        ("1,250,000", Number(value=1_250_000)),
        ("1e5", Number(value=100_000)),
        (7, Number(value=7)),
        ("0", Number(value=0)),
        ("09000", Exact(text="09000")),
        ("1,25", Exact(text="1,25")),
        ("e5", Exact(text="e5")),
        ("2026-02-21", Exact(text="2026-02-21")),
        ("4929123412341234", Exact(text="4929123412341234")),
        ("nan", Exact(text="nan")),
        ("1e400", Exact(text="1e400")),
        ("Yes", YesNo(value=True)),
        ("no.", YesNo(value=False)),
        ("FALSE", YesNo(value=False)),
        (True, YesNo(value=True)),
        ("B", Letter(value="B", choices=4)),
        ("(F)", Letter(value="F", choices=6)),
        ('{"a": 1, "b": null}', JsonFields(fields={"a": 1, "b": None})),
        ({"a": "x"}, JsonFields(fields={"a": "x"})),
        ({"kind": "number", "value": 3, "tolerance": 0.5}, Number(value=3, tolerance=0.5)),
        (["fib", "sum"], Keywords(words=("fib", "sum"))),
        ('["fib", "sum"]', Keywords(words=("fib", "sum"))),
        ("[1, 2]", Exact(text="[1, 2]")),
        ("Brussels", Exact(text="Brussels")),
        ("{not json", Exact(text="{not json")),
        (LONG, TokenF1(answers=(LONG,))),
        ("  ", None),
        (None, None),
    ],
)
def test_the_scorer_follows_from_the_shape(tmp_path: Path, expected: object, kind: Expectation | None) -> None:
    assert guessed(tmp_path, expected) == [kind]


def test_letters_are_letters_only_where_the_whole_column_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert guessed(tmp_path / "a", "A", "E", "B") == [Letter(value=each, choices=5) for each in "AEB"]
    (tmp_path / "b").mkdir()
    assert guessed(tmp_path / "b", "I", "you") == [Exact(text="I"), Exact(text="you")]


def test_a_csv_is_read_as_well_and_the_guesses_are_shown(tmp_path: Path) -> None:
    source = tmp_path / "p.csv"
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Prompt", "type", " Expected", "author"])
        writer.writerow(["What is\n6 x 7?", "", "42", "me"])
        writer.writerow(["A poem, please", "creative", "", "me"])
    found = new_prompt_benchmark("mine", source, folder=tmp_path)
    assert [(task.type, task.expected) for task in found.tasks] == [
        ("math", Number(value=42)),
        ("creative", None),
    ]
    said = found.text()
    assert "scored as: 1 number, 1 unscored" in said
    assert 'p1 (line 2): number {"value": 42.0' in said
    assert "p2 (line 4): unscored" in said
    assert "not used: column author" in said
    assert load_graph(found.graph).tasks == found.tasks


def test_the_benchmark_runs_from_an_empty_folder(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    json_lines(
        pytester.path,
        {"prompt": "What is 6 x 7?", "expected": 42},
        {"prompt": 'He said "{x}" \\ and left.\nWho?', "expected": "the man"},
        {"prompt": "Is 7 prime?", "type": "reasoning", "expected": "yes"},
    )
    assert main(["new", "mine", "--from", "prompts.jsonl"]) == 0
    assert "scored as: 1 number, 1 exact, 1 yes_no" in capsys.readouterr().out
    pytester.runpytest("--swarm-backend=sim", "--swarm-report=json:report.json").assert_outcomes(passed=9)
    report: dict[str, Any] = json.loads((pytester.path / "report.json").read_text())
    assert {each["job"] for each in report["cases"]} == {"mine-p1", "mine-p2", "mine-p3"}
    assert set(report["modes"]) == {"milp", "greedy", "llm"}
    assert all(each["score"] is not None for each in report["cases"])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"question": "a"}], "line 1: has no 'prompt'; its columns are question"),
        ([{"prompt": "a"}, {"prompt": "a"}], "line 2: has the same prompt as line 1; remove one"),
        ([{"prompt": "a", "type": "*"}], "line 1: '*' is no task type; write a word"),
        ([{"prompt": "a", "expected": {"b": {"c": 1}}}], "line 1, 'expected': field 'b' is nested"),
        ([{"prompt": "a", "expected": {}}], "line 1, 'expected': the JSON object is empty"),
        ([{"prompt": "a", "expected": [1]}], "line 1, 'expected': a list must hold texts"),
        ([{"prompt": "a", "expected": {"kind": "guess"}}], "line 1, 'expected': unknown expectation 'guess'"),
        ([{"prompt": ["a"]}], "line 1: column 'prompt' holds ['a'], but must hold text"),
        ([], "has no rows"),
    ],
)
def test_a_row_that_is_no_prompt_is_refused(tmp_path: Path, rows: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(SwarmError) as caught:
        new_prompt_benchmark("mine", json_lines(tmp_path, *rows), folder=tmp_path)
    assert sentence in str(caught.value)
    assert list(tmp_path.glob("*.toml")) == []


@pytest.mark.parametrize("name", sorted(word for word in keyword.kwlist if word.islower()))
def test_a_keyword_is_refused_in_a_sentence(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = json_lines(tmp_path, {"prompt": "a"})
    for extra in ([], ["--from", str(source)]):
        assert main(["new", name, "--folder", str(tmp_path), *extra]) == 1
        assert f"error: benchmark {name!r}: is a keyword of Python" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("name", ["pytest", "load_graph", "request", "swarm_run", "swarm_fleet"])
def test_a_name_that_the_test_uses_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(GraphError, match="is a name that the test itself uses"):
        new_benchmark(name, tmp_path)


def test_soft_keywords_are_names(tmp_path: Path) -> None:
    for name in ("match", "case", "type"):
        written: dict[str, Any] = {"__file__": str(tmp_path / "test.py")}
        exec(compile(new_benchmark(name, tmp_path)[0].read_text(), name, "exec"), written)  # our own template
        assert callable(written[f"test_{name}"])
