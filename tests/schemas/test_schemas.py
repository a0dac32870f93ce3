"""The shipped JSON Schemas are those of the types, and real files are valid by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_swarm.gate.baseline_codec import encode_baseline
from pytest_swarm.gate.gate_block import encode_gate
from pytest_swarm.report.report_schema import generate_schema
from pytest_swarm.schemas import SCHEMAS, load_schema, write_schemas
from tests.gate.runs import baseline, case, judge
from tests.plugin.conftest import INI, SUITE

OLD = Path(__file__).parents[1] / "data" / "version_1"


def validator(name: str) -> Draft202012Validator:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_shipped_schemas_are_those_of_the_types(tmp_path: Path) -> None:
    for path in write_schemas(tmp_path):
        shipped = Path(__file__).parents[2] / "pytest_swarm" / "schemas" / path.name
        assert path.read_text() == shipped.read_text(), f"{path.name}: run python -m pytest_swarm.schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_names_its_version_and_describes_its_types(name: str) -> None:
    schema = load_schema(name)
    assert schema["$id"] == f"https://pytest-swarm-router/schema/{name}.json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(each.get("description") for each in schema["$defs"].values())  # type: ignore[union-attr]


def test_a_schema_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no schema 'swarm-report-9'; known are swarm-events-1, .*swarm-report-1"):
        load_schema("swarm-report-9")


def test_the_schema_of_the_report_is_loaded_like_the_others() -> None:
    assert load_schema("swarm-report-1") == generate_schema(), "run python -m docs.generate"


def test_the_events_of_a_run_are_valid(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=SUITE)
    args = ("--swarm-compare=lp,llm,greedy", "--swarm-baseline=b.json", "--swarm-update-baseline")
    result = pytester.runpytest(*args)
    assert result.ret == 0
    (path,) = pytester.path.glob("reports/*/events.jsonl")
    written = lines(path)
    kinds = {"run_start", "dag_structure", "plan_step", "task_result", "vram_sample", "job_dag_summary", "run_end"}
    assert kinds <= {each["event"] for each in written}
    events = validator("swarm-events-1")
    assert [error.message for each in written for error in events.iter_errors(each)] == []
    stored = json.loads((pytester.path / "b.json").read_text())
    assert [error.message for error in validator("swarm-baseline-1").iter_errors(stored)] == []


def faults() -> Iterator[tuple[str, Any]]:
    """An event with each of its required fields gone, or of another type."""
    by_type = {each["event"]: each for each in lines(OLD / "events.jsonl")}
    definitions = load_schema("swarm-events-1")["$defs"]
    for definition in definitions.values():  # type: ignore[union-attr]
        tag = definition.get("properties", {}).get("event", {}).get("enum", [None])[0]
        for name in definition.get("required", ()) if tag in by_type else ():
            yield f"{tag} without {name}", {key: value for key, value in by_type[tag].items() if key != name}
            yield f"{tag} with a wrong {name}", by_type[tag] | {name: [{}]}


def test_an_event_that_lacks_a_field_or_has_a_wrong_one_is_not_valid() -> None:
    events = validator("swarm-events-1")
    accepted = [name for name, event in faults() if events.is_valid(event)]
    assert len(list(faults())) > 100
    assert accepted == []


@pytest.mark.parametrize(("file", "name"), [("events.jsonl", "swarm-events-1"), ("cassette.jsonl", "swarm-cassette-1")])
def test_old_lines_are_valid(file: str, name: str) -> None:
    lines_validator = validator(name)
    assert [error.message for line in lines(OLD / file) for error in lines_validator.iter_errors(line)] == []


def test_a_baseline_is_valid() -> None:
    schema = validator("swarm-baseline-1")
    assert schema.is_valid(json.loads((OLD / "baseline.json").read_text()))
    written = json.loads(encode_baseline(baseline(case("a", [0.5, 0.25]))))
    assert schema.is_valid(written)
    assert not schema.is_valid(written | {"schema": "swarm-baseline/9"})


def test_the_block_of_the_gate_is_valid_alone_and_in_a_report() -> None:
    block = encode_gate(judge([case("a", [0.9, 0.8])], [case("a", [0.5, 0.4])]))
    assert [error.message for error in validator("swarm-gate-1").iter_errors(block)] == []
    definitions = load_schema("swarm-report-1")["$defs"]
    gate = {"$ref": "#/$defs/GateBlock"}
    report = Draft202012Validator({"type": "object", "properties": {"gate": gate}, "$defs": definitions})
    assert report.is_valid({"gate": block})
    assert not report.is_valid({"gate": block | {"verdict": "fine"}})


def test_the_docs_name_every_event_and_field() -> None:
    text = (Path(__file__).parents[2] / "docs" / "files.md").read_text()
    assert all(f"`{name}`" in text for name in SCHEMAS)
    for name in ("swarm-events-1", "swarm-baseline-1", "swarm-cassette-1"):
        for title, definition in load_schema(name)["$defs"].items():  # type: ignore[union-attr]
            if title.endswith(("Event", "Line")) or title.startswith("Baseline"):
                missing = [field for field in definition["properties"] if f"`{field}`" not in text]
                assert missing == [], f"{name}: {title}"
