"""Yes or no, keywords, exact texts and patterns."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Exact, Keywords, Regex
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.regex import worst_steps
from pytest_swarm.scoring.same_text import normalized
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("fib adds the previous two: their sum", 1),
        ("FIB, Previous, sum!", 1),
        ("Fibonacci numbers are the sum of the previous two", 2 / 3),
        ("summary", 0),
    ],
)
def test_keywords_are_whole_words(answer, share):
    assert score_text(Keywords(words=("fib", "previous", "sum")), answer).value == pytest.approx(share)


def test_a_key_phrase_may_break_over_lines_and_hold_signs():
    assert score_text(Keywords(words=("New York", "C++")), "in new\n york they write C++ code").value == 1
    assert score_text(Keywords(words=("a.c",)), "abc").value == 0


def test_the_detail_names_what_was_not_mentioned():
    assert score_text(Keywords(words=("a", "b")), "a").detail == "not mentioned: b"


def test_strict_ignores_space_case_and_a_fence_only():
    strict = Exact(text="IV", strict=True)
    assert score_text(strict, "```\n iv \n```").value == 1
    assert score_text(strict, "It is IV").value == 0
    assert score_text(strict, "IV.").value == 0


def test_what_was_read_comes_with_the_score():
    score = score_text(Exact(text="IV"), "1 + 3 = 4. So the answer is V.")
    assert (score.value, score.read, score.where) == (0, "V", "after 'answer'")
    assert score.detail == "the answer is 'V', not 'IV'"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("\ufb01ne", "fine"),
        ("The Beatles", "beatles."),
        ("x  y", " X y"),
        ("a", "A"),
        ("...", "..."),
        (r"\dfrac{1}{2}", r"\frac12"),
        (r"\left(1,\, 2\right)", r"\left( 1, 2 \right)"),
        (r"90^\circ\text{ C}", r"90^{\circ} \text{C}"),
        (r"\text{(C)}", "C"),
        ("x^4 - 2", "x^4-2"),
        ("2516_8", "2516_{8}"),
        (r"\begin{pmatrix} 1/2 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{bmatrix}\tfrac12&2\\[4pt]3&4\\\end{bmatrix}"),
        (r"(3,\frac{\pi}{2})", r"\bigl(3, \pi/2\bigr)"),
        (r"\frac{\sqrt{3}}{2}", r"\sqrt3/2"),
        (r"(-\infty, 3) \cup (4, \infty)", r"(-\infty,3)\cup(4,+\infty)"),
        (r"\{1,2,3\}", r"\{3, 1, 2\}"),
        (r"4, 6, \text{ and } 14", "4,6,14"),
        (r"3\cdot\sqrt{2}, -\frac{1}{2}, x \le 3", r"3\sqrt2, \frac{-1}{2}, x \leq 3"),
        (r"\frac{9\pi}{2}", r"\frac92\pi"),
        (r"\frac{9\pi}{2}", "9π/2"),
        (r"\frac{\sqrt{3}}{2}", r"\frac{\sqrt3}2"),
        (r"\frac{x+2}{x-3}", "(x + 2)/(x - 3)"),
        (r"-\frac{x}{2}+3", r"3 - \frac{1}{2}x"),
        (r"11\sqrt{5}+11", r"11 + 11 * √5"),
        (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
        (r"(-\infty, -1) \cup (1, \infty)", "(1,∞) \u222a (-∞,-1)"),
        (r"\{1,2\}", "{2, 1}"),
        (r"x^{2} - 3x + 2 \ge 0", "x² − 3x + 2 ≥ 0"),
        (r"2^{n+1}", "2^(n+1)"),
        (r"\frac{n(n+1)}{2}", "n(n+1)/2"),
        (r"\frac{4}{3}\pi r^3", r"\frac{4\pi r^3}{3}"),
        ("a^2+b^2=c^2", "c² = a² + b²"),
        (r"\log_2 3", r"\log_{2}3"),
        ("O(n log n)", r"O(n \log n)"),
        (r"2 \times 10^5", "2 × 10⁵"),
        (r"\frac{\theta}{2}", "θ/2"),
        (r"A \to B", "A → B"),
        (r"x \leq 5", "x <= 5"),
        (r"90^\circ", "90°"),
        (r"1\frac{1}{2}", "1 1/2"),
        ("1914-1918", "1914\u20131918"),
        ("3:2", "3 : 2"),
        (r"\begin{pmatrix} 2 \\ -1 \end{pmatrix}", r"\left(\begin{array}{c} 2 \\ -1 \end{array}\right)"),
        ("25 km²", "25 km2"),
    ],
)
def test_spellings_of_one_text(one, other):
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(-\\infty, 3)", "(-\\infty, 3]"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{pmatrix} 1 & 23 & 4 \end{pmatrix}"),
        (r"(1,2,\pi)", r"(2,1,\pi)"),
        (r"2\cdot 3\pi", r"23\pi"),
        (r"\begin{pmatrix} 1 \end{pmatrix}", r"\begin{vmatrix} 1 \end{vmatrix}"),
        ("1 - 2", "12"),
        (r"e^{2}", "e2"),
        (r"\sin 2x", r"\sin^2 x"),
        ("10⁶", "106"),
        (r"\log_2 3", r"\log_{23}"),
        (r"\frac{1}{2x}", "1/2x"),
        (r"\frac{9}{2\pi}", r"\frac{9}{2}\pi"),
        (r"\frac{x+2}{x-3}", "x+2/x-3"),
        (r"2^{n+1}", "2^n+1"),
        (r"1 - x^2", r"x^2 - 1"),
        ("2024-01-02", "2024-02-01"),
        ("a*b", "ab"),  # regular expressions
        ("a+b", "b+a"),
        (r"A \times B", "AB"),
        (r"x<1 \text{ or } x>5", r"x<1 \text{ and } x>5"),
        (r"\d+\w", r"\w+\d"),
    ],
)
def test_spellings_of_two_texts(one, other):
    assert normalized(one) != normalized(other)


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        (r"2\sqrt{3}", r"\boxed{x = 2\sqrt{3}}", 1),
        (r"(3,4)", r"\boxed{(x, y) = (3, 4)}", 1),
        (r"(-2,7]", r"\boxed{x \in (-2,7]}", 1),
        ("y = 2x+3", r"\boxed{2x+3}", 1),
        (r"12\pi", r"\boxed{12\pi\text{ cm}^2}", 1),
        (r"12\pi\text{ cm}", r"\boxed{12\pi}", 1),
        (r"12\pi\text{ cm}", r"\boxed{12\pi\text{ m}}", 0),
        (r"x = 2\pi", r"\boxed{y = 2\pi}", 0),
        ("40%", "40", 0),
        (r"5\sqrt{2}", r"The length of the diagonal is $5\sqrt{2}$ meters.", 1),
        (r"5\sqrt{2}", r"The answer is $AC = 5\sqrt{2} \approx 7.07$.", 1),
        (r"12\pi", "**Area = 12π cm²**", 1),
        (r"12\pi", r"The area is $A = \pi r^2 = 12\pi$.", 1),
        ("1,-2", "The solutions are $x = 1$ and $x = -2$.", 1),
        ("1,-2", r"\boxed{x = 1 \text{ or } x = -2}", 1),
        ("1,-2", "-2, 1", 0),
        ("4,6", "4 or 6", 0),
        ("25168", "$2516_8$", 0),
        (r"\log 28", r"\log_2 8", 0),
        (r"\pi", r"\pi squared", 0),
        ("x_0", "The least value is 5 at x = x_0.", 0),
        (r"-\sqrt{2}", r"The minimum is $-\sqrt{2}$, attained at $x = \frac{5\pi}{4}$.", 1),
        (r"\frac{5\pi}{4}", r"The minimum is $-\sqrt{2}$, attained at $x = \frac{5\pi}{4}$.", 0),
        (
            r"\begin{pmatrix}7&1\\2&0\end{pmatrix}",
            "So\n\\[\nA = \\begin{bmatrix} 7 & 1 \\\\\n2 & 0 \\end{bmatrix}.\n\\]",
            1,
        ),
        ("x^2+2x+1", "Expanding $(x+1)^2$ gives $x^2+2x+1$.", 1),
        ("x^2+2x+1", "$$(x+1)^2 = x^2 + 2x + 1$$", 1),
        (r"12\pi", "12π million", 0),
        ("$5", "$5 million", 0),
        ("東京", "日本の首都は東京です。", 1),
    ],
)
def test_a_formula_is_also_read_without_name_and_unit(expected, answer, score):
    assert score_text(Exact(text=expected), answer).value == score


def test_a_regex_matches_anywhere():
    assert score_text(Regex(pattern=r"\b\d{4}-\d\d\b"), "in 2026-02 it was").value == 1
    assert score_text(Regex(pattern=r"^\d+$"), "it was 12").value == 0


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)*$", r"(\w+\s?)*:$", r"a*a*a*a*a*a*a*b"])
def test_a_catastrophic_pattern_ends_unscored(pattern, monkeypatch):
    monkeypatch.setattr("pytest_swarm.scoring.regex.SEARCH_LIMIT_S", 0.3)
    score = score_text(Regex(pattern=pattern), "a" * 5000 + "!")
    assert score.value is None or score.value == 0
    if score.value is None:
        assert "nested repeats" in score.detail


def test_a_pattern_that_really_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr("pytest_swarm.scoring.regex.SEARCH_LIMIT_S", 0.2)
    assert score_text(Regex(pattern=r"(a+)+$"), "a" * 5000 + "!").value is None


def test_a_pattern_searched_apart_gives_the_same_verdicts():
    pattern = Regex(pattern=r"(\w+\s?)+: (\d+)")
    assert worst_steps(pattern.pattern, 20) == float("inf")
    assert score_text(pattern, "the total: 12").value == 1
    assert score_text(pattern, "none").value == 0


def test_a_search_that_fails_is_an_error_not_a_miss(monkeypatch):
    monkeypatch.setattr("pytest_swarm.scoring.regex._SEARCH", "raise MemoryError('too much')")
    with pytest.raises(ScoringError, match=r"the search for .* failed: MemoryError: too much"):
        score_text(Regex(pattern=r"(\w+\s?)+: (\d+)"), "the last total: 12")


def test_worst_steps_of_plain_patterns_are_finite():
    assert worst_steps("abc", 99) == pytest.approx(100)
    assert worst_steps(r"\d+", 99) == pytest.approx(10_000)
    assert worst_steps("a" * 10 + "?" * 3000, 9) == float("inf")
