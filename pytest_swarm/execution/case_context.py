"""Engine: everything that running a case needs besides the case."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.residency import ResidencyManager
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.routing.base import Router, Weights
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry.nvml import GpuMeter
from pytest_swarm.telemetry.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The figures of a run: weights of the objective, concurrent tasks, and the seed of every draw.

    `fresh` resets residency before the case (--swarm-carryover=case). `simulated` marks the records; `virtual_time`
    says that the loop's clock jumps.
    """

    weights: Weights = field(default_factory=Weights)
    concurrency: int = 4
    seed: int = 0
    fresh: bool = True
    simulated: bool = False
    virtual_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseContext:
    """A router, a server's VRAM, what is believed, how answers are scored, and where events go.

    `watcher` asks what is resident beside the job's own calls. `gpu` measures VRAM by NVML; None where there is no GPU
    to measure.
    """

    router: Router
    keeper: ResidencyManager
    estimator: Estimator
    scorers: Scorers
    sink: Sink
    watcher: OllamaClient
    settings: RunSettings = field(default_factory=RunSettings)
    gpu: GpuMeter | None = None
