"""A run written by version 0.1.0 is read in full; fields that came later may be missing from older runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.domain.plan import Origin
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.domain.vram_sample import SamplePhase
from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.reader import read_run

EVENTS = Path(__file__).parents[1] / "data" / "version_1" / "events.jsonl"
ADDED_SINCE = (
    "done_reason",
    "thinking",
    "thinking_chars",
    "truncated",
    "whole_prompt_tokens",
    "auto_ctx",
    "shares_with",
    "deferred",
    "ready_since",
    "last_used",
    "model_digests",
    "parallel",
    "running",
    "purpose",
    "assign",
)
"""Fields that the file lacks; the others of ADDED_LATER it has."""
ADDED_LATER = ("optimum", "local_score", "phase", "gpus", "gpu_processes", "keep")


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in EVENTS.read_text().splitlines()]


def encoded(job: JobRecord) -> list[dict[str, Any]]:
    """All events of a job but its first and last."""
    return [
        *(events.encode_plan_step(job.case, each, 0.0) for each in job.steps),
        *(events.encode_task_result(job.case, each, 0.0) for each in job.outcomes),
        *(events.encode_switch(job.case, each, 0.0) for each in job.switches),
        *(events.encode_vram_sample(job.case, each, 0.0) for each in job.samples),
    ]


def test_its_events_are_written_again_as_they_are() -> None:
    run = read_run(EVENTS)
    first, *rest = lines()
    assert list(without(events.encode_run_start(run.info), ADDED_SINCE).items()) == list(first.items())
    for job in run.jobs:
        inside = ("plan_step", "task_result", "model_switch", "vram_sample")
        mine = [row for row in rest if row.get("case") == job.case.digest]
        found = [row | {"ts_ms": 0.0} for row in mine if row["event"] in inside]
        written = without(encoded(job), ADDED_SINCE)
        assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, found))
        opening = events.encode_dag_structure(job.case, mine[0]["ts_ms"], simulated=True)
        assert json.dumps(opening) == json.dumps(mine[0])


def test_its_records_hold_what_was_run() -> None:
    run = read_run(EVENTS)
    assert run.complete
    assert [job.case.key.label for job in run.jobs] == ["lp-h0-8GB", "llm-h0-8GB"]
    lp, llm = run.jobs
    assert [each.model for each in llm.outcomes] == ["llama3.1:8b", "llama3.1:8b"]
    assert {each.origin for step in llm.steps for each in step.executed} == {Origin.PLANNER}
    assert {each.origin for step in lp.steps for each in step.executed} == {Origin.SOLVER}
    assert lp.samples[0].phase is SamplePhase.START
    assert run.info.fleet["phi4:14b"].vram_gb == 12.5


def without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: without(each, names) for key, each in value.items() if key not in names}
    return [without(each, names) for each in value] if isinstance(value, list | tuple) else value


def older(folder: Path, names: tuple[str, ...]) -> Path:
    """The events without some fields, as a file."""
    path = folder / "older.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in without(lines(), names)))
    return path


def test_fields_that_came_later_may_be_missing(tmp_path: Path) -> None:
    run = read_run(older(tmp_path, ADDED_LATER))
    assert len(run.jobs) == 2
    assert all(step.optimum is None for job in run.jobs for step in job.steps)
    assert all(sample.phase is None for job in run.jobs for sample in job.samples)


@pytest.mark.parametrize("name", ["estimates", "executed", "origin", "makespan_s", "model"])
def test_other_fields_may_not(tmp_path: Path, name: str) -> None:
    run = read_run(older(tmp_path, (name,)))
    assert len(run.jobs) < 2
    assert f"{name}' is missing" in run.lost[0]


def test_a_run_without_its_fleet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match=r"older\.jsonl, line 1: field 'fleet' is missing; restore the file, or run"):
        read_run(older(tmp_path, ("fleet",)))
