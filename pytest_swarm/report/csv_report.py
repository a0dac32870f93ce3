"""jobs.csv and tasks.csv: one row per job, one row per task, columns of one type each, empty where not measured.

UTF-8 with a header line, comma and quotes as in RFC 4180, CRLF. Texts come from files and models, so each is one
harmless line, and one that a spreadsheet would run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from pytest_swarm.domain.record import TaskOutcome
from pytest_swarm.domain.task import Task
from pytest_swarm.files import write_whole
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.job_rows import as_shown
from pytest_swarm.report.metric_text import plain_number
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import one_line

Cell: TypeAlias = str | int | float | bool | None

PUBLISHED: Final = (
    "score",
    "local_score",
    "utility",
    "regret",
    "violations",
    "measured_violations",
    "planned_vram_gb",
    "peak_vram_gb",
    "distinct_vram_gb",
    "measured_peak_vram_gb",
    "spilled_gb",
    "gpu_peak_gb",
    "server_gpu_peak_gb",
    "unplanned_loads",
    "residency_mismatches",
    "switches",
    "evictions",
    "load_s",
    "makespan_s",
    "total_latency_s",
    "prompt_tokens",
    "completion_tokens",
    "token_cost",
    "score_per_token_cost",
    "steps",
    "fractional_steps",
    "decision_ms",
    "solve_ms",
    "tasks_ok",
    "tasks_failed",
    "tasks_skipped",
    "tasks_unscored",
    "planner_failures",
)
"""The metrics that jobs.csv has had from its first version on. Their columns keep their places; others come last."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(report: Report, path: Path) -> tuple[Path, Path]:
    """Write the tables of jobs and of tasks, and return their paths.

    Args:
        report: The report.
        path: A folder, or the file of jobs; the tasks then go to `x-tasks.csv` beside `x.csv`.
    """
    jobs, tasks = csv_paths(path)
    shown = as_shown(report.jobs)
    write_whole(jobs, table(map(job_row, shown)).encode())
    write_whole(tasks, table(row for job in shown for row in task_rows(job)).encode())
    return jobs, tasks


def csv_paths(path: Path) -> tuple[Path, Path]:
    """Return where jobs and tasks go."""
    if path.suffix.lower() == ".csv":
        return path, path.with_name(f"{path.stem}-tasks{path.suffix}")
    return path / "jobs.csv", path / "tasks.csv"


def job_row(job: MeasuredJob) -> dict[str, Cell]:
    """Return one row of jobs.csv. A tally, such as `planner_failures`, is its sum; report.json has it by kind."""
    metrics = {row.name: plain_number(row.of_job(job.metrics)) for row in shown_in(Show.CSV)}
    return {
        **_place(job),
        "status": job.record.status.value,
        **{name: metrics[name] for name in PUBLISHED},
        "simulated": job.record.simulated,
        "error": job.record.error,
        "test": job.record.case.test,
        "digest": job.record.case.digest,
        "lambda_token": job.lambda_token,
        **{name: value for name, value in metrics.items() if name not in PUBLISHED},
        "agreement": _agreement(job.record.case.graph.tasks),
        "family": job.record.case.graph.family,
    }


def task_rows(job: MeasuredJob) -> Iterable[dict[str, Cell]]:
    """Return the rows of tasks.csv of one job, without prompts and answers: events.jsonl has them."""
    for outcome in job.record.outcomes:
        yield {**_place(job), **_task(job, outcome)}


def _place(job: MeasuredJob) -> dict[str, Cell]:
    key = job.key
    return {
        "job": job.job,
        "mode": key.mode,
        "horizon_depth": str(key.horizon),
        "vram_budget_gb": key.vram_budget_gb,
        "repeat": key.repeat,
    }


def _task(job: MeasuredJob, outcome: TaskOutcome) -> dict[str, Cell]:
    task = job.record.case.graph.task(outcome.task)
    return {
        "task": outcome.task,
        "type": task.type,
        "difficulty": task.difficulty,
        "estimated_tokens": task.estimated_tokens,
        "step": outcome.step,
        "model": outcome.model,
        "status": outcome.status.value,
        "score": job.task_score.get(outcome.task),
        "local_score": outcome.local_score,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "token_cost": outcome.token_cost,
        "started_s": outcome.started_s,
        "finished_s": outcome.finished_s,
        "latency_s": outcome.latency_s,
        "load_s": outcome.load_s,
        "prefill_s": outcome.prefill_s,
        "decode_s": outcome.decode_s,
        "score_detail": outcome.score_detail,
        "error_kind": outcome.error_kind,
        "error": outcome.error,
        "lambda_token": job.lambda_token,
        "agreement": _agreement((task,)),
    }


def _agreement(tasks: Iterable[Task]) -> str | None:
    """Return the models whose answers are expected: a score is agreement with them, not truth. None where it is."""
    return ", ".join(sorted({task.reference_model for task in tasks if task.reference_model is not None})) or None


def table(rows: Iterable[Mapping[str, Cell]]) -> str:
    """Return the rows as CSV under a header; an empty text where there are no rows."""
    found: Sequence[Mapping[str, Cell]] = list(rows)
    if not found:
        return ""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(found[0])
    writer.writerows([_cell(value) for value in row.values()] for row in found)
    return text.getvalue()


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    text = one_line(value, 1000)
    return f"'{text}" if text.startswith(_FORMULA) else text
