"""The context of a run, and which differences between two contexts make a comparison meaningless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

from pytest_swarm.domain.record import MEASURED_BACKEND, REPLAYED_BACKEND, RunInfo
from pytest_swarm.domain.run_options import OptionRole, differing_options, flag_of, names_of, text_of

SEED_POLICY: Final = "sha256(run seed, repeat)/1"  # domain/seeding.request_seed: change it, and repeats no longer pair
STORED: Final = (REPLAYED_BACKEND, MEASURED_BACKEND)
"""Backends that play measured answers in virtual time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetIdentity:
    """The name of a fleet, and the digest of all its figures."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The run that samples come from, as far as it decides whether another run is comparable.

    A baseline that is older than an option lacks it in `measure`. Weights, planner and routers are not there at all:
    they are what is tested.
    """

    run: str
    started_ts_ms: Annotated[float, Meta(description="milliseconds since 1970")]
    backend: str
    simulated: bool | None
    profile: str | None
    fleet: FleetIdentity
    seed: int
    seed_policy: str
    measure: Annotated[Mapping[str, str], Meta(description="the options that change what a score means")]
    versions: Annotated[Mapping[str, str], Meta(description="package -> version")]
    machine: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in ("measure", "versions", "machine"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def in_process(self) -> bool:
        """Whether a simulator answered in virtual time, by the run's seed; one over HTTP has its own clock and seed."""
        return self.simulated is True and (self.profile is not None or self.backend in STORED)


def run_context_of(info: RunInfo) -> RunContext:
    """Return the context of a run, of what its first event says."""
    return RunContext(
        run=info.run,
        started_ts_ms=info.started_ts_ms,
        backend=info.backend,
        simulated=info.simulated,
        profile=info.profile,
        fleet=FleetIdentity(name=info.fleet.name, digest=info.fleet.digest),
        seed=info.seed,
        seed_policy=SEED_POLICY,
        measure={name: text_of(name, info.options) for name in sorted(names_of(OptionRole.SCORE))},
        versions=info.versions,
        machine=info.machine,
    )


def differences(before: RunContext, now: RunContext) -> tuple[str, ...]:
    """Return why the two cannot be compared, one sentence each; empty where they can.

    Args:
        before: How the baseline was made.
        now: How the run was made.
    """
    found: list[str] = []
    if before.simulated != now.simulated:
        found.append(f"other backend: {_backend_name(before)} then, {_backend_name(now)} now")
    elif (before.backend == MEASURED_BACKEND) is not (now.backend == MEASURED_BACKEND):
        found.append(f"other backend: {before.backend} then, {now.backend} now, and measured answers are played")
    elif before.profile != now.profile:
        found.append(f"other simulator: {_backend_name(before)} then, {_backend_name(now)} now")
    if before.fleet.digest != now.fleet.digest:
        found.append(f"other fleet: {_fleet_name(before)} then, {_fleet_name(now)} now")
    for name, was, is_now in differing_options(before.measure, now.measure, names={*before.measure, *now.measure}):
        found.append(f"other {flag_of(name)}: {was} then, {is_now} now")
    return tuple(found)


def reproducible(before: RunContext, now: RunContext) -> bool:
    """Return whether the outcome is fixed: the same seed on a simulator, recordings or a store gives the same answers.

    Args:
        before: How the baseline was made.
        now: How the run was made.
    """
    fixed = before.in_process or before.backend == now.backend in STORED
    same_draws = before.seed == now.seed and before.seed_policy == now.seed_policy
    return fixed and same_draws and not differences(before, now)


def seeded(before: RunContext, now: RunContext) -> bool:
    """Whether each seed is known to draw anew, as in the simulator. A real server may answer every seed alike."""
    return before.in_process and now.in_process


def virtual_clock(before: RunContext, now: RunContext) -> bool:
    """Whether times of the server are virtual in both runs."""
    return all(context.in_process or context.backend in STORED for context in (before, now))


def _backend_name(value: RunContext) -> str:
    return f"simulated ({value.profile or value.backend})" if value.simulated else f"real ({value.backend})"


def _fleet_name(value: RunContext) -> str:
    return f"{value.fleet.name} ({value.fleet.digest})"
