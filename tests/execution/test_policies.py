"""Whole jobs on the simulator: what the modes that defer tasks, and those that look at the whole graph, come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import PlanStatus
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs
from tests.execution.lab import A40, HEAVY
from tests.instances import mode_for, mode_names
from tests.tries import THOROUGH, tries

JOBS = tries(50)


def measured_fleet() -> Fleet:
    """The heavy fleet with load times and speeds as the simulated server really has them."""
    spec = {model.name: model for model in A40.server_spec.models}
    return replace(
        HEAVY,
        models=tuple(
            replace(
                model,
                load_time_ms=1000 * spec[model.tag].load_s,
                prefill_tokens_per_s=spec[model.tag].prefill_tokens_per_s,
                decode_tokens_per_s=spec[model.tag].decode_tokens_per_s,
            )
            for model in HEAVY
        ),
    )


def run_all(
    graphs: list[TaskGraph], mode: str, *, budget_gb: float = 16.0, horizon: HorizonDepth = 3
) -> list[JobRecord]:
    fleet = measured_fleet()
    with Bench(backend=simulated_backend(SimulatedWorld(profile=A40), fleet), fleet=fleet) as bench:
        key = CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb)
        records = [bench.run(Case(graph=graph, key=key)) for graph in graphs]
    assert [record.error for record in records if record.status is not JobStatus.COMPLETED] == []
    return records


def generated(count: int) -> list[TaskGraph]:
    return [job.graph for job in generate_jobs(count, seed=3)]


def makespan_s(records: list[JobRecord]) -> float:
    return sum(record.makespan_s or 0.0 for record in records)


@pytest.mark.thorough
@pytest.mark.parametrize("budget_gb", [8.0, 16.0])
def test_heft_is_no_slower_than_fixed_over_many_jobs(budget_gb: float) -> None:
    graphs = generated(JOBS)
    heft, fixed = (run_all(graphs, mode, budget_gb=budget_gb) for mode in ("heft", "fixed"))
    assert makespan_s(heft) <= makespan_s(fixed)


def test_collate_loads_no_more_than_fixed() -> None:
    graphs = generated(12)
    collate, fixed = (run_all(graphs, mode, budget_gb=8.0) for mode in ("collate", "fixed"))
    assert sum(len(record.switches) for record in collate) <= sum(len(record.switches) for record in fixed)


@pytest.mark.parametrize("horizon", [0, 3])
def test_best_single_keeps_one_model_over_each_job_of_a_run(horizon: int) -> None:
    for record in run_all(generated(12), "best-single", horizon=horizon):
        assert len({each.model for each in record.outcomes}) == 1


def test_best_single_looks_at_the_whole_graph_whatever_the_horizon() -> None:
    graphs = generated(12)
    near, far = (run_all(graphs, "best-single", horizon=horizon) for horizon in (0, 9))
    assert [record.outcomes[0].model for record in near] == [record.outcomes[0].model for record in far]


@pytest.mark.thorough
@pytest.mark.parametrize("budget_gb", [8.0, 24.0])
def test_no_regret_is_below_0(budget_gb: float) -> None:
    graphs = generated(8 if THOROUGH else 3)
    modes = [mode_for(name, HEAVY) for name in mode_names(needs=("speeds", "realised"))]
    jobs = measure(record for mode in modes for record in run_all(graphs, mode, budget_gb=budget_gb))
    regrets = [job.metrics.regret for job in jobs]
    known = [regret for regret in regrets if regret is not None]
    assert min(known) >= 0.0
    over = {job.key.mode for job in jobs if job.metrics.regret is None}
    assert over <= {"lp"}
    assert {job.metrics.regret for job in jobs if job.key.mode == "oracle"} == {0.0}


@pytest.mark.parametrize("horizon", ["flat", 9])
def test_the_oracle_scores_what_it_foresaw(horizon: HorizonDepth) -> None:
    for record in run_all(generated(8), "oracle", budget_gb=8.0, horizon=horizon):
        first, scores = record.steps[0], [each.score for each in record.outcomes]
        assert first.status is PlanStatus.OPTIMAL
        assert first.objective == pytest.approx(sum(each or 0.0 for each in scores), abs=1e-9)
