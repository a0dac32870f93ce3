"""What a session has before its tests are collected: the options, what others add to them, and this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_swarm.routing.mode_table import ModeTable

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.plugin.free_vram import MachineGpu
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcer:
    """How a sentence is shown at once, while tests run.

    `tell` shows one of this process, `progress` how far a measurement is, and `cost` what a job will ask; a worker of
    xdist sends the last two to its controller.
    """

    tell: Callable[[str], None]
    progress: Callable[[str], None]
    cost: Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)  # no slots: fleet, GPUs and modes are made when they are first asked for
class SessionInputs:
    """What a session has before its tests are collected.

    `routers` are those of third parties, by mode. `folder` is that of the ini file, where relative paths begin.
    """

    settings: Settings
    routers: Mapping[str, RouterFactory | ModeSpec]
    process: Process
    folder: Path
    announcer: Announcer

    @cached_property
    def modes(self) -> ModeTable:
        """The routing modes of the session."""
        return ModeTable(self.routers)

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of --swarm-fleet."""
        from pytest_swarm.plugin.options import Options
        from pytest_swarm.workloads.fleet import load_fleet

        with self.settings.naming(Options.fleet):
            return load_fleet(self.settings.fleet)

    @cached_property
    def gpu(self) -> MachineGpu:
        """The GPUs of this machine."""
        from pytest_swarm.plugin.free_vram import MachineGpu

        return MachineGpu(self.settings, told=self.process.free_vram, fleet=lambda: self.fleet)

    def at(self, host: str) -> SessionInputs:
        """Return the inputs of a run on one of several servers."""
        return replace(self, settings=self.settings.at(host))
