"""The examples of docs/scoring.md are what the scorers do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_swarm.domain.expectation_codec import decode_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.scoring.scorers import score_text

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("<!-- examples -->")[2].partition("<!-- end of examples -->")[0]
ROW = re.compile(r"^\| (\w+) \| (.+?) \| `(.+?)` \| (?:`(.+?)` )?\| ([01]) \|$", re.MULTILINE)
FIELDS = {"number": "value", "yes_no": "value", "letter": "value", "exact": "text", "json": "fields"}
ROWS = ROW.findall(TABLE)


def test_every_row_of_the_table_is_tried() -> None:
    assert len(ROWS) == TABLE.count("\n| ") - 1
    assert {kind for kind, *_ in ROWS} == set(FIELDS)


@pytest.mark.parametrize(("kind", "expected", "answer", "read", "score"), ROWS)
def test_an_example_is_true(kind: str, expected: str, answer: str, read: str, score: str) -> None:
    value = expected if kind in ("letter", "exact") else json.loads(expected)
    table = {"kind": kind, FIELDS[kind]: value}
    found = score_text(decode_expectation(Fields(table, where="the table", error=GraphError)), answer)
    assert (found.read or "", found.value) == (read, float(score))


def test_every_kind_has_a_row() -> None:
    kinds = ("json", "number", "yes_no", "letter", "keywords", "exact", "regex", "code", "judge", "custom")
    for kind in (*kinds, "token_f1", "rouge_l"):
        assert f"| `{kind}` |" in PAGE
