"""Answers that are known before a run: of an earlier run, each once, and of an imported table."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.record import JobRecord, Run, TaskStatus
from pytest_swarm.errors import EstimateError
from pytest_swarm.execution.known_answers import read_known_answers, run_answers
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, import_matrix
from tests.execution.lab import dump_fleet
from tests.report.factories import info, key, record


def run_of(*jobs: JobRecord) -> Run:
    return Run(info=info(), jobs=jobs, complete=True)


def test_modes_that_got_the_same_answer_are_one_draw() -> None:
    one, other = record(case=key("lp")), record(case=key("milp"))
    assert len(run_answers(run_of(one)).calls) == len(one.outcomes)
    assert run_answers(run_of(one, other)).calls == run_answers(run_of(one)).calls


def test_answers_that_were_chosen_in_hindsight_say_nothing_of_a_model() -> None:
    """An oracle asks a model where it is right, so its answers make every model look better than it is."""
    own = record(case=key("random"))
    chosen = record(case=key("oracle"))
    better = replace(chosen, outcomes=tuple(replace(each, answer="other", score=1.0) for each in chosen.outcomes))
    assert run_answers(run_of(own, better)).calls == run_answers(run_of(own)).calls


def test_another_answer_to_the_same_task_is_another_draw() -> None:
    one = record()
    changed = replace(one, outcomes=tuple(replace(each, answer=f"{each.answer} indeed") for each in one.outcomes))
    assert len(run_answers(run_of(one, changed)).calls) == 2 * len(one.outcomes)


def test_a_call_without_an_answer_counts_once_a_repeat() -> None:
    def silent(repeat: int) -> JobRecord:
        found = record(case=key(repeat=repeat))
        return replace(found, outcomes=tuple(replace(each, answer=None) for each in found.outcomes))

    assert len(run_answers(run_of(silent(1), silent(1), silent(2))).calls) == 2 * len(silent(1).outcomes)


def test_which_of_two_scores_counts_does_not_depend_on_the_order_of_the_cases() -> None:
    """The cases of a merged run stand in another order than those of a whole one."""

    def scored(mode: str, score: float) -> JobRecord:
        found = record(case=key(mode))
        return replace(found, outcomes=tuple(replace(each, answer=None, score=score) for each in found.outcomes))

    one, other = scored("lp", 0.25), scored("milp", 0.75)
    assert run_answers(run_of(one, other)).calls == run_answers(run_of(other, one)).calls


def test_what_failed_or_was_not_scored_says_nothing_of_a_model() -> None:
    found = record()
    first, second, *rest = found.outcomes
    outcomes = (replace(first, score=None), replace(second, status=TaskStatus.FAILED, score=None), *rest)
    assert len(run_answers(run_of(replace(found, outcomes=outcomes))).calls) == len(rest)


def table(folder: Path) -> Path:
    rows = [
        {"prompt_id": f"q{n}", "prompt": f"Question {n}?", "task": "math", "model": model, "score": (n + at) % 2}
        for n in range(8)
        for at, model in enumerate(("small", "big"))
    ]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_matrix(folder / "t.jsonl", folder / "out", MatrixImport(format="long", batch=2))
    return folder / "out"


def test_a_table_has_every_model_on_every_prompt_and_its_fleet_believes_nothing(tmp_path: Path) -> None:
    folder = table(tmp_path)
    for path in (folder, folder / "answers.jsonl"):
        found = read_known_answers(path)
        assert len(found.calls) == 16
        assert {call.prompt for call in found.calls} == {f"Question {n}?" for n in range(8)}
        assert not any(model.capabilities for model in found.fleet)


@pytest.mark.parametrize(("prior", "made"), [(0.5, True), (0.6, False)])
def test_a_table_whose_priors_are_means_of_its_answers_is_refused(tmp_path: Path, prior: float, made: bool) -> None:
    folder = table(tmp_path)
    fleet = load_fleet(folder / "fleet.toml")
    fleet = replace(fleet, models=tuple(replace(model, capabilities={"math": prior}) for model in fleet))
    (folder / "fleet.toml").write_text(dump_fleet(fleet))  # 0.5: as earlier versions wrote it
    with pytest.raises(EstimateError, match="means of these very answers") if made else nullcontext():
        assert len(read_known_answers(folder).calls) == 16


def test_a_table_without_its_jobs_is_refused(tmp_path: Path) -> None:
    folder = table(tmp_path)
    next((folder / "jobs").iterdir()).unlink()
    with pytest.raises(EstimateError, match=r"has no task .* of which answers\.jsonl has an answer"):
        read_known_answers(folder)


def test_answers_of_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EstimateError, match="has no scored answer of a model of fleet"):
        read_known_answers(table(tmp_path)).table(info().fleet)


def test_a_store_of_answers_has_no_scores_and_the_sentence_says_how_to_get_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store")) as database:
        database.execute("create table answers (text)")
    with pytest.raises(EstimateError, match="texts and no scores; play it with pytest --swarm-backend=measure"):
        read_known_answers(tmp_path / "store")
