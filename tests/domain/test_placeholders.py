"""Placeholders: what is filled in, what stays, how it is read back, and which graphs may have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import AnswerReference, fill, placeholder, read_filled, references
from pytest_swarm.domain.prompt import given_answers, parent_outputs, task_messages
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError


def task(name: str, prompt: str = "Say something.", system: str | None = None) -> Task:
    return Task(id=name, type=TaskType.REASONING, prompt=prompt, estimated_tokens=10, system=system)


def test_a_placeholder_is_found_with_its_path() -> None:
    text = f"a {placeholder('Check it')} b {placeholder('x', ('out', '0'))} c {placeholder('Check it')}"
    assert references(text) == (AnswerReference(task="Check it"), AnswerReference(task="x", path=("out", "0")))
    assert references("{{ $json.x }} {{#1.text#}} {{answer:x}} {answer: x}") == ()


@pytest.mark.parametrize(
    ("path", "answer", "filled"),
    [
        ((), '{"a": 1}', '{"a": 1}'),
        (("a",), '{"a": 1}', "1"),
        (("a",), '```json\n{"a": "yes"}\n```', "yes"),
        (("a", "1", "b"), '{"a": [0, {"b": null}]}', "null"),
        (("b",), '{"a": 1}', '{"a": 1}'),
        (("a",), "prose", "prose"),
        (("3",), "[1]", "[1]"),
    ],
)
def test_a_field_is_taken_from_json_and_anything_else_is_filled_in_whole(path, answer, filled) -> None:
    assert fill(f"<{placeholder('t', path)}>", {"t": answer}) == f"<{filled}>"
    assert fill(placeholder("t", path), {}) == placeholder("t", path)


@given(first=st.text(), second=st.text())
def test_what_was_filled_in_is_read_back(first: str, second: str) -> None:
    template = f"One: {placeholder('a')}\n#####\nTwo: {placeholder('b')} end"
    filled = fill(template, {"a": first, "b": second})
    read = read_filled(template, filled)
    assert read is not None
    assert fill(template, read) == filled
    if "\n#####\nTwo: " not in first:
        assert read == {"a": first, "b": second}
    assert read_filled(template, filled + "!") is None
    assert read_filled(template, "") is None


def test_filled_in_answers_are_not_handed_on_a_second_time() -> None:
    asked = task("c", f"Improve {placeholder('a')}", system=f"You follow {placeholder('b')}.")
    answers = {"a": "AAA", "b": "BBB", "other": "OOO"}
    messages = task_messages(asked, answers)
    assert [each["role"] for each in messages] == ["system", "system", "user"]
    assert messages[0]["content"] == "You follow BBB."
    assert parent_outputs(messages) == {"other": "OOO"}
    assert messages[-1]["content"] == "Improve AAA"
    assert given_answers(asked, messages) == answers
    assert given_answers(task("d", "Improve it"), messages) is None
    assert given_answers(task("c", f"Improve {placeholder('a')}"), messages) is None


def test_a_placeholder_must_refer_to_a_task_before_its_own() -> None:
    tasks = (task("a"), task("b"), task("c", placeholder("a")))
    graph = TaskGraph(name="g", tasks=tasks, edges=(("a", "b"), ("b", "c")))
    assert graph.inputs("c") == ("b", "a")
    assert graph.with_context("none").inputs("c") == ()
    assert graph.flattened().context == "none"
    for other in ("c", "z"):
        with pytest.raises(GraphError, match=rf"task 'c' refers to the answer of '{other}', which is no task"):
            TaskGraph(name="g", tasks=(*tasks[:2], task("c", placeholder(other))), edges=(("a", "c"),))
