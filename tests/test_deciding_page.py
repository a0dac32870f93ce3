"""The sentences of docs/deciding.md on generated workflows follow from the figures of each job."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from pytest_swarm.decision.choice import PolicyChoice, Ruling, choose_policy
from pytest_swarm.decision.policy_figures import PolicyFigures

ROOT = Path(__file__).parents[1]
FIGURES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "data" / "deciding" / "workflowgen.json").read_text())
PAGE = " ".join((ROOT / "docs" / "deciding.md").read_text(encoding="utf-8").split())
BEGINNING = {Ruling.USE: "Use ", Ruling.KEEP: "No policy ", Ruling.UNKNOWN: "Cannot tell: "}
MAX_LOSS = 0.02


def decided(row: dict[str, Any]) -> PolicyChoice:
    scores = tuple(map(tuple, row["score"]))
    step, loss = 1 / row["scored_tasks"], MAX_LOSS * fmean(scores[0])
    if row["by"] == "score":
        return choose_policy(PolicyFigures(values=scores, step=step, allowed_loss=loss))
    return choose_policy(
        PolicyFigures(
            values=tuple(map(tuple, row["makespan"])),
            relative=True,
            scores=scores,
            allowed_loss=MAX_LOSS,
            allowed_score_loss=loss,
            score_step=step,
        )
    )


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: f"{row['budget']}-{row['by']}")
def test_each_sentence_of_the_page_follows_from_the_figures(row: dict[str, Any]) -> None:
    assert f"- **{row['budget']}, by {row['by']}.** {row['sentence']} " in PAGE
    assert len(row["score"][0]) == 100
    choice, sentence = decided(row), row["sentence"]
    assert sentence.startswith(BEGINNING[choice.ruling])
    told = choice.estimate((choice.best if choice.ruling is Ruling.USE else choice.most_open) or 0)
    assert told is not None
    numbers = [float(each) for each in re.findall(r"-?\d+\.\d+(?= %| points?)|[+-]?\d+\.\d+(?= to|\))", sentence)]
    figures = (told.gain.low, told.gain.high, told.gain.mean, choice.honest or 0.0, choice.margin)
    shown = {round(100 * value, 1) for value in figures}
    assert numbers
    if told.score is not None and "score" in sentence:
        shown |= {round(100 * each, 1) for each in told.score.bounds}
    assert set(numbers) <= shown | {95.0}
    assert row["policies"][told.policy].partition("-h")[0] in sentence.lower()


def test_the_page_tells_of_every_budget() -> None:
    assert {(row["budget"], row["by"]) for row in FIGURES} == {
        (budget, by) for budget in ("8GB", "16GB", "24GB") for by in ("score", "makespan")
    }


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: f"{row['budget']}-{row['by']}")
def test_what_is_saved_and_how_many_more_jobs_would_tell_follow_from_the_figures(row: dict[str, Any]) -> None:
    choice, sentence = decided(row), row["sentence"]
    saved = re.search(r"also saves ([\d.]+) loads and ([\d.]+) s per job\.$", sentence)
    more = re.search(r"About (\d+) more jobs would show", sentence)
    assert (saved is not None) == (choice.ruling is Ruling.USE)
    assert (more is not None) == (choice.ruling is Ruling.UNKNOWN and row["by"] == "score")
    if saved is not None:
        loads, seconds = (row[name][0] - row[name][choice.best or 0] for name in ("loads", "seconds"))
        assert float(saved[1]) == round(loads, 1)
        assert float(saved[2]) == pytest.approx(seconds, abs=0.05)
    if more is not None:
        assert choice.to_keep is not None
        assert choice.to_keep.families is not None
        assert int(more[1]) == choice.to_keep.families - choice.jobs


def test_what_the_page_makes_of_the_sentences_follows_from_the_figures() -> None:
    said = "`collate` scores the same in each job, and saves loads; from 16 GB on, `best-single` saves more than"
    assert said in PAGE
    for row in FIGURES:
        fixed, collate, single = (row["policies"].index(f"{mode}-h1") for mode in ("fixed", "collate", "best-single"))
        assert row["score"][fixed] == row["score"][collate]
        assert row["loads"][collate] < row["loads"][fixed]
        if row["budget"] != "8GB":
            assert row["seconds"][single] < 2 / 3 * row["seconds"][fixed]
            told = next(each for each in decided(row).estimates if each.policy == single)
            low = (told.gain if row["by"] == "score" else told.score).low
            assert low is not None
            assert low < -MAX_LOSS * fmean(row["score"][fixed])  # it may lose too much score
