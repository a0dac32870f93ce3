"""A formula that contradicts what its task expects is refused where a person writes both."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm import Exact, JsonFields, Keywords, Letter, Number, Regex, Task, TaskGraph, YesNo, join
from pytest_swarm.domain import graph_fault as module
from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.formula import evaluate
from pytest_swarm.domain.graph_fault import graph_fault
from pytest_swarm.errors import GraphError
from pytest_swarm.graph_codec import decode_graph_object, encode_graph_object
from pytest_swarm.workloads.graph_files import load_graph, save_graph

ORDER = JsonFields(fields={"pieces": 12, "price": 35, "city": "Antwerp", "note": None})

RIGHT: list[tuple[Expectation, str]] = [
    (Number(value=420), "order.pieces * order.price"),
    (Number(value=3.33, tolerance=0.01), "rate / 3"),
    (JsonFields(fields={"total": 420, "city": "antwerp"}), "{'total': order.pieces * order.price}"),
    (YesNo(value=True), "open and order.pieces > rate"),
    (Exact(text="ANTWERP B"), "order.city + ' ' + choice"),
    (Letter(value="B"), "choice"),
    (Keywords(words=("420", "Antwerp")), "[text(order.pieces * order.price)]"),
    (Number(value=7), "free + 1"),  # nobody knows the right answer to `free`
    (Number(value=7), "expected"),
]
WRONG: list[tuple[Expectation, str, str]] = [
    (Number(value=420), "order.pieces + order.price", "gives 47, which is not what is expected"),
    (Number(value=420), "order.pices * 35", "has no value for its inputs: 'pices'"),
    (Number(value=420), "rate / 0", "has no value for its inputs: "),
    (Number(value=420), "order.city", "'Antwerp' is not an expected value of kind number"),
    (JsonFields(fields={"total": 420}), "{'total': 421}", "gives {'total': 421}"),
    (JsonFields(fields={"total": 420}), "{'sum': 420}", "gives {'sum': 420}"),
    (YesNo(value=True), "not open", "gives False"),
    (Exact(text="Antwerp"), "reverse(order.city)", "gives 'prewtnA'"),
    (Letter(value="A"), "choice", "gives 'B'"),
    (Keywords(words=("421",)), "[text(order.pieces * order.price)]", "gives ['420']"),
]


def task(name: str, expected: Expectation, derive: str | None = None) -> Task:
    return Task(id=name, type="math", prompt=name, estimated_tokens=10, expected=expected, derive=derive)


def graph_of(expected: Expectation, derive: str) -> TaskGraph:
    parents = [
        task("order", ORDER),
        task("rate", Number(value=10)),
        task("open", YesNo(value=True)),
        task("choice", Letter(value="B")),
        task("free", Regex(pattern=r"\d-\d")),
    ]
    return join("g", parents, task("end", expected, derive))


@pytest.mark.parametrize(("expected", "derive"), RIGHT)
def test_a_formula_that_gives_what_is_expected_is_accepted(expected: Expectation, derive: str) -> None:
    assert graph_fault(graph_of(expected, derive)) is None


@pytest.mark.parametrize(("expected", "derive", "sentence"), WRONG)
def test_a_wrong_formula_is_one_sentence_that_names_the_task(expected: Expectation, derive: str, sentence: str) -> None:
    said = graph_fault(graph_of(expected, derive))
    assert said is not None
    assert said.startswith("graph 'g': task 'end': for the right answers of its parents, ")
    assert sentence in said
    assert "\n" not in said


def test_a_graph_file_is_refused_and_a_recorded_graph_is_read(tmp_path: Path) -> None:
    graph = graph_of(Number(value=420), "order.pieces + order.price")
    save_graph(graph, tmp_path / "g.toml")
    with pytest.raises(GraphError, match="task 'end': for the right answers"):
        load_graph(tmp_path / "g.toml")
    assert decode_graph_object(encode_graph_object(graph), where="events", error=GraphError) == graph


def test_a_graph_in_python_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_swarm import Number, Task, chain

        def test_wrong(swarm_run):
            first = Task(id="a", type="math", prompt="1 + 1", estimated_tokens=9, expected=Number(value=2))
            swarm_run(chain("g", first, Task(id="b", type="math", prompt="Twice a", estimated_tokens=9,
                                             expected=Number(value=4), derive="a * a * a")))
        """
    )
    result = pytester.runpytest_inprocess("--swarm-backend=sim", "--swarm-vram=8GB")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*task 'b': for the right answers of its parents, formula 'a [*] a [*] a' gives 8*"])


def test_equal_graphs_are_judged_once_and_graphs_that_only_look_alike_each(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    monkeypatch.setattr(module, "evaluate", lambda formula, known: judged.append(formula) or evaluate(formula, known))
    formulas = ("order.price + 2 + rate", "order.price + 2 + rate", "order.price + 3 + rate")
    assert [graph_fault(graph_of(Number(value=47), each)) is None for each in formulas] == [True, True, False]
    assert judged == [formulas[0], formulas[2]]
