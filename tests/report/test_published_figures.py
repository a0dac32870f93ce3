"""The published system's telemetry, in exactly its form: the published figures come out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.cli import main
from pytest_swarm.errors import EventsError
from pytest_swarm.fields import Json
from pytest_swarm.report.published_figures import PublishedModeFigures, mode_figures, pairing, published_text
from pytest_swarm.telemetry.published import published_files, read_published

QWEN, GEMMA = "qwen2.5-coder:7b", "gemma2:2b"
SCORES = {"lp": (1.0, 8 / 9, 1 / 3), "llm": (1.0, 5 / 9, 1 / 3)}
LATENCY_MS = {"lp": (37_500.0, 10_500.0, 2_393.2), "llm": (19_859.1, 7_850.0, 1_893.0)}
COST = {"lp": (900.0, 800.0, 250.0), "llm": (206.4, 400.0, 85.8)}
SOLVE_MS = (4.0, 2.5, 2.05)


def job_events(run: str, number: int, mode: str, *, task_score: float | None) -> list[dict[str, Json]]:
    """The events of one job with one task, with the fields of the published files."""
    n, model = number - 1, QWEN if mode == "lp" else GEMMA
    head: dict[str, Json] = {"ts_ms": 1771717827446.4, "run_id": f"{run}-{mode}", "job_id": f"workflowbench-{number}"}
    ended: dict[str, Json] = {
        **head,
        "query": "q",
        "gpu_name": "NVIDIA A40",
        "gpu_uuid": "GPU-0",
        "benchmark_name": "workflowbench",
        "routing_mode": mode,
        "lambda_token": 0.5,
        "lambda_switch": 0.2,
        "gpu_vram_gb": 8.0,
        "vram_used_gb": 6.5 if mode == "lp" else 2.0,
        "vram_violation": False,
        "active_models": [model],
        "sum_token_cost": 0.0,
        "job_score": SCORES[mode][n],
        "token_scale": 1000.0,
        "switch_t_scale_ms": 1500.0,
    }
    chosen: Json = [{"subtask_id": "s0", "assigned_agent": model}]
    step: dict[str, Json] = {**head, "event": "plan_step", "plan_step_index": 0, "horizon_nodes": ["s0"]}
    step["executed_assignments"] = chosen
    if mode == "lp":
        step |= {"lp_solver_name": "HIGHS", "lp_solve_time_ms": SOLVE_MS[n], "lp_objective_value": 1.37}
    source = "lp" if mode == "lp" else "llm_planner" if number == 3 else "fallback"
    return [
        {**ended, "event": "job_start", "job_score": None, "vram_used_gb": 0.0},
        {**head, "event": "dag_structure", "nodes": [{"id": "s0", "task_type": "math"}], "edges": []},
        step,
        {**head, "event": "orchestration", "routing_source": source, "planner_model": None},
        {
            **head,
            "event": "subtask",
            "subtask_id": "s0",
            "task_type": "math",
            "assigned_agent": model,
            "routing_mode": source,
            "actual_latency_ms": LATENCY_MS[mode][n],
            "input_tokens": 74,
            "output_tokens": 18,
            "judge_score": None,
            "benchmark_score": task_score,
            "success": True,
            "output": "7",
        },
        {**ended, "event": "job"},
        {**ended, "event": "job_costs", "sum_token_cost": COST[mode][n]},
        {**head, "event": "job_dag_summary", "total_latency_ms": LATENCY_MS[mode][n], "job_success": True},
    ]


def telemetry(path: Path, mode: str, *, run: str = "20260221-1", task_scored: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    events = [
        event
        for number in (1, 2, 3)
        for event in job_events(run, number, mode, task_score=SCORES[mode][number - 1] if task_scored else None)
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def figures(*paths: Path) -> dict[str, PublishedModeFigures]:
    return {each.mode: each for each in mode_figures(read_published(paths).jobs)}


def test_the_published_scores_come_from_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lp, llm = (telemetry(tmp_path / "runs" / mode / "telemetry.jsonl", mode) for mode in ("lp", "llm"))
    assert [each.jobs for each in figures(lp, llm).values()] == [3, 3]
    for arguments in ([str(lp), str(llm)], [str(tmp_path)]):
        assert main(["report", *arguments]) == 0
        said = capsys.readouterr().out
        (row,) = [line for line in said.splitlines() if line.startswith("mean job score")]
        assert sorted(row.split()[3::2]) == ["63.0", "74.1"]


def test_the_other_figures_are_defined_as_published(tmp_path: Path) -> None:
    found = figures(*(telemetry(tmp_path / f"{mode}.jsonl", mode) for mode in ("lp", "llm")))
    lp, llm = found["lp"], found["llm"]
    assert (lp.vram_gb, llm.vram_gb, lp.violation_rate) == (6.5, 2.0, 0.0)
    assert lp.latency_s == pytest.approx(sum(LATENCY_MS["lp"]) / 3000)
    assert llm.score_per_token_cost == pytest.approx((1 / 206.4 + 5 / 9 / 400 + 1 / 3 / 85.8) / 3)
    assert lp.solve_ms == pytest.approx(8.55 / 3)  # per job; the published table calls it per step
    assert llm.solve_ms is None
    assert (llm.fallback_steps, llm.steps, llm.fallback_tasks, llm.tasks) == (2, 3, 2, 3)


def test_lp_is_compared_with_llm_job_by_job(tmp_path: Path) -> None:
    files = [telemetry(tmp_path / f"{mode}.jsonl", mode, task_scored=True) for mode in ("lp", "llm")]
    pair = pairing(read_published(files).jobs)
    assert pair is not None
    assert (pair.jobs_lp_won, pair.jobs_llm_won, pair.jobs_tied) == (1, 0, 2)
    assert (pair.differed, pair.tasks) == (3, 3)
    assert (pair.lp_better, pair.llm_better, pair.tied) == (1, 0, 2)


def test_without_scores_of_tasks_nothing_is_said_of_them(tmp_path: Path) -> None:
    found = read_published([telemetry(tmp_path / f"{mode}.jsonl", mode) for mode in ("lp", "llm")])
    assert "which choice was better cannot be said" in published_text(found)


def test_jobs_of_different_runs_are_not_paired(tmp_path: Path) -> None:
    files = [telemetry(tmp_path / "a.jsonl", "lp", run="1"), telemetry(tmp_path / "b.jsonl", "llm", run="2")]
    assert pairing(read_published(files).jobs) is None


def test_a_figure_that_one_job_lacks_is_not_given(tmp_path: Path) -> None:
    path = telemetry(tmp_path / "lp.jsonl", "lp")
    path.write_text(path.read_text().replace('"job_score": 1.0', '"job_score": null'))
    assert figures(path)["lp"].score is None


def test_a_cut_off_file_and_a_job_without_an_end_are_noted(tmp_path: Path) -> None:
    path = telemetry(tmp_path / "lp.jsonl", "lp")
    text = path.read_text()
    whole = read_published([path])
    assert (len(whole.jobs), whole.notes) == (3, ())
    path.write_text(text.rstrip("\n").replace("\n", "\n\n"))
    assert read_published([path]) == whole
    path.write_text(text[: text.rindex('{"ts_ms"') - 1000])
    found = read_published([path])
    assert len(found.jobs) == 2
    assert any("was cut off" in note for note in found.notes)
    assert any("job workflowbench-3 of run 20260221-1-lp has no end" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"job_score": 1.0', '"job_score": "good"', "line 6: field 'job_score'"),
        ('"routing_mode": "lp", "lambda', '"lambda', "line 6: "),
        ('"event": "job_costs"', '"event": "job"', "ends a second time"),
        ('"subtask_id": "s0", "task_type"', '"task_type"', "line 5: "),
    ],
)
def test_an_event_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str
) -> None:
    path = telemetry(tmp_path / "lp.jsonl", "lp")
    path.write_text(path.read_text().replace(old, new))
    assert main(["report", str(path)]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert str(path) in said


def test_a_second_result_of_a_task_is_refused(tmp_path: Path) -> None:
    path = telemetry(tmp_path / "lp.jsonl", "lp")
    lines = path.read_text().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if '"event": "subtask"' in line)
    path.write_text("".join((*lines[: number + 1], *lines[number:])))
    with pytest.raises(EventsError, match=rf"line {number + 2}: task 's0' has a second result in the same job"):
        read_published([path])


def test_ours_is_not_taken_for_theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = tmp_path / "events.jsonl"
    ours.write_text('{"event": "run_start", "ts_ms": 1}\n')
    assert published_files(ours) == ()
    assert published_files(tmp_path) == ()
    theirs = telemetry(tmp_path / "theirs" / "telemetry.jsonl", "lp")
    assert main(["report", str(theirs), str(ours)]) == 4
    assert "report them separately" in capsys.readouterr().err
    assert main(["report", str(theirs), "--type=html"]) == 4
    assert "has printed figures only" in capsys.readouterr().err
