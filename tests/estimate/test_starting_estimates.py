"""Estimates start from the fleet, from a file, or from the answers to all other jobs, never the job's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.domain.estimates_info import EstimatesInfo, EstimatesKind
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate.estimates_file import read_estimates, write_estimates
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.estimate.scored_calls import CellKey, ScoredCall, cell_sums
from pytest_swarm.estimate.shrinkage import ShrunkTable, shrunk_table
from pytest_swarm.estimate.starting_estimates import CrossFittedEstimates, TypeTable, estimates_info
from tests.estimate.test_shrinkage import calls, model

FLEET = Fleet(name="f", models=(model("a", math=0.5), model("b")))
TASK = Task(id="t", type=TaskType.MATH, prompt="1 + 1?", estimated_tokens=10)
CALLS = [*calls("a", "math", 1, 1, 0, 1), *calls("b", "math", 0, 1, 0, 0), *calls("b", "code", 1, 1)]


def job(n: int) -> TaskGraph:
    return TaskGraph(name=f"j{n}", tasks=(TASK,))


def table_of(some: list[ScoredCall]) -> ShrunkTable:
    return shrunk_table(cell_sums(some), FLEET)


def cross(some: list[ScoredCall] = CALLS) -> CrossFittedEstimates:
    info = estimates_info(some, table_of(some), kind=EstimatesKind.CROSS, source="run r", learning=True)
    return CrossFittedEstimates(some, FLEET, info=info)


def test_without_answers_the_priors_of_the_fleet_count() -> None:
    start = TypeTable()
    assert start.capability(FLEET["a"], "math") == 0.5
    assert start.capability(FLEET["b"], "math") == 0.5


def test_a_type_without_answers_takes_the_prior_and_without_one_the_models_mean() -> None:
    start = TypeTable.of(table_of([*CALLS, *calls("a", "code", 0, 0, 0)]))
    assert start.capability(FLEET["a"], "math") != 0.5
    assert start.capability(FLEET["b"], "extraction") == pytest.approx(0.5)  # 3 of 6 right
    assert start.capability(FLEET["a"], "summarize") == pytest.approx(3 / 7)


@pytest.mark.parametrize("n", range(4))
def test_a_job_starts_from_the_answers_to_all_others(n: int) -> None:
    others = [call for call in CALLS if call.job != f"j{n}"]
    assert cross().of_job(job(n)) == TypeTable.of(table_of(others))


@pytest.mark.parametrize("n", range(4))
def test_no_job_is_judged_on_an_answer_that_it_learned_from(n: int) -> None:
    turned = [
        ScoredCall(**{name: getattr(call, name) for name in call.__slots__} | {"score": 1 - call.score})
        if call.job == f"j{n}"
        else call
        for call in CALLS
    ]
    assert cross(turned).of_job(job(n)) == cross().of_job(job(n))
    assert cross(turned).of_job(job(9)) != cross().of_job(job(9))


def test_a_type_that_only_the_job_itself_answered_has_the_estimate_of_the_rest() -> None:
    own = calls("b", "poetry", 0, 0, 0)[2:]  # of job j2
    table = cross([*CALLS, *own]).of_job(job(2))
    assert table == cross().of_job(job(2))
    assert table.capability(FLEET["b"], "poetry") == pytest.approx(3 / 5)  # b's answers to j0, j1 and j3


def test_a_job_of_another_name_with_the_same_graph_is_left_out_too() -> None:
    own = [
        ScoredCall(**{name: getattr(each, name) for name in each.__slots__} | {"graph": job(9).digest})
        for each in calls("a", "math", 0, 0, job="copy")
    ]
    assert cross([*CALLS, *own]).of_job(job(9)) == cross(CALLS).of_job(job(9))


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    table = table_of(CALLS)
    info = estimates_info(CALLS, table, kind=EstimatesKind.FILE, source="run r", learning=True)
    write_estimates(table, info, tmp_path / "e.json")
    found = read_estimates(tmp_path / "e.json", FLEET, learning=False)
    assert found.table == TypeTable.of(table)
    assert (found.info.answers, found.info.jobs, found.info.learning) == (10, 4, False)
    assert found.info.rows == info.rows
    assert found.info.sentence.startswith("estimates are shrunk from 10 answers to 4 jobs of e.json (from run r)")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": "swarm-estimates/2"}, "newer than swarm-estimates/1; update pytest-swarm"),
        ({"estimates": []}, "no model of fleet"),
        ({"answers": 0}, "answers"),
        ({"estimates": [{"model": "a"}]}, "is missing"),
        ({"estimates": [2 * ["x"]]}, "estimates"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    table = table_of(CALLS)
    info = estimates_info(CALLS, table, kind=EstimatesKind.FILE, source="run r", learning=True)
    path = tmp_path / "e.json"
    write_estimates(table, info, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EstimateError, match=sentence) as error:
        read_estimates(path, FLEET, learning=True)
    assert str(path) in str(error.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EstimateError, match=r"e\.json: there is no such file; make it with python -m pytest_swarm"):
        read_estimates(tmp_path / "e.json", FLEET, learning=True)


def test_an_estimator_starts_there_and_follows_answers_unless_learning_is_off() -> None:
    start = TypeTable(cells={CellKey("a:latest", "math"): 0.9})
    fixed = Estimator(FLEET, start=start, learning=False)
    moving = Estimator(FLEET, start=start)
    for each in (fixed, moving):
        assert each.table([TASK]).quality[0, 0] == pytest.approx(0.9)
        each.learn(TASK, "a", score=0.0, used_tokens=100)
    assert (fixed.capability("a", "math"), fixed.token_factor("a")) == (0.9, 1.0)
    assert moving.capability("a", "math") == pytest.approx(0.8 * 0.9)
    assert moving.token_factor("a") == pytest.approx(0.8 + 0.2 * 10)


def test_the_sentence_of_priors_says_whether_they_follow() -> None:
    info = EstimatesInfo(kind=EstimatesKind.PRIOR, learning=False)
    assert info.sentence == (
        "estimates start from the fleet file's priors; they do not follow answers (--swarm-learning=off)"
    )
