"""What running a case needs besides the case, and the set-up that a job and a timed decision share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.imported_call import ImportedCall
from pytest_swarm.domain.record import Case
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.domain.switch import Switch
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.residency import ResidencyContext, ResidencyManager
from pytest_swarm.execution.tasks import Announcement
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.routing.base import Router
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseContext:
    """The router, the server's VRAM, the estimates, the scorers, and the sink of events.

    `probe_client` samples what is resident, beside the job's own calls, and `probe_sent` tells whether such a request
    is on its way. `fresh`: the case starts with an empty GPU. `settings` are those of the bench, with the weights of
    the case. `gpu` measures VRAM by NVML; None if there is no GPU to measure. `imported` has the calls of the case by
    (task, model) that need no server. `announce` is told of the calls that a step is about to make.
    """

    router: Router
    residency: ResidencyManager
    estimator: Estimator
    scorers: Scorers
    sink: Sink
    probe_client: OllamaClient
    probe_sent: Callable[[], bool]
    backend: Backend
    fresh: bool
    settings: BenchSettings
    gpu: GpuMeter | None
    announce: Callable[[Announcement], None]
    imported: Mapping[tuple[str, str], ImportedCall]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobSetup:
    """A job about to start: its graph, without edges at a flat horizon; its clock; the seed of its requests."""

    graph: TaskGraph
    clock: JobClock
    seed: int


def graph_as_run(case: Case) -> TaskGraph:
    """Return the graph of a case, without edges at a flat horizon."""
    return case.graph.flattened() if case.key.horizon == "flat" else case.graph


def set_up_job(case: Case, context: CaseContext, *, on_switch: Callable[[Switch], None]) -> JobSetup:
    """Start the clock of a job, and hand its budget and seed to the residency manager. Call it inside the loop.

    Args:
        case: The graph and its place in the parametrization.
        context: What the case runs with.
        on_switch: Called with each load and unload as it ends.
    """
    key, backend = case.key, context.backend
    setup = JobSetup(
        graph=graph_as_run(case),
        clock=JobClock(virtual=backend.virtual and not backend.live),  # a recording waits in real time
        seed=request_seed(context.settings.seed, key.repeat),
    )
    residency_context = ResidencyContext(
        vram_budget_gb=key.vram_budget_gb, seed=setup.seed, clock=setup.clock, on_switch=on_switch
    )
    context.residency.begin(residency_context)
    return setup
