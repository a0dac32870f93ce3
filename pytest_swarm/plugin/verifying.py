"""--swarm-verify: cases that are drawn by the seed are run for real as well, and their figures are kept beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.measured_run import PredictedAndReal
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.errors import SwarmError
from pytest_swarm.metrics.job_metrics import encode_metrics, job_metrics
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.measured_events import encode_verified_case

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.telemetry.sink import Event, Sink

FIGURES: Final = ("makespan_s", "load_s", "total_latency_s", "measured_peak_vram_gb")


def drawn(tests: Sequence[str], count: int, *, seed: int) -> frozenset[str]:
    """Return the tests to verify, the same in every process of a run.

    Args:
        tests: The node IDs of the collected cases.
        count: How many to draw.
        seed: The seed of the run.
    """
    return frozenset(stable_rng("verify", seed).sample(sorted(tests), min(count, len(tests))))


def verify(predicted: JobRecord, resources: Resources, *, sink: Sink) -> None:
    """Run a case for real, and write its figures beside the predicted ones; a note where it does not complete.

    Args:
        predicted: The case as it was played.
        resources: The server.
        sink: Takes the event.
    """
    case = predicted.case
    try:
        with resources.exclusive():
            real = resources.server_bench.run(case)
    except SwarmError as error:
        sink.emit(_not_verified(case, str(error), predicted.started_ts_ms))
        return
    if JobStatus.COMPLETED not in (real.status, predicted.status) or real.status is not predicted.status:
        sink.emit(_not_verified(case, real.error or f"it ended as {real.status}", predicted.started_ts_ms))
        return
    was, now = (encode_metrics(job_metrics(record)) for record in (predicted, real))
    figures = {name: PredictedAndReal(_number(was.get(name)), _number(now.get(name))) for name in FIGURES}
    sink.emit(encode_verified_case(case, figures, predicted.started_ts_ms))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _not_verified(case: Case, reason: str, ts_ms: float) -> Event:
    return encode_note(case, f"{case.job} [{case.key.label}] could not be verified: {reason}", ts_ms)
