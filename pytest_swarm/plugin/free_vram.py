"""The VRAM that a run may use: what is free at its start, and what its own models hold, which each case unloads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import BackendError, NoBudgetError
from pytest_swarm.telemetry.nvml import GpuMeter, NoGpu, find_gpu
from pytest_swarm.units import bytes_to_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.ollama.messages import ResidentEntry
    from pytest_swarm.plugin.settings import Settings

_CALLING: Final = ("auto", "ollama", "record", "measure")  # backends that may call a real server


class MachineGpu:
    """The GPUs of this machine, measured when they are first asked for.

    Args:
        settings: The settings, with the servers.
        told: What the controller of xdist has measured for all its workers, who must agree on the cases; else None.
        fleet: Gives the models on offer.
    """

    def __init__(self, settings: Settings, *, told: float | str | None, fleet: Callable[[], Fleet]) -> None:
        self._settings = settings
        self._told = told
        self._fleet = fleet

    @cached_property
    def found(self) -> GpuMeter | NoGpu:
        """The GPUs by NVML, or why they are not measured."""
        return find_gpu()

    @property
    def meter(self) -> GpuMeter | None:
        """The GPUs by NVML; None where they cannot be measured."""
        return self.found if isinstance(self.found, GpuMeter) else None

    @cached_property
    def free_vram(self) -> float | str:
        """The VRAM in GB that the run may use, when it was first asked for, or why it is not measured."""
        return free_vram(self.found, self._settings, self._fleet) if self._told is None else self._told

    def budget_gb(self, test: str) -> float:
        """Return the budget `auto` of a test, in GB: that VRAM; NoBudgetError where it is not measured."""
        if isinstance(self.free_vram, float) and self.free_vram:
            return self.free_vram
        reason = self.free_vram or "no GPU memory is free"
        raise NoBudgetError(f"no VRAM budget for {test}: {reason}; give one, such as --swarm-vram=8GB")


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
    """Return the VRAM that models of the run hold, and others that run on a copy of their weights."""
    from pytest_swarm.execution.restoration import foreign_models

    own = [*fleet.tags, *(tag for tag in (settings.planner, settings.judge) if tag)]
    foreign = foreign_models(resident, own)
    if foreign:
        planned = _as_planned(settings, fleet)
        foreign = tuple(each for each in foreign if planned.copy_of(each.tag) is None)
    return sum(each.size_vram_bytes for each in resident if each not in foreign)


def _as_planned(settings: Settings, fleet: Fleet) -> Fleet:
    """Return the fleet with what else runs on a copy of its weights, which each case unloads too."""
    from pytest_swarm.domain.weight_groups import sharing_weights
    from pytest_swarm.execution.server_models import models_of_one_weights

    _, copies = models_of_one_weights(settings.hosts[0], fleet.tags, settings.timeout_s)
    return sharing_weights(fleet, copies)
