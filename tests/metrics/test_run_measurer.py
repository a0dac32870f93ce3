"""Jobs that are measured as their events are read have the figures of those that are measured afterwards."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure_run
from pytest_swarm.metrics.run_measurer import RunMeasurer
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink, ListSink
from tests.execution.lab import case, graph, run
from tests.report.factories import info as run_info


def written(path: Path, *modes: str, options: dict[str, str] | None = None) -> Path:
    """The events of one job under each mode."""
    file = FileSink(path / "events.jsonl")
    file.emit(events.encode_run_start(replace(run_info(), options=options or {})))
    for mode in modes:
        sink = ListSink()
        record = run(case(graph(("a", "b"), ("b", "c"), name="job"), mode), sink=sink)
        file.emit(*sink.events, events.encode_job_summary(record, 1.0, {}))
    file.emit(events.encode_run_end(RunEndEvent(ts_ms=2.0, complete=True, notes=())))
    file.close()
    return file.path


def shown(jobs: tuple[MeasuredJob, ...]) -> list[object]:
    """Jobs as values that can be compared."""
    names = [each.name for each in fields(MeasuredJob) if each.name != "metrics"]
    return [(dict(job.metrics.values), *(getattr(job, name) for name in names)) for job in jobs]


@pytest.mark.parametrize("options", [{}, {"swarm_repeat": "auto:3"}])
def test_they_equal_those_of_the_run(tmp_path: Path, options: dict[str, str]) -> None:
    path = written(tmp_path, "milp", "oracle", "lp", "greedy", "greedy", options=options)
    found, jobs = RunMeasurer(path).finish()
    assert found == read_run(path)
    assert shown(jobs) == shown(measure_run(found))
    assert [job.occurrence for job in jobs if job.key.mode == "greedy"] == [0, 1]
    assert {job.metrics.regret for job in jobs if job.key.mode == "oracle"} == {0.0}
