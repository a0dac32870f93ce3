"""What is generated from the table of metrics: the schema, and the tables of docs/metrics.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import main
from pytest_swarm.metrics.metric_table import METRICS
from pytest_swarm.report.report_schema import generate_schema

ROOT = Path(__file__).parents[2]


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--check"])
    assert (status, capsys.readouterr().out) == (0, "")


def test_docs_define_every_metric() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name, row in METRICS.items() if row.definition not in page] == []


def test_the_schema_gives_every_metric_its_definition_and_bounds() -> None:
    properties = generate_schema()["$defs"]["Case"]["properties"]
    assert properties["violations"]["description"] == METRICS["violations"].definition
    assert properties["score"]["anyOf"][0] == {"type": "number", "minimum": 0.0, "maximum": 1.0}
    assert properties["utility"]["anyOf"][0] == {"type": "number"}
    assert properties["planner_failures"]["additionalProperties"] == {"type": "integer", "minimum": 0.0}


def test_the_block_of_the_gate_is_described_and_optional() -> None:
    report = generate_schema()["$defs"]["Report"]
    assert report["properties"]["gate"]["$ref"] == "#/$defs/GateBlock"
    assert "gate" not in report["required"]
