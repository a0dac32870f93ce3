"""Expectations and graphs that are written in Python: wrong types are refused where they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_swarm import (
    CodeCase,
    Custom,
    Exact,
    JsonFields,
    Judge,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    RougeL,
    Task,
    TaskGraph,
    TokenF1,
    YesNo,
    chain,
    fork,
    join,
)
from pytest_swarm.domain.expectation_codec import decode_expectation, encode_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields

TASK = Task(id="a", type="math", prompt="1 + 1", estimated_tokens=10)
OTHER = Task(id="b", type="math", prompt="1 + 2", estimated_tokens=10)


def wrong(value: Any) -> Any:
    """Return a value under a type that a type checker lets pass."""
    return value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Keywords(words=wrong("fib")), "keywords: words is 'fib', but must be a list of texts"),
        (lambda: Keywords(words=wrong(["fib", 3])), "keywords: words holds 3, but must be a list of texts"),
        (lambda: TokenF1(answers=wrong("fib")), "token_f1: answers is 'fib', but must be a list of texts"),
        (lambda: YesNo(value=wrong("yes")), "yes_no: value is 'yes', but must be True or False"),
        (lambda: YesNo(value=wrong(1)), "yes_no: value is 1, but must be True or False"),
        (lambda: Number(value=wrong("3")), "number: value is '3', but must be a number"),
        (lambda: Number(value=wrong(True)), "number: value is True, but must be a number"),
        (lambda: Number(value=3, tolerance=wrong("1 %")), "number: tolerance is '1 %', but must be a number"),
        (lambda: Exact(text=wrong(3)), "exact: text is 3, but must be a text"),
        (lambda: Exact(text="a", strict=wrong("no")), "exact: strict is 'no', but must be True or False"),
        (lambda: Letter(value=wrong(2)), "letter: value is 2, but must be a text"),
        (lambda: Regex(pattern=wrong(3)), "regex: pattern is 3, but must be a text"),
        (lambda: Judge(rubric=wrong(["polite"])), "judge: rubric is ['polite'], but must be a text"),
        (lambda: RougeL(reference=wrong(None)), "rouge_l: reference is None, but must be a text"),
        (lambda: Custom(name="c", function=wrong(3)), "custom: function is 3, but must be a function"),
        (lambda: JsonFields(fields=wrong(["net"])), "json: fields is ['net'], but must be a table"),
        (lambda: JsonFields(fields=wrong({1: "net"})), "json: the name of field 1 must be a text"),
        (lambda: JsonFields(fields=wrong({"net": [1]})), "json: field 'net' must be a text, number, true"),
        (lambda: PythonCode(entry_point="f", cases=wrong([{"args": [1]}])), "but must be a list of CodeCase(...)"),
        (lambda: CodeCase(args=wrong(1), returns=2), "code: args is 1, but must be a list of values"),
        (lambda: CodeCase(args=(1,), returns=wrong(object())), "cannot be an argument or result of a case"),
    ],
)
def test_a_wrong_type_is_refused_with_the_field_that_has_it(make: Callable[[], object], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        make()
    assert message in str(caught.value)


def test_lists_do_for_tuples_and_give_the_same_graph() -> None:
    def graph(expected: Any, edges: Any, tasks: Any) -> TaskGraph:
        task = Task(id="c", type="code", prompt="Write f.", estimated_tokens=9, expected=expected)
        return TaskGraph(name="g", tasks=tasks([TASK, task]), edges=edges)

    listed = PythonCode(entry_point="f", cases=wrong([CodeCase(args=wrong([1]), returns=2)]))
    plain = PythonCode(entry_point="f", cases=(CodeCase(args=(1,), returns=2),))
    assert graph(listed, [["a", "c"]], list) == graph(plain, (("a", "c"),), tuple)
    assert Keywords(words=wrong(["a", "b"])) == Keywords(words=("a", "b"))


def test_arguments_and_results_of_a_case_keep_their_python_types_in_a_file() -> None:
    case = CodeCase(args=wrong([(1, 2), b"x", {"k": {3}}]), returns=wrong({4}))
    assert case.args == ({"$tuple": [1, 2]}, {"$bytes": "x"}, {"k": {"$set": [3]}})
    assert case.returns == {"$set": [4]}
    code = PythonCode(entry_point="f", cases=(case,))
    again = decode_expectation(Fields(encode_expectation(code), where="here", error=GraphError))
    assert again == code


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: chain("g", wrong([TASK, OTHER])), "write chain(NAME, TASK, TASK, ...)"),
        (lambda: fork("g", wrong("a"), OTHER), "'a' stands where a task must stand; write fork(NAME, SOURCE"),
        (lambda: fork("g", TASK, wrong([OTHER, 3])), "3 stands where a task must stand"),
        (lambda: join("g", wrong(TASK), OTHER), "the sources of a join must be a list"),
        (lambda: join("g", [TASK], wrong("b")), "'b' stands where a task must stand; write join(NAME"),
        (lambda: TaskGraph(name="g", tasks=wrong(TASK)), "tasks must be a list of tasks"),
        (lambda: TaskGraph(name="g", tasks=wrong(["a"])), "a task must be a Task(...), found 'a'"),
        (lambda: TaskGraph(name="g", tasks=(TASK,), edges=wrong(["ab"])), "an edge must be a pair of task IDs"),
        (lambda: TaskGraph(name="g", tasks=(TASK,), edges=wrong("ab")), "edges must be a list of pairs"),
        (lambda: TaskGraph(name=wrong(3), tasks=(TASK,)), "the name of a task graph is 3, but must be a text"),
    ],
)
def test_a_graph_of_something_else_than_tasks_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        make()
    assert message in str(caught.value)
