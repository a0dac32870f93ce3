"""Texts that are made to be slow: no scorer's time grows with the square of their length.

The longest text is read to 200,000 characters, which takes under a second of CPU time on two slow cores; where the time
grows with the square, as it does in a pattern that goes back, it takes minutes. The limit lies between, far from both,
so that no slow machine meets it. A plain run takes a 512th of the length, and notices only what is worse.
"""

from __future__ import annotations

import time

import pytest

from pytest_swarm.domain.expectation import Exact, JsonFields, Keywords, Letter, Number, PythonCode, TokenF1, YesNo
from pytest_swarm.scoring.answer_text import MAX_ANSWER_CHARS
from pytest_swarm.scoring.scorers import score_text
from tests.tries import THOROUGH

PIECES = (
    *(
        "9",
        "1,",
        "1.5e3/",
        "-",
        "\\boxed{",
        "answer is ",
        "answer to ",
        "answer: ",
        "1 1/",
        "wait, ",
        "1'000",
        "\\frac{1}{",
        "$",
    ),
    *(
        "a=1 ",
        "1\u2009",
        "10^",
        "<answer>",
        " ",
        "\n",
        "(1",
        "1_",
        "\u00bd",
        "\u2070",
        "answer is 1=",
        "1.234",
        "[1]",
        "minus ",
    ),
    *(
        "A",
        "A ",
        "(A) ",
        "A, ",
        "A or ",
        "not A ",
        "*",
        "*a",
        "**A** ",
        "is the best ",
        "1 h ",
        "no a ",
        "A is, ",
        ", a and ",
        "- a\n",
        "correct option is ",
        "A is not ",
        "_A_",
    ),
    *(
        "\n- ",
        "A\n",
        "A. ",
        "\\text{",
        "> ",
        "neither A, B, ",
        "either ",
        "the ",
        "yes",
        "yes ",
        "no, ",
        "not ",
        "is not true ",
        "so ",
    ),
    *(
        "well, ",
        "no doubt ",
        "neither ",
        "yes or ",
        "; ",
        "'",
        "`",
        "it is ",
        "a\n\n",
        "```\n",
        "```python\n",
        "1. ",
        "a. ",
        "_",
        "{",
    ),
    *(
        '{"a":[',
        '{"a":1}',
        "def f():\n",
        "<think>",
        "</think>",
        "[THINK]",
        "<|channel|>final<|message|>",
        "analysis",
        "\\(",
        "~~~\n",
    ),
    *(
        "**1 ",
        "\n\nQ:",
        "answer is two ",
        "答案是",
        "十",
        "between A and B, ",
        "A: no\n",
        "Would you like ",
        "\n\nNote",
        "Paris Lyon ",
        "> {",
        "`def f(): ",
        ">>> 1\n",
        "1 in ",
        "no? ",
        "a dozen ",
        "1 500 ",
        "... no, ",
        "x, but the capital is ",
        "It's A, x; ",
    ),
    *(
        "~~",
        "~~a",
        "- [x] a\n",
        "- [ ] a\n",
        "1. a\n2. b\n",
        "1.\n2.\n",
        "~~a~~ ",
        " <|im_end|>",
        '"<|im_end|>',
        "</s> ",
        "1 and ",
        "1, maybe ",
        "if yes otherwise no ",
        "but the claim a ",
        "some say yes ",
        "0.\\overline{1}",
        "1:2:",
        "20.07.",
        "A ✅",
    ),
)
KINDS = (
    Number(value=25),
    YesNo(value=True),
    Letter(value="A", choices=4),
    Exact(text="x"),
    Exact(text="a, b"),
    JsonFields(fields={"a": 2}),
    PythonCode(entry_point="g"),
    Keywords(words=("absent",)),
    TokenF1(answers=("x",)),
)
SHARE = 1 if THOROUGH else 512
LIMIT_S = 10.0


@pytest.mark.thorough
@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_text_is_scored_in_linear_time(piece: str) -> None:
    text = (piece * MAX_ANSWER_CHARS)[: MAX_ANSWER_CHARS // SHARE]
    for expected in KINDS:
        began_s = time.process_time()
        score_text(expected, text)
        assert time.process_time() - began_s < LIMIT_S, expected.kind


def test_there_are_sixty_of_them() -> None:
    assert len(set(PIECES)) >= 60
