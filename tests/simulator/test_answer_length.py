"""The length of composed answers, and the tokens of those that a server stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_swarm.domain.text_tokens import text_tokens
from pytest_swarm.simulator.models.answer_length import stopped_tokens, with_tokens

FILLING = "It depends on 12 details, (which) the question leaves open. "


@pytest.mark.parametrize("count", [len, text_tokens], ids=["characters", "estimate"])
@pytest.mark.parametrize("tokens", [1, 5, 23, 80])
def test_a_text_is_cut_or_filled_to_its_tokens(count: Callable[[str], float], tokens: int) -> None:
    fitted = with_tokens("The answer is 48.", tokens, filling=FILLING, count=count)
    assert tokens <= count(fitted) <= tokens + 3
    assert "The answer is 48.".startswith(fitted) or fitted.endswith("\nThe answer is 48.")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ab" + "<b>" * 31, 33),
        ("1." + "0" * 31, 33),
        ("{" + "\n " * 20, 32),
        ("", 0),
        ("no repeats", 10),
    ],
)
def test_a_stopped_text_ends_in_31_equal_pieces(text: str, tokens: int) -> None:
    assert stopped_tokens(text, len) == tokens
