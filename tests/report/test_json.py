"""report.json: the contract's names, the schema, and the same bytes for the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_swarm.domain.record import Run
from pytest_swarm.fields import Json
from pytest_swarm.gate.gate_block import encode_gate
from pytest_swarm.report.json_report import write_json
from pytest_swarm.report.report_model import build_report
from pytest_swarm.schemas import load_schema
from tests.execution.lab import HEAVY
from tests.gate.runs import case as gate_case
from tests.gate.runs import judge
from tests.report.factories import document_of, info, record, run
from tests.report.hostile import hostile_run
from tests.report.played import small_report, small_run

WALL_CLOCK = ("decision_ms", "solve_ms")


def encoded(of: Run) -> dict[str, Json]:
    return document_of(build_report(of))


def small_document(**axes: Any) -> dict[str, Json]:
    return document_of(small_report(**axes))


def without_clocks(value: Json) -> Json:
    """The document without what may differ between two runs of one seed."""
    if isinstance(value, dict):
        return {
            key: without_clocks(each)
            for key, each in value.items()
            if not key.startswith(WALL_CLOCK)
            and not key.endswith("ts_ms")
            and key not in ("machine", "versions", "command")
        }
    return [without_clocks(each) for each in value] if isinstance(value, list) else value


def test_top_level_blocks_of_the_contract() -> None:
    document = small_document()
    blocks = {"schema", "run", "modes", "cases", "comparisons", "comparison_lp_vs_llm", "curves", "notes"}
    assert blocks <= set(document)
    assert document["schema"] == "swarm-report/1"


@pytest.mark.parametrize(
    "name",
    [
        "score",
        "planned_vram_gb",
        "peak_vram_gb",
        "distinct_vram_gb",
        "violations",
        "measured_peak_vram_gb",
        "measured_violations",
        "spilled_gb",
        "switches",
        "load_s",
        "makespan_s",
        "total_latency_s",
        "prompt_tokens",
        "completion_tokens",
        "token_cost",
        "score_per_token_cost",
        "decision_ms",
        "solve_ms",
        "planner_failures",
        "regret",
    ],
)
def test_metrics_of_the_contract_stand_in_each_case_and_mode(name: str) -> None:
    document = small_document()
    assert all(name in case for case in document["cases"])
    assert all(name in mode for mode in document["modes"].values())


def test_published_block_has_its_exact_names() -> None:
    document = small_document()
    block = document["comparison_lp_vs_llm"]
    published = {
        "jobs_lp_won",
        "jobs_llm_won",
        "jobs_tied",
        "routing_divergence_pct",
        "when_differed_lp_better",
        "when_differed_llm_better",
        "when_differed_tie",
        "total_subtasks_compared",
    }
    assert published <= set(block)
    assert block["jobs_lp_won"] + block["jobs_llm_won"] + block["jobs_tied"] == 18


def test_published_block_is_null_without_both_modes() -> None:
    assert small_document(modes=("lp", "milp"))["comparison_lp_vs_llm"] is None


def test_the_curve_has_a_point_per_horizon_and_budget() -> None:
    points = small_document(horizons=(0, 1, "flat"), budgets_gb=(8.0,))["curves"]["lp"]
    assert [point["horizon_depth"] for point in points] == [0, 1, "flat"]
    assert {"score", "utility", "switches", "load_s", "violations"} <= set(points[0])


def test_the_same_jobs_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    first = small_run(repeats=2)
    shuffled = list(first.jobs)
    Random(5).shuffle(shuffled)
    write_json(build_report(first), tmp_path / "a.json")
    write_json(build_report(replace(first, jobs=tuple(shuffled))), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("of", [small_run, hostile_run, run], ids=["jobs", "hostile texts", "no job"])
def test_text_is_that_of_the_standard_encoder_with_an_indent(of: Callable[[], Run], tmp_path: Path) -> None:
    write_json(build_report(of()), tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text(encoding="ascii")
    assert text == json.dumps(json.loads(text), indent=1, allow_nan=False) + "\n"


def test_only_the_named_fields_depend_on_the_wall_clock() -> None:
    first = small_run()
    slower = tuple(
        replace(
            job,
            started_ts_ms=job.started_ts_ms + 5e6,
            steps=tuple(replace(step, decision_ms=99.0, solve_ms=9.0) for step in job.steps),
        )
        for job in first.jobs
    )
    other = replace(first, jobs=slower, info=info(started_ts_ms=2e12, machine={"cpu": "9"}, versions={"python": "4"}))
    assert encoded(first) != encoded(other)
    assert without_clocks(encoded(first)) == without_clocks(encoded(other))


@pytest.mark.parametrize(
    "of",
    [
        partial(small_run, repeats=2, horizons=(0, 3), budgets_gb=(8.0,)),
        partial(small_run, modes=("lp",), horizons=("flat",), budgets_gb=(8.0,)),
        run,
        hostile_run,
    ],
    ids=["pair", "single mode", "no job", "hostile"],
)
def test_every_report_is_valid_under_the_shipped_schema(of: Callable[[], Run]) -> None:
    schema = load_schema("swarm-report-1")
    Draft202012Validator.check_schema(schema)
    assert [error.json_path for error in Draft202012Validator(schema).iter_errors(encoded(of()))] == []


def test_the_schema_refuses_what_is_not_a_report() -> None:
    document = small_document()
    del document["cases"][0]["score"]
    document["cases"][1]["violations"] = -1
    found = {error.json_path for error in Draft202012Validator(load_schema("swarm-report-1")).iter_errors(document)}
    assert found == {"$.cases[0]", "$.cases[1].violations"}


def test_every_key_of_a_case_is_described_in_the_schema() -> None:
    schema = load_schema("swarm-report-1")
    described = schema["$defs"]["Case"]["properties"]
    assert set(small_document()["cases"][0]) == set(described)
    mode = set(small_document()["modes"]["lp"])
    assert mode - {"by_setting"} == set(schema["$defs"]["ModeAtSetting"]["properties"])


def test_the_gate_is_a_block_where_there_is_one() -> None:
    result = judge([gate_case("a", [0.9])], [gate_case("a", [0.5])])
    assert document_of(replace(small_report(), gate=result))["gate"] == json.loads(json.dumps(encode_gate(result)))
    assert "gate" not in document_of(small_report())


def test_a_context_that_is_raised_for_long_prompts_is_its_first_length() -> None:
    model = replace(HEAVY.models[0], auto_ctx=True)
    fleet = replace(HEAVY, models=(model, *HEAVY.models[1:]))
    document: Any = document_of(build_report(run(record(), fleet=fleet)))
    Draft202012Validator(load_schema("swarm-report-1")).validate(document)
    first, second, *_ = document["run"]["fleet"]["models"]
    assert (first["num_ctx"], first["auto_ctx"], second["auto_ctx"]) == (model.num_ctx, True, False)


def test_the_server_of_a_run_is_named() -> None:
    document: Any = document_of(build_report(run(record(), host="http://gpu:11434")))
    assert document["run"]["host"] == "http://gpu:11434"
