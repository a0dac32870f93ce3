"""Every kind of expectation is public, documented, composed by the simulator, and can be tried on labeled answers."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

import pytest_swarm
from pytest_swarm.domain.expectation import Custom, Expectation, Judge
from pytest_swarm.domain.expectation_codec import decode_expectation, encode_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.scoring.labeled_answers import read_labeled_answers
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.answer_texts import compose

DOCS = Path(__file__).parents[2] / "docs"
KINDS: tuple[type[Any], ...] = get_args(Expectation)
WITHOUT_TEXTS = (Judge, Custom)  # whose right answer nobody can compose


def example(kind: type[Any]) -> Expectation:
    """Return the example of a kind in docs/benchmarks.md, as Python writes it."""
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{kind.kind}` \| (?:`(?P<toml>.*)`|none) \| `(?P<python>.*)` \|$", page, re.MULTILINE)
    assert row is not None, f"docs/benchmarks.md has no row for {kind.kind}"
    public = {name: getattr(pytest_swarm, name) for name in pytest_swarm.__all__}
    expected: Expectation = eval(row["python"], public | {"rhymes": len})
    if kind is not Custom:
        document: Any = tomllib.loads(f"expected = {row['toml']}")
        assert decode_expectation(Fields(document["expected"], where="docs", error=GraphError)) == expected
    return expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_is_public_and_documented(kind: type[Any]) -> None:
    assert getattr(pytest_swarm, kind.__name__) is kind
    assert kind.__name__ in pytest_swarm.__all__
    assert isinstance(example(kind), kind)
    assert f"\n| `{kind.kind}` | " in (DOCS / "scoring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WITHOUT_TEXTS], ids=lambda kind: kind.kind)
def test_a_kind_is_answered_and_scored(kind: type[Any], tmp_path: Path) -> None:
    if kind.kind == "rouge_l" and find_spec("rouge_score") is None:
        pytest.skip("rouge-score is not installed")
    expected = example(kind)
    right, wrong = (compose(expected, target, Random(1)) for target in (1.0, 0.0))
    assert score_text(expected, right).value == 1.0, "the simulator writes no right answer; see answer_texts.py"
    assert (score_text(expected, wrong).value or 0.0) < 0.5
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"kind": kind.kind, "expected": encode_expectation(expected), "text": right}))
    (row,) = read_labeled_answers(path)
    assert row.expected == expected


def test_the_page_names_the_kinds_and_options_of_labeled_answers() -> None:
    page = (DOCS / "scoring.md").read_text(encoding="utf-8")
    table = page.partition("## Trying a scorer on your own answers")[2].partition("\n\nIt prints")[0]
    for kind in (kind for kind in KINDS if kind not in WITHOUT_TEXTS):
        assert f"`{kind.kind}`" in table
