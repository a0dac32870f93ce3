"""Questions that a server has read in full, by the rules of the simulator's prompt cache."""

from __future__ import annotations

import pytest

from pytest_swarm.execution.read_prompts import ReadPrompts
from pytest_swarm.ollama.answers.questions import GENERATE, question_of
from tests.ollama.answers.test_answer_store import MODEL, question

LONG = "Add the numbers one and two and three and four, and then give the sum of all of them as a word."
OTHER = "Sort these names by their last letter: Anna, Berta, Carlo, Dora, Emil, Frieda, Gustav, and Hanna."


def cached(prompts: ReadPrompts, model: str, text: str, answer: str = "Ten.") -> bool:
    prompt = prompts.read(model, question(text))
    prompt.end(answer)
    return prompt.cached


def test_a_prompt_that_begins_like_an_earlier_one_is_cached_until_the_model_is_loaded_anew() -> None:
    prompts = ReadPrompts()
    assert not cached(prompts, "m", LONG)
    assert cached(prompts, "m", LONG.replace("sum", "product"))
    assert not cached(prompts, "n", LONG)
    assert not cached(prompts, "m", OTHER)
    assert cached(prompts, "m", LONG), "what a slot has dropped is kept in memory"
    prompts.load("m")
    assert not cached(prompts, "m", LONG)


@pytest.mark.parametrize(("shared", "counts"), [(0, False), (2, False), (6, True)])
def test_a_common_beginning_counts_from_a_tenth_of_the_prompt_on(shared: int, counts: bool) -> None:
    prompts = ReadPrompts()
    words = [f"alpha{chr(97 + number)}" for number in range(26)] * 2
    others = words[:shared] + [f"beta{chr(97 + number)}" for number in range(26)] * 2
    cached(prompts, "m", " ".join(words[:50]))
    assert cached(prompts, "m", " ".join(others[:50])) is counts


def test_a_prompt_without_messages_is_read_as_well() -> None:
    prompts = ReadPrompts()
    asked = question_of(GENERATE, {"model": "m", "prompt": LONG}, MODEL)
    prompts.read("m", asked).end("")
    assert prompts.read("m", asked).cached
