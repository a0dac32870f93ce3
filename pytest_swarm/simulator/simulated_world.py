"""A simulated world: all that decides what a simulated server answers, and the servers that are made of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.faults import Fault, read_faults

if TYPE_CHECKING:
    from pytest_swarm.domain.graph import TaskGraph
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.hardware import ServerSpec
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer


@dataclass(frozen=True, kw_only=True)  # no slots: its build is made when it is first asked for
class SimulatedWorld:
    """A profile, the seed of its draws, and the faults to inject beside those of the profile."""

    profile: Profile
    seed: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def all_faults(self) -> tuple[Fault, ...]:
        """The faults to inject: first those of the profile."""
        return (*self.profile.faults, *self.faults)

    @cached_property
    def build(self) -> str:
        """What decides the answers of its servers besides the request, as semantic versioning takes it after a version.

        The name of the profile, a digest of profile and faults, and the seed. Renamed fields make another world.
        """
        name = re.sub(r"[^0-9A-Za-z]+", "-", self.profile.name)
        return f"+{name}.{_digest(f'{self.profile!r} {self.faults!r}')}.seed{self.seed}"

    def generator(self, graphs: Iterable[TaskGraph] = ()) -> ProfileGenerator:
        """Return what decides the texts of a server.

        Args:
            graphs: Task graphs whose prompts are answered as tasks.
        """
        from pytest_swarm.simulator.models.profile_generator import ProfileGenerator

        return ProfileGenerator(self.profile, seed=self.seed, graphs=graphs)

    def server(self, generator: ProfileGenerator | None = None, *, spec: ServerSpec | None = None) -> SimulatedServer:
        """Return a new server without resident models.

        Args:
            generator: Decides the texts; None for one that knows no task graph.
            spec: The models and the hardware; None for those of the profile.
        """
        from pytest_swarm.simulator.server.simulated_server import SimulatedServer

        texts = generator or self.generator()
        graphs = f".{_digest(' '.join(sorted(texts.registered)))}" if texts.registered else ""
        return SimulatedServer(
            spec or self.profile.server_spec,
            generator=texts,
            seed=self.seed,
            faults=self.all_faults,
            build=lambda: f"{self.build}{graphs}",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def load_world(
    profile: str, *, seed: int = 0, faults: Iterable[str] = (), what: str = "--swarm-fault"
) -> SimulatedWorld:
    """Return the world that options name.

    Args:
        profile: A shipped profile's name, or the path of a profile file.
        seed: The seed of its draws.
        faults: The texts of the faults.
        what: The option of the faults, for messages.

    Raises:
        SwarmError: The profile or a fault is unknown, or a fault is of a model that the profile does not have.
    """
    read = load_profile(profile)
    return SimulatedWorld(profile=read, seed=seed, faults=read_faults(faults, read.tags, what=what))
