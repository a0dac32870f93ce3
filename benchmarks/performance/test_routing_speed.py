"""One decision by ours, by CVXPY and by HiGHS on the same arrays, in one run, as ratios (pytest-benchmark's brackets).

A plain run times the small sizes. SWARM_BENCH_LARGE=1 adds the rest, up to 64 x 1,000 (minutes, nearly all of them in
HiGHS and CVXPY); `python -m benchmarks.performance.routing_table` also does 64 x 10,000, and memory.
"""

from __future__ import annotations

import os

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.performance.routing_cases import FLAT, METHODS, STAGED, Size, decision_of, view_of_size

LARGE = "SWARM_BENCH_LARGE" in os.environ
SIZES = (*FLAT[:5], *STAGED) if LARGE else (*FLAT[:2], STAGED[0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.label)
def test_one_decision(benchmark: BenchmarkFixture, size: Size, method: str) -> None:
    view = view_of_size(size, kind="typed")
    decision = decision_of(method, size, view)
    benchmark.group = size.label
    rounds = 50 if size.models * size.tasks < 100 else 5
    objective = benchmark.pedantic(decision, rounds=rounds, iterations=1, warmup_rounds=1)
    optimum = decision_of("ours", size, view)()
    relaxed = method == "cvxpy" and size.stages == 1
    assert objective == pytest.approx(optimum, rel=1e-6) or (relaxed and objective > optimum)
