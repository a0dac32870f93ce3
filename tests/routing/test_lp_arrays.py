"""The relaxation by HiGHS alone: the arrays that CVXPY hands to it, and so its solutions, ties included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from pytest_swarm.routing import lp
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp import LpRouter, formulate
from pytest_swarm.routing.lp_arrays import HighsRelaxation, lp_arrays
from pytest_swarm.routing.lp_rounding import SOLVERS, LpRelaxation
from pytest_swarm.routing.program import program_of
from tests.instances import random_view, tied

MODE, HIGHS = LpRouter(), HighsRelaxation()


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (2, 5), (1, 1)], ids=str)
def test_highs_is_given_what_cvxpy_gives_it(shape: tuple[int, int]) -> None:
    models, tasks = shape
    draw = np.random.default_rng(models * 10 + tasks)
    allowed = (draw.random(shape) < 0.8).astype(float)
    keep = (draw.random(models) < 0.3).astype(float)
    vram_gb, worth = draw.uniform(1, 12, models), draw.normal(size=shape)
    program = formulate(allowed, keep)
    program.worth.value, program.load.value = worth.ravel(), draw.random(models)
    program.vram_gb.value, program.budget_gb.value = vram_gb, 8.0
    given = program.problem.get_problem_data(cp.HIGHS)[0]
    ours = lp_arrays(allowed, keep, vram_gb, 8.0)
    matrix = given["A"].tocsc()
    assert ours.start.tolist() == matrix.indptr.tolist()
    assert ours.index.tolist() == matrix.indices.tolist()
    assert ours.value.tolist() == matrix.data.tolist()
    assert ours.row_high.tolist() == given["b"].tolist()
    assert (ours.row_low[:tasks] == 1).all()
    assert np.isneginf(ours.row_low[tasks:]).all()
    assert ours.lower.tolist() == given["lower_bounds"].tolist()
    assert ours.upper.tolist() == given["upper_bounds"].tolist()
    cost = [*(-worth.T.ravel()), *program.load.value]
    assert np.array(cost) == pytest.approx(given["c"])


def views_with_ties() -> list[PlanningView]:
    views = [random_view(seed, models=4, tasks=1 + seed % 4) for seed in range(30)]
    return [*views, *map(tied, views[::3]), replace(views[0], vram_budget_gb=0.5)]


def solved(view: PlanningView) -> LpRelaxation | None:
    return HIGHS.solve(program_of(view))


def test_its_solution_is_that_of_cvxpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lp, "lp_optimum", lambda _: None)  # so that the mode keeps what CVXPY returns
    pairs = [(MODE.relax(view), solved(view)) for view in views_with_ties()]
    assert any(expected is None for expected, _ in pairs)
    for expected, own in pairs:
        assert (own is None) == (expected is None)
        if own is not None and expected is not None:
            assert own.solver == SOLVERS[0]
            assert own.optimum == pytest.approx(expected.optimum, rel=1e-12)
            assert own.shares == pytest.approx(expected.shares)


def test_threads_may_share_it() -> None:
    views = views_with_ties()
    alone = [solved(view) for view in views]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(solved, views))
    for one, other in zip(alone, together, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.shares.tolist() == other.shares.tolist()
