"""Imported tables as jobs: the public figures come out of a run to the digit, and nothing is invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from pytest_swarm import load_fleet, load_graph
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.errors import MatrixError, ProfileError
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, import_matrix
from pytest_swarm.workloads.matrices.matrix_jobs import task_type

ROUTELLM = Path(__file__).parents[4] / "shared" / "data" / "matrices" / "routellm_mmlu_small.jsonl"
SCORES = {"small": (1 / 3, 1.0, 0.0, 0.25), "big/model-70B": (0.9, 0.5, 0.125, 0.0)}


def table(path: Path, *, prompts: int = 4, **also: object) -> Path:
    rows = [
        {"prompt_id": f"q{n}", "prompt": f"Question {n}?", "model": model, "score": known[n % 4], **also}
        for n in range(prompts)
        for model, known in SCORES.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def play(folder: Path, mode: str) -> list[JobRecord]:
    fleet = load_fleet(folder / "fleet.toml")
    backend = simulated_backend(SimulatedWorld(profile=load_profile(folder / "profile.toml")), fleet)
    with Bench(backend=backend, fleet=fleet) as bench:
        return [
            bench.run(Case(graph=load_graph(path), key=CaseKey(mode=mode, horizon=0, vram_budget_gb=len(fleet))))
            for path in sorted((folder / "jobs").iterdir())
        ]


def mean_score(records: list[JobRecord]) -> float:
    found = [JobFacts(record=each).score for each in records]
    return fmean(each for each in found if each is not None)


def test_single_models_get_their_mean_to_the_digit_and_the_oracle_the_best_of_each_row(tmp_path: Path) -> None:
    import_matrix(table(tmp_path / "t.jsonl"), tmp_path / "out", MatrixImport(format="long", batch=2))
    for model, known in SCORES.items():
        assert mean_score(play(tmp_path / "out", f"single:{model}")) == pytest.approx(fmean(known), abs=1e-15)
    best = [max(row) for row in zip(*SCORES.values(), strict=True)]
    assert mean_score(play(tmp_path / "out", "oracle")) == pytest.approx(fmean(best), abs=1e-15)


def test_what_was_not_measured_stays_null(tmp_path: Path) -> None:
    import_matrix(table(tmp_path / "t.jsonl"), tmp_path / "out", MatrixImport(format="long", batch=4))
    (record,) = play(tmp_path / "out", "single:small")
    for outcome in record.outcomes:
        assert outcome.prompt_tokens is outcome.completion_tokens is outcome.token_cost is outcome.latency_s is None
    metrics = job_metrics(record)
    assert metrics.makespan_s is metrics.total_latency_s is metrics.token_cost is metrics.prompt_tokens is None


def test_measured_tokens_costs_and_latencies_come_through(tmp_path: Path) -> None:
    source = table(tmp_path / "t.jsonl", prompt_tokens=30, completion_tokens=12, cost=0.00021, latency_s=1.5)
    import_matrix(source, tmp_path / "out", MatrixImport(format="long", batch=2))
    record, other = play(tmp_path / "out", "single:small")
    for outcome in (*record.outcomes, *other.outcomes):
        assert (outcome.prompt_tokens, outcome.completion_tokens) == (30, 12)
        assert outcome.token_cost == pytest.approx(210)  # millionths of a USD
        assert outcome.latency_s == pytest.approx(1.5)
    assert load_fleet(tmp_path / "out" / "fleet.toml")["small"].cost_per_token == pytest.approx(5.0)
    assert {task.estimated_tokens for task in record.case.graph.tasks} == {42}


def test_the_tokens_of_an_answer_are_estimated_from_other_jobs(tmp_path: Path) -> None:
    source = table(tmp_path / "t.jsonl", prompt_tokens=30, completion_tokens=12)
    (graph,) = import_matrix(source, tmp_path / "one", MatrixImport(format="long", batch=4)).jobs.graphs
    assert {task.estimated_tokens for task in graph.tasks} == {130}  # no other job: an assumed number
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    for row in rows:
        row["task"] = "law" if row["prompt_id"] in ("q0", "q2", "q1") else "math"
        row["completion_tokens"] = {"q0": 10, "q1": 50, "q2": 30, "q3": 70}[row["prompt_id"]]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    graphs = import_matrix(source, tmp_path / "two", MatrixImport(format="long", batch=2)).jobs.graphs
    found = {task.id: task.estimated_tokens - 30 for graph in graphs for task in graph.tasks}
    # jobs are q0, q2 and q1, q3; no other job has math, so q3 takes what the other job has
    assert found == {"q0": 50, "q2": 50, "q1": 20, "q3": 20}


def test_jobs_are_equal_so_that_the_mean_over_jobs_is_the_mean_over_prompts(tmp_path: Path) -> None:
    found = import_matrix(
        table(tmp_path / "t.jsonl", prompts=36), tmp_path / "even", MatrixImport(format="long", batch=10)
    )
    assert {len(each) for each in found.jobs.graphs} == {9}
    found = import_matrix(
        table(tmp_path / "t.jsonl", prompts=37), tmp_path / "odd", MatrixImport(format="long", batch=10)
    )
    assert "some jobs have a prompt less" in found.text()
    assert sorted(len(each) for each in found.jobs.graphs) == [9, 9, 9, 10]
    assert sum(len(each) for each in found.jobs.graphs) == 37


def test_a_small_table_makes_enough_jobs_for_an_interval(tmp_path: Path) -> None:
    how = MatrixImport(format="long")
    found = import_matrix(table(tmp_path / "t.jsonl", prompts=60), tmp_path / "out", how)
    assert [len(each) for each in found.jobs.graphs] == [3] * 20
    assert how.job_size(10_000) == 200


@pytest.mark.skipif(not ROUTELLM.exists(), reason="the public sample is not part of the project")
def test_the_published_sample_gives_its_published_counts(tmp_path: Path) -> None:
    import_matrix(ROUTELLM, tmp_path / "out", MatrixImport(format="long"))
    counts: Mapping[str, int] = {
        "single:mistralai/Mixtral-8x7B-Instruct-v0.1": 135,
        "single:gpt-4-1106-preview": 156,
        "oracle": 171,
    }
    for mode, right in counts.items():
        assert mean_score(play(tmp_path / "out", mode)) == pytest.approx(right / 200, abs=1e-12)
    drawn = mean_score(play(tmp_path / "out", "random"))
    assert abs(drawn - (135 + 156) / 400) < 4 * (51 / 4) ** 0.5 / 200  # 51 prompts differ: each is the toss of a coin


def test_a_prompt_without_a_measured_answer_is_refused_and_not_drawn(tmp_path: Path) -> None:
    import_matrix(table(tmp_path / "t.jsonl"), tmp_path / "out", MatrixImport(format="long"))
    answers = tmp_path / "out" / "answers.jsonl"
    answers.write_text("".join(answers.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ProfileError, match="has no measured answer of small to task 'q0' of job 't-1'"):
        play(tmp_path / "out", "random")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 1: is not valid JSON"),
        ('{"job": "j", "task": "t", "model": "m"}', "line 1: 'score' is missing"),
        ('{"job": "j", "task": "t", "model": "m", "score": 2}', "line 1: 'score' is 2, but must be from 0 to 1"),
        ('{"job": "j", "task": "t", "model": "m", "score": 1, "cots": 2}', "line 1: unknown key 'cots'"),
        ('{"job": "j", "task": "t", "model": "m", "score": 1}\n' * 2, "line 2: is a second line of task 't'"),
    ],
)
def test_a_damaged_file_of_answers_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    import_matrix(table(tmp_path / "t.jsonl"), tmp_path / "out", MatrixImport(format="long"))
    (tmp_path / "out" / "answers.jsonl").write_text(line)
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "out" / "profile.toml")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"format": "parquet"}, "format 'parquet' is not known; known are long, routerbench"),
        ({"format": "long", "batch": 0}, "batch is 0, but a job needs at least 1 prompt"),
        ({"format": "long", "name": "a/b"}, "name 'a/b': must consist of letters"),
    ],
)
def test_an_import_that_cannot_be_is_refused_at_once(how: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MatrixError) as caught:
        MatrixImport(**how)
    assert sentence in str(caught.value)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source, how = table(tmp_path / "t.jsonl"), MatrixImport(format="long")
    import_matrix(source, tmp_path / "out", how)
    with pytest.raises(MatrixError, match="exists already; choose another --out"):
        import_matrix(source, tmp_path / "out", how)


@pytest.mark.parametrize(
    ("dataset", "kind"),
    [
        ("high_school_mathematics", "high_school_mathematics"),
        ("GSM8K", "gsm8k"),
        ("two\n words", "two words"),
        ("x" * 99, "x" * 60),
        ("*", "general"),
        (None, "general"),
    ],
)
def test_the_type_is_the_data_set(dataset: str | None, kind: str) -> None:
    assert task_type(dataset) == kind


def test_the_written_folder_runs_from_anywhere(tmp_path: Path, pytester: Any) -> None:
    import_matrix(table(tmp_path / "t.jsonl", prompts=8), tmp_path / "out", MatrixImport(format="long", batch=4))
    result = pytester.runpytest(
        str(tmp_path / "out"), "-p", "no:cacheprovider", f"--swarm-report=json:{tmp_path / 'report.json'}"
    )
    result.assert_outcomes(passed=2 * 6)
    modes = json.loads((tmp_path / "report.json").read_text())["modes"]
    assert modes["oracle"]["score"] == pytest.approx((0.9 + 1.0 + 0.125 + 0.25) / 4)
    assert modes["random"]["makespan_s"] is None


def test_models_that_no_server_would_take_by_their_names_are_called_otherwise(tmp_path: Path) -> None:
    scores = {"GPT-4o mini (v2)": 0.25, "01.ai/Yi": 0.5, "-rf": 1.0, "gpt:20b-cloud": 0.75, "M/a-b.1:q4": 0.125}
    file = tmp_path / "t.jsonl"
    rows = [{"prompt_id": "a", "prompt": "?", "model": name, "score": score} for name, score in scores.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    how = MatrixImport(format="long", models=tuple(scores))
    imported = import_matrix(file, tmp_path / "out", how)
    assert imported.matrix.models == ("GPT-4o-mini-v2", "01.ai-Yi", "rf", "gpt-20b-cloud", "M/a-b.1:q4")
    assert "note: model 'GPT-4o mini (v2)' is called GPT-4o-mini-v2\n" in imported.text()
    for tag, score in zip(imported.matrix.models, scores.values(), strict=True):
        (job,) = play(tmp_path / "out", f"single:{tag}")
        assert job.outcomes[0].score == score


@pytest.mark.parametrize("names", [("a b", "a-b"), ("日本", "b")])
def test_models_that_would_get_one_name_or_none_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    file = tmp_path / "t.csv"
    file.write_text("prompt,model,score\n" + "".join(f"q,{name},1\n" for name in names), encoding="utf-8")
    with pytest.raises(MatrixError, match=r"model .* cannot be told apart by letters of A to Z.*; rename it"):
        import_matrix(file, tmp_path / "out", MatrixImport(format="long"))


def test_an_import_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    table = tmp_path / "t.csv"
    table.write_text("prompt,model,score\na,m,1\na,n,0\n")
    with monkeypatch.context() as patched:
        patched.setattr("pytest_swarm.workloads.matrices.import_matrix._profile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            import_matrix(table, tmp_path / "out", MatrixImport(format="long"))
    assert list((tmp_path / "out").iterdir()) == []
    import_matrix(table, tmp_path / "out", MatrixImport(format="long"))
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert names == ["answers.jsonl", "fleet.toml", "jobs", "profile.toml", "pytest.ini", "test_matrix.py"]
