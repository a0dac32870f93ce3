"""A large run takes little memory: the parts of jobs stay in their file, and report.json is written case by case."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from pathlib import Path

from pytest_swarm.domain.record import Run
from pytest_swarm.report.json_report import write_json
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink
from tests.report.factories import GEMMA, QWEN, WB1, info, key, record, run

MOST_KB = 4.2  # of this run 3.0 a job; 5.4 where metrics are not packed, 15.9 where the parts of jobs are held


def many(workflows: int) -> Run:
    modes = ("lp", "milp", "fixed")
    return run(
        *(
            record(graph=replace(WB1, name=f"g{n}"), case=key(mode), model=(GEMMA if n % 2 else QWEN).tag)
            for n in range(workflows)
            for mode in modes
        )
    )


def written(folder: Path, of: Run) -> Path:
    file = FileSink(folder / "events.jsonl")
    file.emit(events.encode_run_start(info()))
    for job in of.jobs:
        file.emit(events.encode_dag_structure(job.case, 1.0, simulated=True))
        for each in job.steps:
            file.emit(events.encode_plan_step(job.case, each, 2.0))
        for outcome in job.outcomes:
            file.emit(events.encode_task_result(job.case, outcome, 2.0))
        file.emit(events.encode_job_summary(job, 3.0, {}))
    file.emit(events.encode_run_end(RunEndEvent(ts_ms=4.0, complete=True, notes=())))
    file.close()
    return folder


def report_of(path: Path, folder: Path) -> None:
    report = build_report(read_run(path))
    write_json(report, folder / "report.json")
    terminal_summary(report, width=100, verbose=0)


def peak_kb(path: Path, folder: Path) -> float:
    """The highest memory while a run is read and reported, above what was taken before."""
    gc.collect()
    tracemalloc.start()
    try:
        report_of(path, folder)
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


def test_the_memory_of_a_report_grows_by_a_few_kilobytes_a_job(tmp_path: Path) -> None:
    few, more = 10, 40
    paths = [written(tmp_path / str(n), many(n)) for n in (few, more)]
    report_of(paths[1], tmp_path)  # first modules and caches
    small, large = (peak_kb(path, tmp_path) for path in paths)
    assert (large - small) / (3 * (more - few)) < MOST_KB
