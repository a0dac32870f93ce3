"""A pure function of an expectation and an answer is called once for a short answer."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields
from pytest_swarm.scoring.kept_answers import once


@pytest.mark.parametrize(
    ("second", "answer", "calls"),
    [
        (JsonFields(fields={"n": 1}), "short", 1),
        (JsonFields(fields={"n": True}), "short", 2),
        (Exact(text="short"), "short", 2),
        (None, "short", 2),
        (JsonFields(fields={"n": 1}), "x" * 2_001, 2),
    ],
)
def test_equal_short_answers_are_one_call(second: Expectation | None, answer: str, calls: int) -> None:
    seen: list[tuple[Expectation | None, str]] = []

    @once(kept=8)
    def number_of_calls(expected: Expectation | None, answer: str) -> int:
        seen.append((expected, answer))
        return len(seen)

    first = JsonFields(fields={"n": 1})
    assert [number_of_calls(first, answer), number_of_calls(second, answer)] == [1, calls]
    assert seen == [(first, answer), (second, answer)][:calls]
