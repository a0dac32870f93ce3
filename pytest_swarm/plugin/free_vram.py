"""The VRAM that a run may use: what is free at its start, and what its own models hold, which each case unloads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import BackendError
from pytest_swarm.units import bytes_to_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.telemetry.nvml import GpuMeter, NoGpu

_CALLING: Final = ("auto", "ollama", "record", "measure")  # backends that may call a real server


def free_vram_gb(gpu: GpuMeter | None, settings: Settings, fleet: Callable[[], Fleet]) -> float | None:
    """Return the VRAM that a run may use, in whole tenths of a GB, rounded down; None where it is not measured.

    Args:
        gpu: The GPUs of this machine.
        settings: The settings, with the servers.
        fleet: Gives the models on offer.
    """
    free_bytes = None if gpu is None else gpu.free_bytes()
    if free_bytes is None:
        return None
    calls = settings.backend in _CALLING and not settings.offline
    return math.floor(bytes_to_gb(free_bytes + (_own_bytes(settings, fleet()) if calls else 0)) * 10) / 10


def free_vram(resources: Resources) -> float | str:
    """Return the VRAM in GB that the run may use on the called server, or why it is not measured."""
    if not resources.called.is_local:
        return "the server is on another machine"
    return why_unmeasured(resources.found_gpu) if resources.free_gb is None else resources.free_gb


def why_unmeasured(found: GpuMeter | NoGpu) -> str:
    """Return why the VRAM of this machine is not measured; empty where nothing is known against it."""
    from pytest_swarm.telemetry.nvml import NoGpu

    return found.reason if isinstance(found, NoGpu) else "; ".join(found.troubles)


def _own_bytes(settings: Settings, fleet: Fleet) -> int:
    """Return the VRAM that models of the run hold on the servers of this machine."""
    from pytest_swarm.execution.restoration import foreign_models  # only then, because it imports the client
    from pytest_swarm.execution.server_models import resident_models
    from pytest_swarm.ollama.address import is_loopback

    own = [*fleet.tags, *(tag for tag in (settings.planner, settings.judge) if tag)]
    held = 0
    for host in settings.hosts:
        try:
            resident = resident_models(host) if is_loopback(host) else ()
        except BackendError:  # no server, or none that answers: the run says so, if it needs one
            continue
        foreign = foreign_models(resident, own)
        held += sum(each.size_vram_bytes for each in resident if each not in foreign)
    return held
