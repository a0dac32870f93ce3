"""The sentence on a server without a GPU, where all that is called VRAM is main memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_swarm.metrics.measured_jobs import MeasuredJob

_MAIN_MEMORY: Final = (
    "The server uses no GPU, so its models are in main memory, which is what VRAM and its budget stand for here; both "
    "are planned, and nothing of them was measured."
)


def main_memory_sentences(jobs: Iterable[MeasuredJob]) -> tuple[str, ...]:
    """Return the sentence; none where a model was ever in VRAM, or where nobody knows."""
    found = [job.metrics for job in jobs]
    without = any(each.measured_peak_vram_gb is None and each.residency_mismatches is not None for each in found)
    return (_MAIN_MEMORY,) if without and not any(each.measured_peak_vram_gb for each in found) else ()
