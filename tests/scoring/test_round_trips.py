"""A value in any style that is understood reads back as that value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Exact, JsonFields, Letter, Number, YesNo
from pytest_swarm.scoring.scorers import score_text
from tests.tries import tries

MANY = settings(max_examples=tries(300), deadline=None)

SENTENCES = [
    "{}",
    "{}.",
    "**{}**",
    "`{}`",
    '"{}"',
    "The answer is {}.",
    "So the answer is {}.",
    "The final answer is: {}",
    "**Answer:** {}",
    "**Final Answer**: **{}**",
    "### Answer\n\n{}",
    "Let me think about 3 apples, option Q and no doubt.\n\nThe answer is {}.",
    "\\boxed{{{}}}",
    "$\\boxed{{\\text{{{}}}}}$",
    "<answer>{}</answer>",
    "<answer>\n{}\n</answer>",
    "<think>It may be 77, Q, yes or no.</think>\n{}",
    "It may be 77, Q, yes or no.</think>\n\n{}",
    "[THINK]77? Q? no?[/THINK]{}",
    "<|channel|>analysis<|message|>77, Q, no<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "```\n{}\n```",
    "The answer is 77. Wait, that is wrong. The answer is {}.",
]
FRAMES = st.sampled_from(SENTENCES)

STYLES = [
    lambda n: f"{n}",
    lambda n: f"{n:,}",
    lambda n: f"{n:,}".replace(",", "{,}"),
    lambda n: f"{n:,}".replace(",", r"\,"),
    lambda n: f"{n:,}".replace(",", r",\!"),
    lambda n: f"{n:,}".replace(",", "\u2009"),
    lambda n: f"{n:,}".replace(",", "\u202f"),
    lambda n: f"{n:,}".replace(",", "\u00a0"),
    lambda n: f"{n:,}".replace(",", "'"),
    lambda n: f"{n:,}".replace(",", "\u2019"),
    lambda n: f"{n}".replace("-", "\u2212"),
    lambda n: f"{n}".replace("-", "\u2011"),
    lambda n: f"{n}".replace("-", "\u2013"),
    lambda n: f"{n:,}.00",
    lambda n: f"-${-n:,}" if n < 0 else f"${n:,}",
    lambda n: f"-\\${-n:,}" if n < 0 else f"\\${n:,}",
    lambda n: f"-€{-n}" if n < 0 else f"{n} €",
    lambda n: f"{n} apples",
    lambda n: f"{n} cm^2",
    lambda n: f"{n} km/h",
    lambda n: f"x = {n}",
    lambda n: f"{n}%",
    lambda n: f"{n}e0",
    lambda n: f"{n} x 10^0",
]
WHOLE_STYLES = st.sampled_from(STYLES)


@MANY
@given(st.integers(-(10**9), 10**9), WHOLE_STYLES, FRAMES)
def test_whole_numbers(value, style, frame):
    assert score_text(Number(value=value), frame.format(style(value))).value == 1


@pytest.mark.parametrize("value", [1_234_567, -1_000_000, 12_345, 7])
def test_each_style_in_each_sentence(value):
    texts = [sentence.format(style(value)) for style in STYLES for sentence in SENTENCES]
    assert [text for text in texts if score_text(Number(value=value), text).value != 1] == []


@MANY
@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), WHOLE_STYLES, FRAMES)
def test_another_whole_number_is_never_right(value, off, style, frame):
    other = value + off
    if other * 100 == value or other == 77:  # "100%" may stand for 1; 77 stands in the frames
        return
    assert score_text(Number(value=value), frame.format(style(other))).value == 0


@MANY
@given(
    st.integers(0, 999),
    st.integers(1, 99),
    st.integers(2, 99),
    st.booleans(),
    st.sampled_from(["{w} {n}/{d}", "{w}\\frac{{{n}}}{{{d}}}", "{w} \\dfrac{{{n}}}{{{d}}}", "{w} and {n}/{d}"]),
    FRAMES,
)
def test_mixed_numbers(whole, over, under, negative, style, frame):
    if over >= under:
        return
    text = style.format(w=f"-{whole}" if negative else whole, n=over, d=under)
    value = whole + over / under
    assert score_text(Number(value=-value if negative else value), frame.format(text)).value == 1


@MANY
@given(
    st.integers(-999, 999),
    st.integers(1, 999),
    st.sampled_from(["{n}/{d}", "\\frac{{{n}}}{{{d}}}", "{s}\\frac{{{a}}}{{{d}}}", "{s}\\dfrac{{{a}}}{{{d}}}"]),
    FRAMES,
)
def test_fractions(over, under, style, frame):
    text = style.format(n=over, d=under, a=abs(over), s="-" if over < 0 else "")
    assert score_text(Number(value=over / under), frame.format(text)).value == 1


@MANY
@given(
    st.integers(-99, 99),
    st.integers(0, 12),
    st.sampled_from(["{m}e{p}", "{m} x 10^{p}", "{m} × 10^{{{p}}}", "{m} \\times 10^{{{p}}}", "{m}\\cdot 10^{p}"]),
)
def test_powers_of_ten(mantissa, power, style):
    text = style.format(m=mantissa, p=power)
    assert score_text(Number(value=float(f"{mantissa}e{power}")), text).value == 1
    assert score_text(Number(value=10.0**power), f"10^{power}").value == 1


LETTER_STYLES = st.sampled_from(["{}", "({})", "{}.", "{})", "[{}]", "{}: the second one", "({}) the second one"])


@MANY
@given(st.sampled_from("ABCDEFGHIJ"), st.sampled_from("ABCDEFGHIJ"), LETTER_STYLES, FRAMES)
def test_letters(letter, other, style, frame):
    text = frame.format(style.format(letter))
    assert score_text(Letter(value=letter, choices=10), text).value == 1
    if other != letter:
        assert score_text(Letter(value=other, choices=10), text).value == 0


@MANY
@given(
    st.sampled_from("ABCDEFGHIJ"), st.sampled_from("ABCDEFGHIJ"), st.sampled_from([" or ", " and ", ", ", "/", " & "])
)
def test_two_letters_are_no_answer(one, other, joint):
    if one == other:
        return
    for frame in ("{}", "The answer is {}.", "\\boxed{{{}}}", "Answer: {}"):
        for value in (one, other):
            assert score_text(Letter(value=value, choices=10), frame.format(f"({one}){joint}({other})")).value == 0


YES = st.sampled_from(
    ["Yes", "yes", "YES", "True", "true", "Correct", "Yes, no exceptions", "It is true", "It is not false"]
)
NO = st.sampled_from(
    ["No", "no", "NO", "False", "Nope", "Incorrect", "No, true ones do not", "It isn't correct", "It is never true"]
)


@MANY
@given(st.booleans(), YES, NO, FRAMES)
def test_yes_and_no(value, yes, no, frame):
    text = frame.format(yes if value else no)
    assert score_text(YesNo(value=value), text).value == 1
    assert score_text(YesNo(value=not value), text).value == 0


WORDS = st.text("abcdefghijklmnopqrstuvwxyz\u00e9\u00fc", min_size=2, max_size=9)

# an answer that begins so is read without its first word: "the answer is", and the verb in other languages
FIRST_WORDS = {*["the", "an", "so", "it", "as", "not", "or", "no"], *["is", "are", "was", "equals", "es", "est", "ist"]}


@MANY
@given(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), FRAMES)
def test_exact_texts(text, frame):
    if text.split()[0] in FIRST_WORDS or " is " in text or " as " in text:
        return
    assert score_text(Exact(text=text), frame.format(text)).value == 1
    assert score_text(Exact(text=text), frame.format(text.upper())).value == 1
    assert score_text(Exact(text=text), frame.format(f"{text}x")).value == 0


SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(-1e9, 1e9) | WORDS


@MANY
@given(
    st.dictionaries(WORDS, SCALARS, min_size=1, max_size=5),
    st.sampled_from(
        ["{}", "```json\n{}\n```", "Here it is: {}", "<answer>{}</answer>", "1. See:\n   ```json\n   {}\n   ```"]
    ),
    st.sampled_from([None, 2]),
)
def test_json_objects(fields, frame, indent):
    expected = JsonFields(fields=fields)
    assert score_text(expected, frame.replace("{}", json.dumps(fields, indent=indent))).value == 1
