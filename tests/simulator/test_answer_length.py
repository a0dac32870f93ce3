"""The length of composed answers, and the tokens of those that a server stopped."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from pytest_swarm.domain.text_tokens import text_tokens
from pytest_swarm.simulator.models.answer_length import drawn_tokens, stopped_tokens, with_tokens

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


@pytest.mark.parametrize(
    ("measured", "own_share"),
    [
        ({"math": (7,) * 5, "code": (80,)}, 0.5),  # five tasks of the type weigh as much as all others
        ({"math": (7,) * 15, "code": (80,), "creative": (80,) * 40}, 0.75),
        ({"math": (7,)}, 1.0),
        ({"code": (80,)}, 0.0),
    ],
)
def test_the_length_of_an_answer_is_one_of_the_types_or_of_another_type(
    measured: dict[str, tuple[int, ...]], own_share: float
) -> None:
    rng = Random(1)
    drawn = [drawn_tokens(measured, "math", rng) for _ in range(2000)]
    assert set(drawn) <= {7, 80}
    assert drawn.count(7) / 2000 == pytest.approx(own_share, abs=0.03)


def test_without_measured_answers_no_length_is_drawn() -> None:
    rng = Random(1)
    assert drawn_tokens({}, "math", rng) is None
    assert rng.random() == Random(1).random()  # so a profile without counts gives the answers that it gave before
