"""Fences and thinking, as models really write them."""

from __future__ import annotations

import pytest

from pytest_swarm.scoring.answer_text import MAX_ANSWER_CHARS, readable
from pytest_swarm.scoring.fences import fences, unfenced


def texts(answer: str) -> list[tuple[str, str]]:
    return [(block.language, block.text) for block in fences(answer)]


def test_a_fence_with_its_language():
    assert texts('Sure:\n```json\n{"A": 3}\n```\nDone.') == [("json", '{"A": 3}')]


def test_several_fences_in_order_and_languages_in_lower_case():
    assert texts("```Python\na\n```\nand\n~~~\nb\n~~~") == [("python", "a"), ("", "b")]


def test_a_fence_that_is_never_closed_runs_to_the_end():
    assert texts("```python\ndef f():\n    return 1") == [("python", "def f():\n    return 1")]


def test_a_longer_fence_holds_shorter_ones():
    assert texts("````markdown\n```python\nx = 1\n```\n````") == [("markdown", "```python\nx = 1\n```")]


def test_a_nested_fence_of_the_same_length_does_not_end_the_outer_one():
    assert texts("```markdown\n```python\nx = 1\n```\ny\n```") == [("markdown", "```python\nx = 1\n```\ny")]


def test_inline_code_is_no_fence():
    assert texts("Use ```x``` here and `y` there.") == []


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        ("<think>is it 4?</think>\n5", "5"),
        ("<think>still wondering", ""),
        ("Two <think>no</think> yes", "yes"),
        ("plain", "plain"),
        ("a </think> b", "b"),
        ("a</think>b</think>c", "c"),
        ("Answer: 5 <think>let me check</think>", "Answer: 5"),
        ("</think>", ""),
        ("<thinking>is it 4?</thinking>5", "5"),
        ("<THINK>4</THINK>5", "5"),
        ("[THINK]is it 4?[/THINK]5", "5"),
        ("[THINK]is it 4?", ""),
        ("<reasoning>4</reasoning>\n5", "5"),
        ("\u25c1think\u25b74\u25c1/think\u25b75", "5"),
        ("<|channel|>analysis<|message|>4<|end|><|start|>assistant<|channel|>final<|message|>5<|return|>", "5"),
        ("<|channel|>analysis<|message|>4, and so on", ""),
        ("analysisIt may be 4.assistantfinal5", "5"),
        ("analysis of the text: 5", "analysis of the text: 5"),
    ],
)
def test_thinking_is_not_part_of_the_answer(answer, rest):
    assert readable(answer) == rest


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        ("18<|im_end|>\n<|im_start|>user\nAnd 5 + 5?<|im_end|>\n<|im_start|>assistant\n10", "18"),
        ("<|im_start|>assistant\n18<|im_end|>", "<|im_start|>assistant\n18"),
        ("18<|im_end|><|im_start|>assistant\n<think>5 + 5</think>10", "18"),
        ("<think>a</think>18<|eot_id|>", "18"),
        ("18 </s>\n", "18"),
        ("18</s><s>[INST] And 5 + 5? [/INST] 10", "18"),
        ("<s>12</s> 18", "<s>12</s> 18"),
        ("[INST] 3 * 6? [/INST] 18", "[INST] 3 * 6? [/INST] 18"),
        ('END = "<|endoftext|>"\nreturn 1', 'END = "<|endoftext|>"\nreturn 1'),
        ('"18"<end_of_turn>', '"18"'),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>18<|end|>", "18"),
    ],
)
def test_an_answer_ends_with_its_turn(answer: str, rest: str) -> None:
    assert readable(answer) == rest


def test_an_endless_answer_is_cut_to_its_end():
    assert readable("x" * MAX_ANSWER_CHARS + " 25")[-3:] == " 25"
    assert len(readable("x" * 3 * MAX_ANSWER_CHARS)) == MAX_ANSWER_CHARS


@pytest.mark.parametrize("gap", ["\n", " ", "\t", "\n ", " \n\t"])
def test_a_long_gap_is_short(gap: str) -> None:
    """A run of 20,000 line ends within a text took every scorer ten seconds, and more by its square."""
    assert len(readable(f"a{gap * 20_000}b")) <= 250
    assert readable(f"a{gap}b") == f"a{gap}b"


def test_only_a_whole_fence_is_unwrapped():
    assert unfenced("```\nyes\n```") == "yes"
    assert unfenced("well\n```\nyes\n```") == "well\n```\nyes\n```"
