"""Custom scorers of a case that is played more than once."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Custom
from pytest_swarm.domain.task import Task
from pytest_swarm.execution.scored_once import scored_once, with_custom_scorers
from pytest_swarm.scoring.scorers import score_text
from tests.execution.lab import case, graph


def test_each_text_is_given_to_a_scorer_once_and_one_that_raises_is_asked_again() -> None:
    seen: list[str] = []

    def scorer(text: str) -> float | None:
        seen.append(text)
        if text == "bad":
            raise ValueError(text)
        return None if text == "none" else 0.5

    once = scored_once(scorer)
    assert [once(text) for text in ("a", "none", "a", "none")] == [0.5, None, 0.5, None]
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            once("bad")
    assert seen == ["a", "none", "bad", "bad"]


def test_other_scorers_and_the_identity_of_the_case_stay() -> None:
    own = Task(id="own", type="math", prompt="?", estimated_tokens=9, expected=Custom(name="c", function=lambda _: 1.0))
    plain = case(graph(ids="a"), "lp")
    custom = case(type(plain.graph)(name="job", tasks=(own, plain.graph.task("a"))), "lp")
    changed = with_custom_scorers(custom, lambda _: lambda _: 0.25)
    assert changed.digest == custom.digest
    assert score_text(changed.graph.task("own").expected, "x").value == 0.25
    assert changed.graph.task("a") == plain.graph.task("a")
