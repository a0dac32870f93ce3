"""What was resident at one moment of a job: by the server's own account, and by NVML."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentModel:
    """A row of `/api/ps`: bytes in all, and bytes of it in VRAM. `foreign`: the run neither loaded nor called it."""

    tag: str
    size_bytes: int
    size_vram_bytes: int
    foreign: bool = False


class SamplePhase(StrEnum):
    """Where in a step a sample was taken."""

    START = "start"  # before anything is planned
    PLANNING = "planning"  # while it is planned, and models are unloaded and loaded
    READY = "ready"  # the models of the step are loaded, no task runs yet
    RUNNING = "running"  # while its tasks run
    SCORING = "scoring"  # while their answers are scored: a judge may take their models' place
    END = "end"  # after the last step


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process on a GPU, by NVML; name and bytes are None where the driver does not tell."""

    gpu: int
    pid: int
    name: str | None
    used_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """What NVML says at one moment: bytes in use on each GPU, by everybody, and the processes that compute there.

    `energy_j` is what all GPUs have used since their driver was loaded; None where one of them does not count it.
    `idle_power_w` is what they drew together before the first case.
    """

    used_bytes: tuple[int, ...]
    processes: tuple[GpuProcess, ...] = ()
    energy_j: float | None = None
    idle_power_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VramSample:
    """What was resident at one moment, as the server reports it; `gpu` from NVML, None where it cannot be measured."""

    step: int
    at_s: float
    resident: tuple[ResidentModel, ...]
    phase: SamplePhase | None = None
    gpu: GpuReading | None = None

    @property
    def gpu_used_bytes(self) -> int | None:
        """Bytes in use on all GPUs."""
        return None if self.gpu is None else sum(self.gpu.used_bytes)
