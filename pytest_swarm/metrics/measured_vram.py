"""What was measured of VRAM in one job: by the server's own list, and by NVML where there is one.

On a server without a GPU nothing is in VRAM, so nothing of it is measured: neither a peak of 0 nor a spill of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB, UNPLANNED_LOAD_S
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.vram_sample import GpuReading, SamplePhase, VramSample
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.units import bytes_to_gb

_SERVER_WORDS: Final = ("ollama", "llama")  # in the file name of every process that runs models for the server


def measured_peak_vram_gb(job: JobFacts) -> float | None:
    """Return the highest sum of size_vram, of all models."""
    return max((_gb(model.size_vram_bytes for model in each.resident) for each in job.vram_samples), default=None)


def measured_violations(job: JobFacts) -> int | None:
    """Return in how many steps the run's own models were over the budget."""
    budget_gb = job.record.case.key.vram_budget_gb
    over = {each.step for each in job.vram_samples if _own_gb(each) > budget_gb + BUDGET_TOLERANCE_GB}
    return len(over) if job.vram_samples else None


def spilled_gb(job: JobFacts) -> float | None:
    """Return the most that lay beside the GPU."""
    spilled = (_gb(m.size_bytes - m.size_vram_bytes for m in each.resident) for each in job.vram_samples)
    return max(spilled, default=None)


def gpu_peak_gb(job: JobFacts) -> float | None:
    """Return the most in use on all GPUs, by everybody."""
    return max((_gb(each.used_bytes) for each in _readings(job)), default=None)


def server_gpu_peak_gb(job: JobFacts) -> float | None:
    """Return the most that the server's processes held at one moment; None where the driver names none of them."""
    own = (
        [
            each.used_bytes
            for each in reading.processes
            if each.used_bytes is not None and each.name and any(word in _file(each.name) for word in _SERVER_WORDS)
        ]
        for reading in _readings(job)
    )
    return max((_gb(sizes) for sizes in own if sizes), default=None)


def unplanned_loads(job: JobFacts) -> int | None:
    """Return the number of tasks whose call loaded a model: a planned load comes before a step's tasks run."""
    known = [each.load_s for each in job.record.outcomes if each.load_s is not None]
    return sum(load_s >= UNPLANNED_LOAD_S for load_s in known) if known else None


def residency_mismatches(job: JobFacts) -> int | None:
    """Return in how many steps a used model was missing, or one of the run's was there that the plan did not hold."""
    plans = {step.step: step for step in job.record.steps}
    wrong: set[int] = set()
    looked = False
    for sample in job.record.samples:
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


def _readings(job: JobFacts) -> list[GpuReading]:
    return [each.gpu for each in job.record.samples if each.gpu is not None]


def _gb(sizes_bytes: Iterable[int]) -> float:
    return sum(map(bytes_to_gb, sizes_bytes))


def _own_gb(sample: VramSample) -> float:
    """Return the VRAM of the run's own models: it is not to blame for what others keep there."""
    return sum(bytes_to_gb(model.size_vram_bytes) for model in sample.resident if not model.foreign)


def _file(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1].lower()
