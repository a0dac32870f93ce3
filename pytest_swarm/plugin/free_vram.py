"""The VRAM that a run may use: what is free at its start, and what its own models hold, which each case unloads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import BackendError
from pytest_swarm.telemetry.nvml import GpuMeter, NoGpu
from pytest_swarm.units import bytes_to_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.ollama.messages import ResidentEntry
    from pytest_swarm.plugin.settings import Settings

_CALLING: Final = ("auto", "ollama", "record", "measure")  # backends that may call a real server


def free_vram(found: GpuMeter | NoGpu, settings: Settings, fleet: Callable[[], Fleet]) -> float | str:
    """Return the VRAM in GB that a run may use, in whole tenths, rounded down; or why it is not measured.

    Args:
        found: The GPUs of this machine.
        settings: The settings, with the servers.
        fleet: Gives the models on offer.
    """
    calls = settings.backend in _CALLING and not settings.offline
    elsewhere = _why_elsewhere(settings.hosts) if calls else None
    if elsewhere is not None:
        return elsewhere
    if isinstance(found, NoGpu):
        return found.reason
    free_bytes = found.free_bytes()
    if free_bytes is None:
        return "; ".join(found.troubles)
    resident = _resident(settings.hosts[0]) if calls else ()
    if resident and not any(each.size_vram_bytes for each in resident):
        return "the server keeps its models in main memory"
    held_bytes = _own_bytes(resident, settings, fleet()) if resident else 0
    return math.floor(bytes_to_gb(free_bytes + held_bytes) * 10) / 10


def _why_elsewhere(hosts: Sequence[str]) -> str | None:
    """Return why the GPUs of this machine are not those of one server; None where they are."""
    from pytest_swarm.ollama.address import is_loopback

    if not all(map(is_loopback, hosts)):
        return "the server is on another machine"
    return "several servers share the GPUs of this machine" if len(hosts) > 1 else None


def _resident(host: str) -> tuple[ResidentEntry, ...]:
    """Return the resident models of a server; none where it does not answer, which the run says if it needs it."""
    from pytest_swarm.execution.server_models import resident_models  # only then, because it imports the client

    try:
        return resident_models(host)
    except BackendError:
        return ()


def _own_bytes(resident: Sequence[ResidentEntry], settings: Settings, fleet: Fleet) -> int:
    """Return the VRAM that models of the run hold."""
    from pytest_swarm.execution.restoration import foreign_models

    own = [*fleet.tags, *(tag for tag in (settings.planner, settings.judge) if tag)]
    foreign = foreign_models(resident, own)
    return sum(each.size_vram_bytes for each in resident if each not in foreign)
