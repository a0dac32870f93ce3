"""Expectations that nearly every answer meets, or none, are refused where a person writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm import Exact, Judge, Keywords, Number, PythonCode, Regex, RougeL, Task, TaskGraph, TokenF1
from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.expectation_codec import encode_expectation
from pytest_swarm.domain.graph import encode_graph
from pytest_swarm.domain.graph_fault import graph_fault
from pytest_swarm.errors import GraphError
from pytest_swarm.graph_codec import decode_graph_object, encode_graph_object
from pytest_swarm.workloads.expected_files import ExpectedAnswer, write_expected
from pytest_swarm.workloads.graph_files import load_graph, read_graph, save_graph
from pytest_swarm.workloads.prompt_benchmark import new_prompt_benchmark

VACUOUS: list[tuple[Expectation, str]] = [
    (Exact(text=""), "exact: the text is empty"),
    (Exact(text=" \u200b\n"), "exact: the text is empty"),
    (Keywords(words=("fib", "")), "keywords: an empty word stands in nearly every answer"),
    (Number(value=3, tolerance=1e300), "number: nearly every number is within 1e+300 of 3"),
    (TokenF1(answers=("", " ")), "token_f1: the answers are empty"),
    (RougeL(reference="Ночью шёл снег."), "rouge_l: ROUGE-L compares words of a to z"),
    (Judge(rubric=" "), "judge: the rubric is empty"),
    (PythonCode(entry_point="lambda"), "code: entry point 'lambda' is a keyword of Python"),
    *(
        (Regex(pattern=pattern), "is found in nearly every answer")
        for pattern in ("", ".", "x*", "^", "$", r"\S", "(?s)^.*$", "(yes|no)?")
    ),
    (Regex(pattern="^$"), "is found in an empty answer only"),
    (Regex(pattern=r"\A\s*\Z"), "is found in an empty answer only"),
]
TELLING: list[Expectation] = [
    Exact(text="?"),
    Number(value=8e9, tolerance=1e9),
    Number(value=0, tolerance=1e5),
    TokenF1(answers=("", "the garden")),
    RougeL(reference="42"),
    PythonCode(entry_point="match"),
    *(Regex(pattern=pattern) for pattern in (r"\d*-\d", "^.*$", r"^\d*$", r"\w+", "^(?!.*sorry)", "(?m)^$")),
]


def graph_of(expected: Expectation) -> TaskGraph:
    task = Task(id="s0", type="math", prompt="1 + 1", estimated_tokens=10, expected=expected)
    return TaskGraph(name="g", tasks=(task,))


@pytest.mark.parametrize(("expected", "sentence"), VACUOUS)
def test_a_graph_file_is_refused_in_one_sentence_that_names_the_task(
    expected: Expectation, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "g.toml"
    save_graph(graph_of(expected), path)
    with pytest.raises(GraphError) as raised:
        load_graph(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: graph 'g': task 's0': expected {expected.kind}: ")
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize(("expected", "sentence"), VACUOUS[:1] + VACUOUS[-1:])
def test_so_are_expected_answers_beside_it_and_tables_of_a_row(
    expected: Expectation, sentence: str, tmp_path: Path
) -> None:
    job = tmp_path / "g.toml"
    save_graph(graph_of(Exact(text="2")), job)
    write_expected(job, {"s0": ExpectedAnswer(expected=expected)}, answered="By hand.")
    with pytest.raises(GraphError, match=rf"tasks.*s0.*{sentence.split(':')[0]}"):
        load_graph(job)
    rows = tmp_path / "rows.json"
    rows.write_text(
        f'[{{"prompt": "1 + 1?", "expected": {{"kind": "{expected.kind}", "{next(iter(_fields(expected)))}": ""}}}}]'
    )
    with pytest.raises(GraphError, match=f"expected {expected.kind}: "):
        new_prompt_benchmark("mine", rows, folder=tmp_path)


def _fields(expected: Expectation) -> dict[str, object]:
    return {key: value for key, value in encode_expectation(expected).items() if key != "kind"}


@pytest.mark.parametrize("expected", TELLING)
def test_what_tells_answers_apart_is_accepted(expected: Expectation) -> None:
    graph = graph_of(expected)
    assert graph_fault(graph) is None
    assert read_graph(encode_graph(graph), where="g") == graph


@pytest.mark.parametrize(("expected", "_"), VACUOUS)
def test_a_recorded_graph_is_read_all_the_same(expected: Expectation, _: str) -> None:
    graph = graph_of(expected)
    assert decode_graph_object(encode_graph_object(graph), where="events", error=GraphError) == graph
