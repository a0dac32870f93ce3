"""Reading planner answers: what is kept, what is counted, and that nothing hostile gets through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.plan import PlannerFailure
from pytest_swarm.routing.planner_answer import MAX_ANSWER_CHARS, read_answer
from tests.instances import GEMMA, LLAMA, QWEN, WB1, matrix_view, view_of
from tests.tries import tries

VIEW = view_of(WB1)
RIGHT = {"s0": GEMMA, "s1": GEMMA, "s2": QWEN}


def text(rows: list[tuple[str, str]]) -> str:
    return json.dumps({"assignments": [{"task": task, "model": model} for task, model in rows]})


def kinds(answer: str) -> list[str]:
    return [failure.value for failure in read_answer(answer, VIEW).failures]


@pytest.mark.parametrize(
    "answer",
    [
        text(list(RIGHT.items())),
        f"```json\n{text(list(RIGHT.items()))}\n```",
        f"Sure, this is my plan:\n{text(list(RIGHT.items()))}\nIt fits the budget [8 GB].",
        json.dumps([{"task": task, "model": model, "why": "cheap"} for task, model in RIGHT.items()]),
        json.dumps({"assignments": RIGHT}),
        'The form is {"assignments": [{"task": "<task>", "model": "<model>"}]}, so: ' + text(list(RIGHT.items())),
        text([("s0", LLAMA), ("s1", LLAMA), ("s2", LLAMA)]) + " No, better: " + text(list(RIGHT.items())),
    ],
    ids=["plain", "fenced", "prose", "bare-list", "mapping", "form-repeated", "second-thoughts"],
)
def test_a_complete_answer_is_kept_whatever_stands_around_it(answer: str) -> None:
    read = read_answer(answer, VIEW)
    assert dict(read.choices) == RIGHT
    assert read.failures == ()
    assert read.detail is None


@pytest.mark.parametrize(("wrong", "more"), [(4, ""), (5, ""), (6, "; and 1 more"), (9, "; and 4 more")])
def test_five_faults_of_an_answer_are_told_and_the_others_counted(wrong: int, more: str) -> None:
    view = matrix_view([[0.5] * wrong], vram_gb=[1], budget_gb=8)
    detail = read_answer(text([(task.id, "gpt") for task in view.tasks]), view).detail
    told = [f"model 'gpt' is not on offer for task 't{n}'" for n in range(min(wrong, 5))]
    assert detail == "; ".join(told) + more


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I would use the biggest model for everything.",
        '{"assignments": ',
        '{"assignments": [{"task": "s0", "model": "gemma2:2b"}',
        '{"assignments": "gemma2:2b"}',
        '{"assignments": [["s0", "gemma2:2b"]]}',
        '{"assignments": [{"task": "s0", "model": 7}]}',
        '{"assignments": [{"task": "s0", "task": "s1", "model": "gemma2:2b"}]}',
        '{"assignments": [{"task": "s0", "model": NaN}]}',
        '{"plan": [{"task": "s0", "model": "gemma2:2b"}]}',
        "[]",
        "null",
        "[" * 100_000,
        '{"a":' * 50_000,
        "[" * 20 + "{}," * 60_000 + text(list(RIGHT.items())),  # to read it from every bracket would take seconds
        "9" * 5_000,
        "[" + "9" * 5_000 + "]",
        " " * (MAX_ANSWER_CHARS + 1),
        text(list(RIGHT.items())) + " " * MAX_ANSWER_CHARS,
    ],
    ids=lambda answer: answer[:20] + f"-{len(answer)}",
)
def test_an_answer_without_rows_is_invalid_json_and_nothing_of_it_is_kept(answer: str) -> None:
    read = read_answer(answer, VIEW)
    assert [failure.value for failure in read.failures] == ["invalid_json"]
    assert dict(read.choices) == {}
    assert read.detail


def test_an_unknown_model_costs_its_task_only() -> None:
    read = read_answer(text([("s0", "gpt-oss:120b"), ("s1", GEMMA), ("s2", QWEN)]), VIEW)
    assert [failure.value for failure in read.failures] == ["unknown_model"]
    assert dict(read.choices) == {"s1": GEMMA, "s2": QWEN}
    assert read.detail is not None
    assert "gpt-oss:120b" in read.detail


def test_a_model_that_cannot_take_the_task_is_not_on_offer() -> None:
    view = matrix_view([[0.9, 0.9], [0.3, 0.3]], vram_gb=[1, 1], budget_gb=8, forbidden=[(0, 1)])
    read = read_answer(text([("t0", "m0"), ("t1", "m0")]), view)
    assert [failure.value for failure in read.failures] == ["unknown_model"]
    assert dict(read.choices) == {"t0": "m0"}


def test_an_unknown_task_is_left_out_and_counted_beside_the_missing_one() -> None:
    answer = text([("s0", GEMMA), ("s1", GEMMA), ("s9", QWEN)])
    assert kinds(answer) == ["unknown_task", "missing_task"]
    assert dict(read_answer(answer, VIEW).choices) == {"s0": GEMMA, "s1": GEMMA}


def test_a_repeated_row_counts_once_and_a_contradiction_not_at_all() -> None:
    same = text([*RIGHT.items(), ("s1", GEMMA)])
    other = text([*RIGHT.items(), ("s1", LLAMA)])
    assert kinds(same) == kinds(other) == ["duplicate_task"]
    assert dict(read_answer(same, VIEW).choices) == RIGHT
    assert dict(read_answer(other, VIEW).choices) == {"s0": GEMMA, "s2": QWEN}


def test_a_key_that_stands_twice_in_an_object_is_a_duplicate_task() -> None:
    answer = '{"assignments": {"s0": "gemma2:2b", "s0": "qwen2.5-coder:7b", "s1": "gemma2:2b", "s2": "gemma2:2b"}}'
    assert kinds(answer) == ["duplicate_task"]
    assert dict(read_answer(answer, VIEW).choices) == {"s1": GEMMA, "s2": GEMMA}


def test_every_missing_task_is_counted() -> None:
    assert kinds('{"assignments": []}') == ["missing_task"] * 3


NAMES = st.one_of(st.sampled_from(["s0", "s1", "s2", "S0", "", *VIEW.fleet.tags]), st.text(max_size=8))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=tries(150), deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        JSON.map(json.dumps),
        JSON.map(lambda value: json.dumps({"assignments": value})),
        st.lists(st.tuples(NAMES, NAMES), max_size=6).map(text),
    )
)
def test_whatever_is_read_only_offered_choices_are_kept_and_every_gap_is_counted(answer: str) -> None:
    read = read_answer(answer, VIEW)
    assert set(read.choices) <= {"s0", "s1", "s2"}
    assert set(read.choices.values()) <= set(VIEW.fleet.tags)
    assert (len(read.choices) == 3) or read.failures
    assert (read.detail is None) == (not read.failures)
    assert PlannerFailure.OVER_BUDGET not in read.failures
