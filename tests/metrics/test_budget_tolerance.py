"""A residency is over its budget from a millionth of a GB upwards: planned and measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.vram_sample import ResidentModel, VramSample
from pytest_swarm.metrics.job_metrics import job_metrics
from tests.report.factories import GEMMA, record, step

BUDGET_GB = 8.0
AROUND_THE_BUDGET = [
    (BUDGET_GB - 1e-3, 0),
    (BUDGET_GB, 0),
    (BUDGET_GB + 5e-7, 0),
    (BUDGET_GB + 2e-6, 1),
    (BUDGET_GB + 0.4, 1),
]


@pytest.mark.parametrize(("planned_gb", "violations"), AROUND_THE_BUDGET)
def test_planned_violations(planned_gb: float, violations: int) -> None:
    one = replace(step(0, {"s0": GEMMA.tag}), planned_vram_gb=planned_gb, vram_budget_gb=BUDGET_GB)
    assert job_metrics(replace(record(), steps=(one,))).violations == violations


@pytest.mark.parametrize(("resident_gb", "violations"), AROUND_THE_BUDGET)
def test_measured_violations(resident_gb: float, violations: int) -> None:
    resident_bytes = round(resident_gb * 1e9)
    row = ResidentModel(tag=GEMMA.tag, size_bytes=resident_bytes, size_vram_bytes=resident_bytes)
    sample = VramSample(step=0, at_s=0.0, resident=(row,))
    job = record()
    assert job.case.key.vram_budget_gb == BUDGET_GB
    assert job_metrics(replace(job, samples=(sample,))).measured_violations == violations
