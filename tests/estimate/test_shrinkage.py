"""Observed means are shrunk to priors by the strength that the answers give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import TaskType
from pytest_swarm.estimate.scored_calls import CellKey, CellSums, ScoredCall, cell_sums
from pytest_swarm.estimate.shrinkage import LEAST_STRENGTH, shrunk_mean, shrunk_table


def model(tag: str, **priors: float) -> Model:
    capabilities = {TaskType(name): prior for name, prior in priors.items()}
    return Model(tag=tag, vram_gb=1, load_time_ms=0, cost_per_token=1, max_ctx=8192, capabilities=capabilities)


def calls(tag: str, kind: str, *scores: float, difficulty: float = 1.0, job: str = "j") -> list[ScoredCall]:
    return [
        ScoredCall(
            job=f"{job}{n}",
            graph=f"g{job}{n}",
            task="t",
            type=kind,
            difficulty=difficulty,
            prompt="p",
            model=tag,
            score=s,
        )
        for n, s in enumerate(scores)
    ]


ONE = Fleet(name="one", models=(model("a", math=0.5, code=0.5),))


def test_the_strength_is_within_over_between_by_hand() -> None:
    table = shrunk_table(cell_sums([*calls("a", "math", 1, 1, 1, 0), *calls("a", "code", 0, 0, 0, 0)]), ONE)
    within = 0.75 / 6  # of the two cells: 4 * 0.75 * 0.25, over 3 + 3
    between = (4 * 0.25**2 + 4 * 0.5**2 - 2 * within) / 8
    assert table.strength == pytest.approx(max(LEAST_STRENGTH, within / between))
    assert table.strength == LEAST_STRENGTH
    math_cell = table.cells[CellKey("a:latest", "math")]
    assert (math_cell.mean, math_cell.count, math_cell.prior) == (0.75, 4, 0.5)
    assert math_cell.estimate == pytest.approx((0.5 + 4 * 0.75) / 5)


@pytest.mark.parametrize("scores", [(0.5, 0.6, 0.9), (0.7, 0.7), (1.0, 0.0, 0.0, 1.0, 0.25)])
def test_the_scatter_is_the_sum_of_squared_deviations(scores: tuple[float, ...]) -> None:
    (sums,) = cell_sums(calls("a", "math", *scores)).values()
    assert sums.scatter == pytest.approx(np.var(scores) * len(scores), abs=1e-12)
    assert CellSums().scatter == 0.0


def test_means_that_differ_by_chance_only_are_left_at_the_prior() -> None:
    table = shrunk_table(cell_sums([*calls("a", "math", 1, 0, 1, 0), *calls("a", "code", 1, 0)]), ONE)
    assert table.strength == math.inf
    assert {cell.estimate for cell in table.cells.values()} == {0.5}


@pytest.mark.parametrize("strength", [4.0, 20.0, 100.0])
def test_it_finds_the_strength_of_a_beta_binomial(strength: float) -> None:
    rng = np.random.default_rng(7)
    sums, priors = {}, {}
    for n in range(4000):
        prior = float(rng.uniform(0.3, 0.8))
        size = int(rng.integers(5, 60))
        right = int(rng.binomial(size, rng.beta(strength * prior, strength * (1 - prior))))
        sums[CellKey(f"m{n}:latest", "math")] = CellSums(size, right, right)
        priors[f"m{n}"] = prior
    fleet = Fleet(name="many", models=tuple(model(tag, math=prior) for tag, prior in priors.items()))
    assert shrunk_table(sums, fleet).strength == pytest.approx(strength, rel=0.15)


def test_it_finds_the_strength_around_the_models_own_mean_where_the_fleet_names_none() -> None:
    rng = np.random.default_rng(11)
    sums = {}
    for tag in ("a", "b", "c"):
        for n in range(600):
            size = int(rng.integers(5, 40))
            right = int(rng.binomial(size, rng.beta(10 * 0.6, 10 * 0.4)))
            sums[CellKey(f"{tag}:latest", f"type{n}")] = CellSums(size, right, right)
    fleet = Fleet(name="f", models=tuple(map(model, "abc")))
    table = shrunk_table(sums, fleet)
    assert table.strength == pytest.approx(10, rel=0.15)
    assert table.rest["a:latest"] == pytest.approx(0.6, abs=0.02)
    assert {cell.prior for cell in table.cells.values() if cell.model == "a"} == {table.rest["a:latest"]}


def test_shrunk_means_are_nearer_to_the_truth_than_priors_and_than_raw_means() -> None:
    rng = np.random.default_rng(3)
    truth = {CellKey("a:latest", f"t{n}"): float(rng.beta(6, 4)) for n in range(400)}
    sums = {}
    for key, share in truth.items():
        right = int(rng.binomial(8, share))
        sums[key] = CellSums(8, right, right)
    table = shrunk_table(sums, Fleet(name="f", models=(model("a"),)))

    def error(of: dict[CellKey, float]) -> float:
        return sum((of[key] - truth[key]) ** 2 for key in truth)

    shrunk = error({key: cell.estimate for key, cell in table.cells.items()})
    assert shrunk < 0.9 * error({key: cell.mean for key, cell in table.cells.items()})
    assert shrunk < 0.9 * error({key: cell.prior for key, cell in table.cells.items()})


def test_a_hard_task_counts_for_what_it_would_be_worth_at_difficulty_one() -> None:
    (sums,) = cell_sums(calls("a", "math", 0.5, difficulty=3.0)).values()
    assert sums.mean == pytest.approx(0.5 + 2 * 0.06)


def test_estimates_stay_in_range_and_models_that_the_fleet_lacks_are_left_out() -> None:
    table = shrunk_table(cell_sums([*calls("a", "math", 1, 1, difficulty=5), *calls("b", "math", 1)]), ONE)
    assert [cell.model for cell in table.cells.values()] == ["a"]
    assert all(0 <= cell.estimate <= 1 for cell in table.cells.values())


def test_no_answers_are_no_strength() -> None:
    assert shrunk_table({}, ONE).strength is None


def test_the_shrunk_mean_by_its_formula() -> None:
    assert shrunk_mean(prior=0.4, mean=0.8, count=6, strength=2) == pytest.approx(0.7)
    assert shrunk_mean(prior=0.4, mean=0.8, count=6, strength=math.inf) == 0.4


def test_the_table_is_the_same_to_the_last_digit_in_any_order_of_the_answers() -> None:
    fleet = Fleet(name="two", models=(model("a", math=0.5), model("b", code=0.4)))
    some = [
        call
        for n, tag in enumerate(("a", "b"))
        for at, kind in enumerate(("math", "code", "other"))
        for call in calls(tag, kind, *(math.sin(k + 7 * n + 3 * at) ** 2 for k in range(23)), difficulty=3.0)
    ]
    orders = [some, some[::-1], some[1::2] + some[::2], sorted(some, key=lambda call: call.score)]
    whole, *others = [shrunk_table(cell_sums(each), fleet) for each in orders]
    assert others == [whole] * 3
