"""What was measured of VRAM in one job: by the server's own list, and by NVML where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB, full_tag
from pytest_swarm.domain.record import JobRecord, PlanStep, TaskOutcome
from pytest_swarm.domain.vram_sample import GpuReading, SamplePhase, VramSample
from pytest_swarm.units import bytes_to_gb

UNPLANNED_LOAD_S: Final = 0.25  # the server loads in steps of 250 ms; a warm call reports at most 6 ms
_SERVER_WORDS: Final = ("ollama", "llama")  # in the file name of every process that runs models for the server


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredVram:
    """Sizes in GB, and counts; each is None where it was not measured.

    On a server without a GPU nothing is in VRAM, so nothing of it is measured: neither a peak of 0 nor a spill of all.

    `peak_gb` highest sum of size_vram, of all models; `violations` steps in which that of the run's own models was over
    the budget; `spilled_gb` most that lay beside the GPU; `gpu_peak_gb` most in use on all GPUs, by everybody;
    `server_gpu_peak_gb` most of it by processes of the server; `unplanned_loads` tasks whose call had to load its
    model, although it had been loaded before; `residency_mismatches` steps in which a model that tasks ran on was
    missing, or one of the run's was there that the plan neither held nor kept.
    """

    peak_gb: float | None = None
    violations: int | None = None
    spilled_gb: float | None = None
    gpu_peak_gb: float | None = None
    server_gpu_peak_gb: float | None = None
    unplanned_loads: int | None = None
    residency_mismatches: int | None = None


def measured_vram(record: JobRecord) -> MeasuredVram:
    """Return what was measured of one job."""
    budget_gb = record.case.key.vram_budget_gb
    samples = () if _without_vram(record.samples) else record.samples
    used_gb = [sum(bytes_to_gb(model.size_vram_bytes) for model in each.resident) for each in samples]
    over = {each.step for each in samples if _own_gb(each) > budget_gb + BUDGET_TOLERANCE_GB}
    spilled = [sum(bytes_to_gb(m.size_bytes - m.size_vram_bytes) for m in each.resident) for each in samples]
    gpu = [each.gpu for each in record.samples if each.gpu is not None]
    return MeasuredVram(
        peak_gb=max(used_gb, default=None),
        violations=len(over) if samples else None,
        spilled_gb=max(spilled, default=None),
        gpu_peak_gb=max((bytes_to_gb(sum(each.used_bytes)) for each in gpu), default=None),
        server_gpu_peak_gb=_server_peak_gb(gpu),
        unplanned_loads=_unplanned_loads(record.outcomes),
        residency_mismatches=_mismatches(record.steps, record.samples),
    )


def _own_gb(sample: VramSample) -> float:
    """Return the VRAM of the run's own models: it is not to blame for what others keep there."""
    return sum(bytes_to_gb(model.size_vram_bytes) for model in sample.resident if not model.foreign)


def _without_vram(samples: Iterable[VramSample]) -> bool:
    """Return whether models were resident, and none of them ever in VRAM: a server that computes on the CPU only."""
    rows = [row for sample in samples for row in sample.resident]
    return bool(rows) and not any(row.size_vram_bytes for row in rows)


def _server_peak_gb(readings: Iterable[GpuReading]) -> float | None:
    """Return the most that the server's processes held at one moment; None where the driver names none of them."""
    sums: list[float] = []
    for reading in readings:
        own = [
            each.used_bytes
            for each in reading.processes
            if each.used_bytes is not None and each.name and any(word in _file(each.name) for word in _SERVER_WORDS)
        ]
        if own:
            sums.append(bytes_to_gb(sum(own)))
    return max(sums, default=None)


def _file(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1].lower()


def _unplanned_loads(outcomes: Iterable[TaskOutcome]) -> int | None:
    """Return the number of tasks whose call loaded a model: a planned load comes before a step's tasks run."""
    known = [each.load_s for each in outcomes if each.load_s is not None]
    return sum(load_s >= UNPLANNED_LOAD_S for load_s in known) if known else None


def _mismatches(steps: Iterable[PlanStep], samples: Iterable[VramSample]) -> int | None:
    plans = {step.step: step for step in steps}
    wrong: set[int] = set()
    looked = False
    for sample in samples:
        step = plans.get(sample.step)
        if step is None or sample.phase not in (SamplePhase.READY, SamplePhase.RUNNING):
            continue
        looked = True
        found = {full_tag(row.tag) for row in sample.resident if not row.foreign}
        used = set(map(full_tag, step.held(each.model for each in step.executed)))
        planned = {*step.target_residency, *step.retained}
        if step.running is not None:  # without a barrier, models of later tasks are loaded before their plan comes
            planned |= step.held(each.model for each in step.assignments)
        if not used <= found <= set(map(full_tag, planned)):
            wrong.add(sample.step)
    return len(wrong) if looked else None
