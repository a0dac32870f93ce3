"""jobs.csv and tasks.csv."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.expectation import Exact
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.csv_report import csv_paths, write_csv
from pytest_swarm.report.report_model import build_report
from tests.report.factories import HEAVY, ok, record, run
from tests.report.hostile import hostile_run
from tests.report.played import small_report


def test_one_row_per_job_and_one_per_task(tmp_path: Path) -> None:
    jobs, tasks = write_csv(small_report(), tmp_path)
    with jobs.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 36
    with tasks.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 108
    assert {row["model"] for row in rows} <= set(HEAVY.tags)
    assert [*rows[0]] == [
        *("job", "mode", "horizon_depth", "vram_budget_gb", "repeat", "task", "type", "difficulty", "estimated_tokens"),
        *("step", "model", "status", "score", "local_score", "prompt_tokens", "completion_tokens", "token_cost"),
        *("started_s", "finished_s", "latency_s", "load_s", "prefill_s", "decode_s", "score_detail", "error_kind"),
        *("error", "lambda_token", "agreement"),
    ]
    assert {row["lambda_token"] for row in rows} == {"0.5"}  # the one weight of the run, which no id names
    assert {row["type"] for row in rows} == {"extraction", "math", "code", "summarize", "reasoning"}


def test_not_measured_is_empty(tmp_path: Path) -> None:
    bare = replace(record({}), outcomes=(ok("s0", None, prompt_tokens=None, token_cost=None),), samples=())
    jobs, _ = write_csv(build_report(run(bare)), tmp_path)
    with jobs.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["score"], row["prompt_tokens"], row["measured_violations"], row["regret"]) == ("", "", "", "")


def test_what_a_case_of_the_report_has_as_one_number_is_a_column_of_jobs() -> None:
    numbers = {int, float, int | None, float | None}
    one = {row.name for row in shown_in(Show.CASE) if row.job_type in numbers}
    assert {"score", "cut_answers", "tasks_solved"} <= one
    assert one <= {row.name for row in shown_in(Show.CSV)}


def test_pandas_reads_typed_columns(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    jobs, tasks = write_csv(small_report(), tmp_path)
    frame = pandas.read_csv(jobs)
    for name in ("score", "peak_vram_gb", "makespan_s", "decision_ms", "vram_budget_gb"):
        assert frame[name].dtype == float, name
    for name in ("violations", "repeat", "tasks_ok"):
        assert frame[name].dtype == int, name
    assert frame["simulated"].dtype == bool
    assert pandas.read_csv(tasks)["score"].dtype == float


def test_hostile_texts_stay_in_their_cells_and_run_no_formula(tmp_path: Path) -> None:
    for path in write_csv(build_report(hostile_run()), tmp_path):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert {len(row) for row in rows} == {len(header)}
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@"))]
        assert all(cell.isprintable() for cell in cells)


def test_a_score_that_is_agreement_names_the_model(tmp_path: Path) -> None:
    measured = record({"s0": 1.0})
    graph = measured.case.graph
    tasks = tuple(
        replace(task, expected=Exact(text="x"), reference_model="big:7b" if place == 0 else None)
        for place, task in enumerate(graph.tasks)
    )
    marked = replace(measured, case=replace(measured.case, graph=replace(graph, tasks=tasks)))
    for path in write_csv(build_report(run(marked)), tmp_path):
        with path.open(newline="", encoding="utf-8") as file:
            first, *others = [row["agreement"] for row in csv.DictReader(file)]
        assert first == "big:7b"
        assert set(others) <= {""}
    plain = write_csv(build_report(run(measured)), tmp_path / "plain")[0].read_text()
    assert "big:7b" not in plain


def test_a_file_name_gives_its_name_to_both_tables() -> None:
    assert csv_paths(Path("out/x.csv")) == (Path("out/x.csv"), Path("out/x-tasks.csv"))
    assert csv_paths(Path("out")) == (Path("out/jobs.csv"), Path("out/tasks.csv"))


def test_an_empty_run_gives_empty_files(tmp_path: Path) -> None:
    jobs, tasks = write_csv(build_report(run()), tmp_path)
    assert (jobs.read_text(), tasks.read_text()) == ("", "")
