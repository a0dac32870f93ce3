"""What running a case needs besides the case, and the set-up that a job and a timed decision share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.domain.switch import Switch
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.residency import ResidencyContext, ResidencyManager
from pytest_swarm.routing.base import Router
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseContext:
    """The router, the server's VRAM, the estimates, the scorers, and the sink of events.

    `fresh`: the case starts with an empty GPU. `settings` are those of the bench, with the weights of the case. `gpu`
    measures VRAM by NVML; None if there is no GPU to measure.
    """

    router: Router
    residency: ResidencyManager
    estimator: Estimator
    scorers: Scorers
    sink: Sink
    backend: Backend
    connection: Connection
    fresh: bool
    settings: BenchSettings
    gpu: GpuMeter | None


def graph_as_run(case: Case) -> TaskGraph:
    """Return the graph of a case, without edges at a flat horizon."""
    return case.graph.flattened() if case.key.horizon == "flat" else case.graph


def set_up_job(case: Case, context: CaseContext, *, on_switch: Callable[[Switch], None]) -> ResidencyContext:
    """Return clock, budget and seed of a job about to start, which the residency manager has then. Call it in the loop.

    Args:
        case: The graph and its place in the parametrization.
        context: What the case runs with.
        on_switch: Called with each load and unload as it ends.
    """
    key, backend = case.key, context.backend
    setup = ResidencyContext(
        vram_budget_gb=key.vram_budget_gb,
        seed=request_seed(context.settings.seed, key.repeat),
        clock=JobClock(virtual=backend.virtual and not backend.live),  # a recording waits in real time
        on_switch=on_switch,
    )
    context.residency.begin(setup)
    return setup
