"""The examples of docs/scoring.md, and of rarer answers, are what the scorers do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_swarm.domain.expectation_codec import decode_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.scoring.scorers import score_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
RARER = (ROOT / "tests" / "data" / "scoring" / "examples.md").read_text(encoding="utf-8")
TABLES = re.findall(r"<!-- examples of (\w+) -->\n(.*?)<!-- end of examples -->", PAGE + RARER, re.DOTALL)
ROW = re.compile(r"^\| (.*?) ?\| (.+?) \| `(.+?)` \| (?:`(.+?)` )?\| ([01]) \|$", re.MULTILINE)
FIELDS = {"number": "value", "yes_no": "value", "letter": "value", "exact": "text", "json": "fields"}
ROWS = [(kind, *row) for kind, table in TABLES for row in ROW.findall(table)]


def test_every_row_of_the_tables_is_tried() -> None:
    assert len(ROWS) == sum(table.count("\n| ") for _, table in TABLES)
    assert {kind for kind, _ in TABLES} == set(FIELDS)
    assert (PAGE + RARER).count("<!-- end of examples -->") == len(TABLES)


@pytest.mark.parametrize(("kind", "rule", "expected", "answer", "read", "score"), ROWS)
def test_an_example_is_true(kind: str, rule: str, expected: str, answer: str, read: str, score: str) -> None:
    value = expected if kind in ("letter", "exact") else json.loads(expected)
    table = {"kind": kind, FIELDS[kind]: value}
    found = score_text(decode_expectation(Fields(table, where=rule, error=GraphError)), answer)
    assert (found.read or "", found.value) == (read, float(score))


def test_every_kind_has_a_row() -> None:
    kinds = ("json", "number", "yes_no", "letter", "keywords", "exact", "regex", "code", "judge", "custom")
    for kind in (*kinds, "token_f1", "rouge_l"):
        assert f"| `{kind}` |" in PAGE
