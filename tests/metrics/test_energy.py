"""Energy of a job by hand: above idle, per step, and per solved task; nothing where it was not counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobRecord, TaskStatus
from pytest_swarm.domain.vram_sample import GpuReading, SamplePhase, VramSample
from pytest_swarm.metrics.aggregate import aggregate_modes
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.telemetry.event_types import VramSampleEvent
from pytest_swarm.telemetry.events import decode_vram_sample, encode_vram_sample
from tests.report.factories import WB1, record

IDLE_W = 50.0


def sample(step: int, at_s: float, energy_j: float | None, *, start: bool = False) -> VramSample:
    reading = GpuReading(used_bytes=(1,), energy_j=energy_j, idle_power_w=None if energy_j is None else IDLE_W)
    phase = SamplePhase.START if start else SamplePhase.RUNNING
    return VramSample(step=step, at_s=at_s, resident=(), phase=phase, gpu=reading)


def job(*scores: float, name: str = "wb1", samples: tuple[VramSample, ...]) -> JobRecord:
    graph = replace(WB1, name=name)
    return replace(record(dict(zip(graph.order, scores, strict=True)), graph=graph), samples=samples)


TWO_STEPS = (
    sample(0, 0.0, 1000.0, start=True),
    sample(0, 1.0, 1150.0),
    sample(1, 2.0, 1300.0, start=True),
    sample(1, 4.0, 1600.0),
)


def test_energy_is_what_the_counter_moved_less_what_idle_gpus_would_have_used() -> None:
    found = job_metrics(job(1.0, 0.5, 1.0, samples=TWO_STEPS))
    assert found.energy_j == pytest.approx(600 - 4 * IDLE_W)
    assert found.idle_energy_j == pytest.approx(4 * IDLE_W)
    assert found.idle_power_w == IDLE_W
    assert found.energy_j_per_step == pytest.approx((300 - 2 * IDLE_W, 300 - 2 * IDLE_W))
    assert found.tasks_solved == 2
    assert found.energy_j_per_solved_task == pytest.approx(200.0)


@pytest.mark.parametrize(("kind", "energy_j"), [("model_missing", 400.0), ("timeout", 400.0)])
def test_a_job_that_a_refused_call_cut_short_saved_no_energy(kind: str, energy_j: float | None) -> None:
    whole = job(1.0, 1.0, 1.0, samples=TWO_STEPS)
    *others, last = whole.outcomes
    lost = replace(last, status=TaskStatus.FAILED, error_kind=kind)
    (found,) = measure([replace(whole, outcomes=(*others, lost))])
    assert (found.metrics.energy_j, found.comparable(MetricTable.energy_j)) == (energy_j, None)


def test_a_mode_is_the_energy_of_its_jobs_over_the_tasks_that_they_solved() -> None:
    records = [
        job(1.0, 1.0, 1.0, name="a", samples=TWO_STEPS),
        job(0.0, 0.0, 1.0, name="b", samples=TWO_STEPS),
        job(1.0, 1.0, 1.0, name="c", samples=()),
    ]
    (mode,) = aggregate_modes(measure(records))
    assert mode.energy_j == pytest.approx(400.0)
    assert mode.energy_j_per_solved_task == pytest.approx(800 / 4)


@pytest.mark.parametrize("samples", [(), TWO_STEPS[:1], tuple(sample(0, float(n), None, start=True) for n in range(3))])
def test_what_was_not_counted_is_none(samples: tuple[VramSample, ...]) -> None:
    found = job_metrics(job(1.0, 1.0, 1.0, samples=samples))
    assert found.energy_j is found.idle_energy_j is found.energy_j_per_solved_task is None
    assert all(each is None for each in found.energy_j_per_step)


def test_without_idle_power_no_energy_is_given() -> None:
    samples = tuple(replace(each, gpu=replace(each.gpu, idle_power_w=None)) for each in TWO_STEPS if each.gpu)
    assert job_metrics(job(1.0, 1.0, 1.0, samples=samples)).energy_j is None


def test_nothing_solved_has_no_energy_per_solved_task() -> None:
    assert job_metrics(job(0.5, 0.0, 0.9, samples=TWO_STEPS)).energy_j_per_solved_task is None


def test_the_counter_survives_the_events() -> None:
    import msgspec

    case = job(1.0, 1.0, 1.0, samples=()).case
    event = encode_vram_sample(case, TWO_STEPS[1], 1.0)
    assert event["gpu_energy_j"] == 1150.0
    assert decode_vram_sample(msgspec.convert(event, VramSampleEvent)) == TWO_STEPS[1]
