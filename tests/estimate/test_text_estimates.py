"""The text of a prompt counts where cross-validation says that it adds something to the type, and not otherwise."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.estimates_table import HeldOut
from pytest_swarm.domain.estimates_info import EstimatesInfo, EstimatesKind
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.estimate.scored_calls import ScoredCall
from pytest_swarm.estimate.text_estimates import TextEstimates, text_weight
from pytest_swarm.estimate.text_model import TextModel
from tests.estimate.test_shrinkage import model

FLEET = Fleet(name="f", models=(model("a"), model("b")))
INFO = EstimatesInfo(kind=EstimatesKind.TEXT, learning=True, source="run r", answers=1, jobs=1)
TOO_FEW = "the text of prompts needs answers of several models to tasks of several jobs, so the type decides"
WORDS = ("river", "stone", "cloud", "paper", "glass", "metal", "north", "seven")


def prompt(n: int, *, hard: bool) -> str:
    rng = np.random.default_rng(n)
    return " ".join([*rng.choice(WORDS, 5), "integral" if hard else "sum"])


def calls(*, told: bool, jobs: int = 60, turned: str = "") -> Iterator[ScoredCall]:
    """Answers of two models; where `told`, the text says which task model b fails. Job `turned` has the contrary."""
    rng = np.random.default_rng(5)
    for n in range(jobs):
        hard = bool(rng.integers(2))
        for tag, right in (("a", 0.8), ("b", 0.1 if hard else 0.95)):
            share = right if told else 0.6
            score = float(rng.random() < share)
            score = 1.0 - score if f"j{n}" == turned else score
            yield ScoredCall(
                job=f"j{n}",
                graph=f"g{n}",
                task="t",
                type="math",
                difficulty=1.0,
                prompt=prompt(n, hard=hard),
                model=tag,
                score=score,
            )


def graph(name: str, *, hard: bool) -> TaskGraph:
    return TaskGraph(name=name, tasks=(Task(id="t", type="math", prompt=prompt(999, hard=hard), estimated_tokens=10),))


def quality(found: TextEstimates, job: TaskGraph) -> list[float]:
    table = Estimator(FLEET, start=found.of_job(job)).table(job.tasks)
    return [float(value) for value in table.quality[:, 0]]


@pytest.fixture(autouse=True)
def _needs_sklearn() -> None:
    pytest.importorskip("sklearn")


def test_text_that_tells_counts() -> None:
    found = TextEstimates(calls(told=True), FLEET, info=INFO)
    assert found.info.text is not None
    assert found.info.text.startswith("the text of prompts has weight ")
    assert "the text of prompts has weight" in found.info.sentence
    _, hard = quality(found, graph("new", hard=True))
    _, easy = quality(found, graph("new", hard=False))
    assert easy - hard > 0.1


def test_text_that_tells_how_hard_a_task_is_for_all_models_alike_says_nothing_to_a_router() -> None:
    alike = [
        ScoredCall(**{n: getattr(each, n) for n in each.__slots__} | {"score": float("sum" in each.prompt)})
        for each in calls(told=True)
    ]
    found = TextEstimates(alike, FLEET, info=INFO)
    assert found.info.text is not None
    assert found.info.text.startswith("the text of prompts adds nothing")


def test_answers_of_one_model_to_each_task_are_too_few() -> None:
    single = [each for n, each in enumerate(calls(told=True)) if n % 4 in (0, 3)]
    assert TextEstimates(single, FLEET, info=INFO).info.text == TOO_FEW


def test_text_that_tells_nothing_leaves_the_type_to_decide() -> None:
    found = TextEstimates(calls(told=False), FLEET, info=INFO)
    assert found.info.text is not None
    assert found.info.text.startswith("the text of prompts adds nothing, so the type decides")
    assert quality(found, graph("new", hard=True)) == quality(found, graph("new", hard=False))


def test_groups_that_decide_otherwise_than_all_jobs_are_told() -> None:
    found = TextEstimates(calls(told=True, jobs=24), FLEET, info=INFO)
    assert found.weight == 0.0
    assert found.info.text is not None
    assert found.info.text.startswith("the text of prompts adds nothing")
    assert "; it is 0.00 to 1.00 over 10 groups of jobs, each decided by the others' answers" in found.info.text
    assert "groups of jobs" not in str(TextEstimates(calls(told=False), FLEET, info=INFO).info.text)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ((0.0, 0.0), "the text adds nothing in any of the 5 folds, so its row is that of the type"),
        ((0.0, 1.0), "the text has weight 0.00, 1.00 in the 5 folds"),
    ],
)
def test_the_table_says_the_weight_of_every_fold(weights: tuple[float, ...], said: str) -> None:
    none = np.zeros(0)
    found = HeldOut(weak=none, strong=none, fold=np.zeros(0, dtype=np.int64), gains={}, text_weights=weights)
    assert found.said == said


def test_no_job_is_judged_on_an_answer_that_it_learned_from() -> None:
    before = TextEstimates(calls(told=True), FLEET, info=INFO)
    after = TextEstimates(calls(told=True, turned="j7"), FLEET, info=INFO)
    for hard in (True, False):
        assert quality(before, graph("j7", hard=hard)) == quality(after, graph("j7", hard=hard))
        assert quality(before, graph("j8", hard=hard)) != quality(after, graph("j8", hard=hard))


def test_the_same_answers_give_the_same_estimates() -> None:
    first, second = (TextEstimates(calls(told=True), FLEET, info=INFO) for _ in range(2))
    assert quality(first, graph("j3", hard=True)) == quality(second, graph("j3", hard=True))
    assert first.info == second.info


def test_one_job_is_too_few_to_decide() -> None:
    found = TextEstimates(calls(told=True, jobs=1), FLEET, info=INFO)
    assert found.info.text == TOO_FEW
    assert len(quality(found, graph("new", hard=True))) == 2


def test_two_jobs_are_enough_for_jobs_that_are_neither() -> None:
    two = [
        ScoredCall(
            **{n: getattr(each, n) for n in each.__slots__}
            | {"job": f"j{k % 2}", "graph": f"g{k % 2}", "task": f"t{k}"}
        )
        for n, each in enumerate(calls(told=True))
        for k in [n // 2]
    ]
    found = TextEstimates(two, FLEET, info=INFO)
    assert found.info.text != TOO_FEW
    assert found.weight > 0.0
    assert quality(found, graph("j0", hard=True)) == quality(
        found, graph("j0", hard=False)
    )  # one other job is no choice


def test_a_model_that_is_always_right_and_one_without_answers() -> None:
    right = [each for each in calls(told=True) if each.model == "a"]
    always = [ScoredCall(**{n: getattr(each, n) for n in each.__slots__} | {"score": 1.0}) for each in right]
    found = TextEstimates(always, FLEET, info=INFO)
    assert quality(found, graph("new", hard=True)) == [pytest.approx(1.0), 0.5]
    assert TextModel(always).predict("b:latest", [("math", "sum")]) is None
    assert TextModel(always).predict("a:latest", [("math", "sum")]) == pytest.approx([1.0])


def test_the_weight_by_its_formula() -> None:
    actual, by_type = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])
    found = text_weight(actual, by_type, np.array([0.9, 0.1, 0.9, 0.1]), list("wxyz"))
    assert found.weight == 1.0  # 1.25, clipped
    assert (found.by_type, found.by_both) == (pytest.approx(0.25), pytest.approx(0.01))
    half = text_weight(actual, by_type, np.array([1.5, 0.1, 1.5, 0.1]), list("wxyz"))
    assert half.weight == pytest.approx((1.0 * 0.5 + 0.4 * 0.5) / (1.0 + 0.16))
    assert text_weight(actual, by_type, 1 - actual, list("wxyz")).weight == 0.0


def test_a_gain_within_its_standard_error_is_none() -> None:
    actual = np.array([1.0, 0.0, 0.0, 1.0])
    by_type = np.full(4, 0.5)
    by_text = np.array([0.9, 0.5, 0.5, 0.5])
    assert text_weight(actual, by_type, by_text, list("wxyz")).weight == 0.0  # one job of four says so
    assert text_weight(actual, by_type, by_text, list("wwww")).weight == 0.0  # and one job says nothing


def test_without_scikit_learn_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, package: str | None = None) -> object:
        raise ImportError(name, package)

    monkeypatch.setattr("pytest_swarm.estimate.text_model.import_module", missing)
    with pytest.raises(EstimateError, match=r"needs scikit-learn.*pip install scikit-learn"):
        TextEstimates(calls(told=True), FLEET, info=INFO)
    assert importlib.import_module("sklearn")
