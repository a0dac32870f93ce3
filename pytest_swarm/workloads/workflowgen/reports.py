"""Steps in words: a report of what was found, and an advertisement."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.formula import evaluate
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Spot, words_step
from pytest_swarm.workloads.workflowgen.terms import terms_of, values_of, without_flags

_SLOGAN_WORDS: Final = ("spark", "bridge", "morning", "promise", "engine", "garden", "silver", "harbour", "echo")


def report(draw: Draw, spot: Spot) -> GeneratedStep:
    """One sentence with the figures of up to `level` parents, yes and no left out, and a word that must stand in it."""
    terms = draw.sample(terms_of(draw, without_flags(spot)), spot.level)
    word = draw.pick(("summary", "report", "outcome", "overview"))
    derive = "[" + ", ".join(f"text({term.formula})" for term in terms) + f", '{word}']"
    words = evaluate(derive, values_of(spot))
    assert isinstance(words, list)  # the formula is a list
    ask = (
        f'Write one sentence for the manager that begins with "The {word}" and names these figures, digits only and '
        f"without separators: {'; '.join(term.words for term in terms)}."
    )
    return words_step(TaskType.SUMMARIZE, ask, tuple(map(str, words)), derive)


def slogan(draw: Draw, spot: Spot) -> GeneratedStep:
    """A short advertisement that must hold 1 + level words; the words are given, so it needs no input."""
    words = tuple(draw.sample(_SLOGAN_WORDS, 1 + spot.level))
    listed = ", ".join(words)
    ask = f"Write a lively advertisement of two sentences for a repair workshop. Use each of these words: {listed}."
    return words_step(TaskType.CREATIVE, ask, words)
