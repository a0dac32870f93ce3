"""Formulas: what they may say, what they are worth, and that nothing else gets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.derived_expectation import derived
from pytest_swarm.domain.expectation import CodeCase, Exact, JsonFields, Keywords, Number, PythonCode, Regex, YesNo
from pytest_swarm.domain.formula import UnusableError, check_formula, evaluate
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError, SwarmError

VALUES = {"s0": {"net": 100, "city": "Oslo"}, "s1": 7, "s2": True, "s3": "2026-02-21"}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("s1 * 2 - 4 / 2", 12),
        ("0.1 + 0.2", 0.3),
        ("floor((0.1 + 0.7) * 10)", 8),
        ("round(s0.net * 1.195, 1)", 119.5),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("7 // 2 + 7 % 2 - -1", 5),
        ("s1 > 5 and not s0.net == 3", True),
        ("s1 if s2 else 0", 7),
        ("sum(s0.net, s1, 3) + max([1, 9]) + min(4, 2)", 121),
        ("upper(s0.city) + '!' + text(s1) + text(2.0)", "OSLO!72"),
        ("reverse('abc')", "cba"),
        ("weekday(s3)", "Saturday"),
        ("add_days(s3, s1)", "2026-02-28"),
        ("days(s3, '2026-03-01')", 8),
        ("letters('a1 b') + digits('19x') + len('four')", 16),
        ("[text(s1), s0.city]", ["7", "Oslo"]),
        ("{'total': s0.net + s1}", {"total": 107}),
        ("floor(7.9) + abs(-1)", 8),
    ],
)
def test_what_a_formula_is_worth(formula, value):
    check_formula(formula)
    assert evaluate(formula, VALUES) == value


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os')",
        "s0.__class__()",
        "(lambda: 1)()",
        "[x for x in s0]",
        "s0['net']",
        "2 ** 9",
        "1 < 2 < 3",
        "f'{s0}'",
        "b'x'",
        "...",
        "len(x=1)",
        "s1 = 2",
        "",
        "(" * 500,
        "-" * 1900 + "1",
        "1 + " * 600 + "1",
        "\x00",
    ],
)
def test_anything_else_is_no_formula(formula):
    with pytest.raises(GraphError, match="formula"):
        check_formula(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "s9 + 1",
        "s0.gross",
        "s1.net",
        "s0 + 1",
        "s1 / 0",
        "s2 + 1",
        "s0.city - 1",
        "weekday('soon')",
        "1e15 * 10",
        "add_days(s3, 999999999)",
        "max([])",
        "round()",
        "round(s1, 1e14)",
        "s0 < 1",
        "len(5)",
        "s0.__class__",
    ],
)
def test_inputs_that_do_not_fit_make_it_unusable(formula):
    check_formula(formula)
    with pytest.raises(UnusableError, match="has no value"):
        evaluate(formula, VALUES)


@given(st.text("s01.+-*/%()[]{}'\",: <>=andifelsort_", max_size=40))
def test_any_text_is_refused_or_worth_something_or_unusable(text):
    try:
        check_formula(text)
        evaluate(text, VALUES)
    except (SwarmError, UnusableError):
        return


@pytest.mark.parametrize(
    ("expected", "value", "right"),
    [
        (Number(value=1, tolerance=0.5), 4, Number(value=4, tolerance=0.5)),
        (YesNo(value=True), False, YesNo(value=False)),
        (JsonFields(fields={"a": 1}), {"a": 2, "b": "x"}, JsonFields(fields={"a": 2, "b": "x"})),
        (Keywords(words=("x",)), ["7", "y"], Keywords(words=("7", "y"))),
        (Exact(text="a"), "b", Exact(text="b")),
        (
            PythonCode(entry_point="f"),
            [{"args": [1, [2]], "returns": "x"}],
            PythonCode(entry_point="f", cases=(CodeCase(args=(1, [2]), returns="x"),)),
        ),
    ],
)
def test_a_value_makes_an_expectation_of_the_same_kind(expected, value, right):
    assert derived(expected, value) == right


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (Number(value=1), True),
        (Number(value=1), "1"),
        (YesNo(value=True), 1),
        (JsonFields(fields={"a": 1}), {}),
        (JsonFields(fields={"a": 1}), {"a": [1]}),
        (Keywords(words=("x",)), []),
        (Exact(text="a"), 3),
        (PythonCode(entry_point="f"), []),
        (PythonCode(entry_point="f"), [{"args": 1, "returns": 2}]),
        (PythonCode(entry_point="f"), [{"args": [1], "returns": 2, "more": 3}]),
        (Regex(pattern="a"), "a"),
    ],
)
def test_a_value_of_another_kind_does_not(expected, value):
    with pytest.raises(UnusableError):
        derived(expected, value)


def task(name: str, **changes) -> Task:
    return Task(id=name, type=TaskType.MATH, prompt=name, estimated_tokens=1, **changes)


@pytest.mark.parametrize(
    ("derive", "sentence"),
    [
        ("s9 + 1", "task 'b' derives its answer from 's9', which is not its parent"),
        ("b + 1", "task 'b' derives its answer from 'b', which is not its parent"),
    ],
)
def test_a_formula_may_use_parents_only(derive, sentence):
    with pytest.raises(GraphError, match=sentence):
        TaskGraph(name="g", tasks=(task("a"), task("b", expected=Number(value=1), derive=derive)), edges=(("a", "b"),))


def test_only_some_expectations_can_be_derived():
    with pytest.raises(GraphError, match="only an expectation of json, number, yes_no, keywords, exact, code"):
        task("b", expected=Regex(pattern="f"), derive="1")
    with pytest.raises(GraphError, match="task 'b': formula 'import os' does not parse"):
        task("b", expected=Number(value=1), derive="import os")


def test_a_task_can_say_that_its_inputs_do_not_matter():
    free = task("b", expected=Regex(pattern="f"), derive="expected")
    graph = TaskGraph(name="g", tasks=(task("a"), free), edges=(("a", "b"),))
    assert graph.task("b").derive == "expected"
    for formula in ("expected", "a + 1"):
        with pytest.raises(GraphError, match=r"task 'b': has derive, and no expected: .* Give both, or neither$"):
            task("b", derive=formula)


def test_without_edges_nothing_is_derived_any_more():
    graph = TaskGraph(
        name="g", tasks=(task("a"), task("b", expected=Number(value=1), derive="a + 1")), edges=(("a", "b"),)
    )
    assert graph.flattened().task("b").derive is None
