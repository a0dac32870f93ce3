"""The bound beside the table of dispatch: reached where a schedule is known to be best, and never above a real one."""

from __future__ import annotations

import pytest

from benchmarks.performance.dispatch import bound_s, run
from benchmarks.performance.schedule_bound import ScheduleProblem, lower_bound_s, one_machine_s
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs
from tests.execution.lab import graph


def bound(model: dict[str, str], *edges: tuple[str, str], budget_gb: float) -> float:
    """The bound of calls of 1 s on models A and B of 5 GB, which load in 2 s and 3 s."""
    return lower_bound_s(
        ScheduleProblem(
            graph=graph(*edges, ids=" ".join(model)),
            model=model,
            call_s=dict.fromkeys(model, 1.0),
            load_s={"A": 2.0, "B": 3.0},
            vram_gb={"A": 5.0, "B": 5.0},
            budget_gb=budget_gb,
            slots=4,
        )
    )


@pytest.mark.parametrize(
    ("model", "edges", "budget_gb", "best_s"),
    [
        ({"a": "A", "b": "A", "c": "A"}, (), 10.0, 5.0),  # one slot a model
        ({"a": "A", "b": "B"}, (), 10.0, 6.0),  # loads one after the other, the second beside a call
        ({"a": "A", "b": "B"}, (), 8.0, 7.0),  # the two models take turns
        ({"a": "A", "b": "B"}, (("a", "b"),), 10.0, 6.0),
        ({"a": "A", "b": "B"}, (("a", "b"),), 8.0, 7.0),
        ({"a": "A", "b": "A", "c": "B"}, (("a", "c"), ("b", "c")), 10.0, 6.0),
        ({"a": "A", "b": "B", "c": "A"}, (("a", "b"), ("b", "c")), 8.0, 10.0),  # A is loaded twice
    ],
)
def test_the_bound_is_the_best_schedule_of_small_jobs(
    model: dict[str, str], edges: tuple[tuple[str, str], ...], budget_gb: float, best_s: float
) -> None:
    assert bound(model, *edges, budget_gb=budget_gb) == pytest.approx(best_s)


def test_one_machine_runs_the_longest_tail_first_and_may_interrupt() -> None:
    assert one_machine_s([(0.0, 4.0, 0.0), (1.0, 2.0, 6.0)]) == 9.0
    assert one_machine_s([(0.0, 1.0, 5.0), (0.0, 3.0, 0.0)]) == 6.0
    assert one_machine_s([(3.0, 1.0, 0.0)]) == 4.0


@pytest.mark.parametrize("dispatch", ["layers", "tasks"])
@pytest.mark.parametrize("budget_gb", [8.0, 16.0])
def test_no_job_beats_the_bound(dispatch: str, budget_gb: float) -> None:
    for job in generate_jobs(7, 20):
        record, _ = run(job.graph, "heft", budget_gb, dispatch=dispatch)
        assert bound_s(record) <= record.makespan_s + 1e-6
