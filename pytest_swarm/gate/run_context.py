"""Under which circumstances samples came about, and which differences make a comparison meaningless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.record import RunInfo
from pytest_swarm.fields import Fields, Json

SEED_POLICY: Final = "sha256(run seed, repeat)/1"  # domain/seeding.request_seed: change it, and repeats no longer pair


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a run was, as far as it decides whether it is comparable.

    `measure` are the options that change what a score means, `measure_defaults` their defaults, for the comparison with
    a baseline that is older than an option. Weights, planner and routers are not among them: they are what is tested.
    """

    run: str
    started_ts_ms: float
    backend: str
    simulated: bool | None
    profile: str | None
    fleet: str
    fleet_digest: str
    seed: int
    seed_policy: str
    measure: Mapping[str, str]
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    measure_defaults: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name in ("measure", "versions", "machine", "measure_defaults"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def circumstances_of(info: RunInfo, *, measuring: Mapping[str, str]) -> RunContext:
    """The circumstances of a run; `measuring` are the options that change what a score means, with their defaults."""
    return RunContext(
        run=info.run,
        started_ts_ms=info.started_ts_ms,
        backend=info.backend,
        simulated=info.simulated,
        profile=info.profile,
        fleet=info.fleet.name,
        fleet_digest=info.fleet.digest,
        seed=info.seed,
        seed_policy=SEED_POLICY,
        measure={name: info.options.get(name, default) for name, default in measuring.items()},
        versions=info.versions,
        machine=info.machine,
        measure_defaults=measuring,
    )


def differences(before: RunContext, now: RunContext) -> tuple[str, ...]:
    """Why the two cannot be compared, one sentence each; empty where they can."""
    found: list[str] = []
    if before.simulated != now.simulated:
        found.append(f"other backend: {_world(before)} then, {_world(now)} now")
    elif before.profile != now.profile:
        found.append(f"other simulator profile: {before.profile} then, {now.profile} now")
    if before.fleet_digest != now.fleet_digest:
        found.append(f"other fleet: {before.fleet} ({before.fleet_digest}) then, {now.fleet} ({now.fleet_digest}) now")
    if before.seed_policy != now.seed_policy:
        found.append(f"other seed policy: {before.seed_policy} then, {now.seed_policy} now")
    defaults = {**before.measure_defaults, **now.measure_defaults}
    for name in (*now.measure, *(each for each in before.measure if each not in now.measure)):
        default = defaults.get(name, "its default")
        was, is_now = before.measure.get(name, default), now.measure.get(name, default)
        if was != is_now:
            found.append(f"other --{name.replace('_', '-')}: {was} then, {is_now} now")
    return tuple(found)


def reproducible(before: RunContext, now: RunContext) -> bool:
    """Whether chance plays no part: the same seed on a simulator or on recordings gives the same answers."""
    fixed = before.simulated is True or (before.backend == now.backend == "replay")
    return fixed and before.seed == now.seed and not differences(before, now)


def same_clock(before: RunContext, now: RunContext, *, wall_clock: bool) -> bool:
    """Whether times can be compared: virtual times always, wall times on the same machine only."""
    virtual = before.simulated is True and now.simulated is True
    return (virtual and not wall_clock) or dict(before.machine) == dict(now.machine)


def encode_circumstances(value: RunContext) -> dict[str, Json]:
    """The JSON object of the circumstances."""
    return {
        "run": value.run,
        "started_ts_ms": value.started_ts_ms,
        "backend": value.backend,
        "simulated": value.simulated,
        "profile": value.profile,
        "fleet": {"name": value.fleet, "digest": value.fleet_digest},
        "seed": value.seed,
        "seed_policy": value.seed_policy,
        "measure": dict(value.measure),
        "versions": dict(value.versions),
        "machine": dict(value.machine),
    }


def decode_circumstances(fields: Fields) -> RunContext:
    """The circumstances of a JSON object."""
    fleet = fields.table("fleet")
    return RunContext(
        run=fields.text("run"),
        started_ts_ms=fields.number("started_ts_ms"),
        backend=fields.text("backend"),
        simulated=fields.flag("simulated") if "simulated" in fields else None,
        profile=fields.optional_text("profile"),
        fleet=fleet.text("name"),
        fleet_digest=fleet.text("digest"),
        seed=fields.whole("seed"),
        seed_policy=fields.text("seed_policy"),
        measure=_texts(fields.table("measure")),
        versions=_texts(fields.table("versions")),
        machine=_texts(fields.table("machine")),
    )


def _texts(fields: Fields) -> dict[str, str]:
    return {key: fields.text(key) for key in fields}


def _world(value: RunContext) -> str:
    return f"simulated ({value.profile})" if value.simulated else f"real ({value.backend})"
