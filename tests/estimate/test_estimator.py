"""The estimates follow the published formulas, and learn from what was observed only."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate import estimate_formulas
from pytest_swarm.estimate.estimate_table import EstimateTable
from pytest_swarm.estimate.estimator import Estimator

QWEN = Model(
    tag="qwen2.5-coder:7b",
    vram_gb=6.5,
    load_time_ms=1200,
    cost_per_token=1.2,
    max_ctx=500,
    capabilities={TaskType.EXTRACTION: 0.6},
)
FLEET = Fleet(name="one", models=(QWEN,))
TASK = Task(id="s0", type=TaskType.EXTRACTION, prompt="x" * 40, estimated_tokens=200, difficulty=1.5)


def test_table_of_the_published_example() -> None:
    table = Estimator(FLEET).table([TASK])
    assert table.quality[0, 0] == pytest.approx(0.57)  # 0.6 - 0.06 * 0.5
    assert table.token_cost[0, 0] == pytest.approx(0.24)  # 1.2 * 200 / 1000
    assert table.load_cost[0] == pytest.approx(0.8)  # 1200 / 1500
    assert table.allowed[0, 0]


def test_a_type_without_a_prior_is_neutral() -> None:
    assert Estimator(FLEET).capability(QWEN.tag, TaskType.MATH) == 0.5


def test_a_type_may_be_any_word_and_the_rest_has_a_prior_of_its_own() -> None:
    model = replace(QWEN, capabilities={"Tort Law": 0.7, "*": 0.3})
    estimator = Estimator(Fleet(name="one", models=(model,)))
    tort = replace(TASK, type=" tort law ")
    assert estimator.capability(QWEN.tag, tort.type) == 0.7
    assert estimator.capability(QWEN.tag, "maths") == 0.3
    estimator.learn(replace(TASK, type="Maths"), QWEN.tag, score=1.0, used_tokens=None)
    assert estimator.capability(QWEN.tag, "maths") == pytest.approx(0.8 * 0.3 + 0.2)
    assert estimator.capability(QWEN.tag, "other") == 0.3
    assert estimator.table([tort]).quality[0, 0] == pytest.approx(0.7 - 0.06 * 0.5)


def test_context_length_excludes_a_model() -> None:
    long = Task(id="s1", type=TaskType.CODE, prompt="x", estimated_tokens=501)
    assert not Estimator(FLEET).table([long]).allowed[0, 0]


def test_quality_and_token_use_follow_what_was_observed() -> None:
    estimator = Estimator(FLEET)
    estimator.learn(TASK, QWEN.tag, score=1.0, used_tokens=400)
    assert estimator.capability(QWEN.tag, TaskType.EXTRACTION) == pytest.approx(0.8 * 0.6 + 0.2)
    assert estimator.token_factor(QWEN.tag) == pytest.approx(0.8 + 0.2 * 2)


def test_a_table_after_an_outcome_or_with_another_context_is_not_the_one_before() -> None:
    estimator = Estimator(FLEET)
    first = estimator.table([TASK])
    assert estimator.table([replace(TASK, id="other")]).quality[0, 0] == first.quality[0, 0]
    estimator.learn(TASK, QWEN.tag, score=1.0, used_tokens=400)
    after = estimator.table([TASK])
    assert after.quality[0, 0] == pytest.approx(0.8 * 0.6 + 0.2 - 0.03)
    assert after.token_cost[0, 0] == pytest.approx(0.24 * 1.2)
    assert after.start is not None
    assert after.start[0, 0] == 0.6
    narrow = Fleet(name="one", models=(replace(QWEN, num_ctx=100),))
    assert estimator.table([TASK], prompts={"s0": 150}).allowed[0, 0]
    assert not estimator.table([TASK], fleet=narrow, prompts={"s0": 150}).allowed[0, 0]
    assert estimator.table([TASK], prompts={"s0": 150}).allowed[0, 0]


def test_an_outcome_changes_the_estimates_of_its_model_and_type_only() -> None:
    estimator = Estimator(Fleet(name="two", models=(QWEN, replace(QWEN, tag="other"))))
    code = replace(TASK, id="s1", type=TaskType.CODE, difficulty=1.0)
    estimator.learn(TASK, "other", score=1.0, used_tokens=400)
    table = estimator.table([TASK, code])
    assert table.quality == pytest.approx(np.array([[0.57, 0.5], [0.65, 0.5]]))
    assert table.token_cost == pytest.approx(np.array([[0.24, 0.24], [0.288, 0.288]]))
    assert table.start is not None
    assert table.start == pytest.approx(np.array([[0.6, 0.5], [0.6, 0.5]]))


def test_what_was_not_observed_teaches_nothing() -> None:
    estimator = Estimator(FLEET)
    estimator.learn(TASK, QWEN.tag, score=None, used_tokens=None)
    assert estimator.capability(QWEN.tag, TaskType.EXTRACTION) == 0.6
    assert estimator.token_factor(QWEN.tag) == 1.0


def test_latency_is_silent_without_speeds_and_counts_with_them() -> None:
    assert Estimator(FLEET).table([TASK]).latency_s[0, 0] == 0
    fast = replace(QWEN, prefill_tokens_per_s=100, decode_tokens_per_s=19)
    estimator = Estimator(Fleet(name="one", models=(fast, replace(fast, tag="other", prefill_tokens_per_s=None))))
    before = estimator.table([TASK])
    assert estimator.table([TASK]).latency_s[:, 0] == pytest.approx([10 / 100 + 190 / 19, 190 / 19])
    estimator.learn(TASK, QWEN.tag, score=None, used_tokens=400)
    assert estimator.table([TASK]).latency_s[0, 0] == pytest.approx(10 / 100 + (200 * 1.2 - 10) / 19)
    assert before.latency_s[0, 0] == pytest.approx(10 / 100 + 190 / 19)


@given(st.floats(0, 1), st.floats(1, 5))
def test_quality_stays_in_range(capability: float, difficulty: float) -> None:
    assert 0 <= estimate_formulas.quality(capability, difficulty) <= capability


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)), max_size=30))
def test_token_factor_stays_within_its_clip(uses: list[tuple[int, int]]) -> None:
    factor = 1.0
    for used, estimated in uses:
        factor = estimate_formulas.learned_token_factor(factor, used, estimated)
        assert 0.1 <= factor <= 10


@pytest.mark.parametrize(("used", "estimated", "factor"), [(1, 1000, 0.82), (1000, 1, 2.8), (30, 20, 1.1)])
def test_one_freak_answer_moves_the_token_factor_by_a_bounded_step(used: int, estimated: int, factor: float) -> None:
    assert estimate_formulas.learned_token_factor(1.0, used, estimated) == pytest.approx(factor)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["quality", "token_cost", "latency_s", "load_cost", "start"])
def test_a_figure_that_is_not_finite_is_refused(name: str, bad: float) -> None:
    figures = {each: np.zeros((2, 1)) for each in ("quality", "token_cost", "latency_s", "start")}
    figures["load_cost"] = np.zeros(2)
    figures[name][1] = bad
    latency, allowed = figures.pop("latency_s"), np.ones((2, 1), dtype=bool)
    with pytest.raises(EstimateError, match=rf"{name} of model 'm1' is not finite"):
        assert EstimateTable(
            models=("m0", "m1"), tasks=("t",), allowed=allowed, latency=lambda: latency, **figures
        ).latency_s.any()
