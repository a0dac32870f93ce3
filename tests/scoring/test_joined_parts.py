"""Texts joined of the parts that the rules look for, in any order: each is scored, and none ends in an error."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Letter, Number, PythonCode, TokenF1, YesNo
from pytest_swarm.scoring.guess_expectation import guess_expectation
from pytest_swarm.scoring.scorers import score_text
from tests.tries import tries

PARTS = (
    *(
        "He has apples",
        "The answer is",
        "It is",
        "not",
        "more than",
        "between",
        "Wait, no",
        "So",
        "which is",
        "because",
    ),
    *("(5 of them).", "(12)", "5", "**7**", "25 %", "3/0", "3:15", "1 h 30 min", "5 km", "(3.1 miles)", "= 12", "$3k"),
    *(
        "A",
        "(B)",
        "C.",
        "or",
        "and",
        ",",
        "yes",
        "No.",
        "true",
        "?",
        "It depends.",
        "wrong",
        "\u2705",
        "twelve",
    ),
    *(
        "\n",
        "\n\n",
        "```",
        "\\boxed{",
        "}",
        '{"answer": 5}',
        "<answer>",
        "Paris",
        "Lyon",
        ":",
        "- ",
        "Note:",
        "def f():",
    ),
)
EXPECTED: tuple[Expectation, ...] = (
    *(Number(value=5), YesNo(value=True), Letter(value="B", choices=4), Exact(text="Paris"), Exact(text="5, 7")),
    *(JsonFields(fields={"answer": 5}), TokenF1(answers=("Paris",)), PythonCode(entry_point="f")),
)


@settings(max_examples=tries(2000))
@given(st.lists(st.sampled_from(PARTS), max_size=10).map(" ".join))
@example("He has apples (5 of them).")
@example("3/0")
@example('{"score": NaN, "total": 1e999}')
def test_every_text_is_scored_and_guessed_from_without_an_error(text: str) -> None:
    for expected in EXPECTED:
        score_text(expected, text)
    guess_expectation(text)
