"""Entry point of the room: from cassette files to the texts of a simulator profile and a fleet file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_swarm.calibration.measured_models import ModelMeasurement, measure_models, missing_measurement, stall_notes
from pytest_swarm.calibration.profile_toml import profile_toml
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.errors import CassetteError, FleetError
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.ollama.cassette.takes import Cassette, Take
from pytest_swarm.simulator.models.profile import parse_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.units import BYTES_PER_GB, bytes_to_gb, plural
from pytest_swarm.workloads.fleet import FleetEntry, fleet_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationDefaults:
    """What supplies the values that recordings do not tell.

    `profile` gives the simulator's rules, `fleet` cost and longest context, `gpu_bytes` the VRAM of the recorded GPU
    (None: the profile's).
    """

    profile: Profile
    fleet: Fleet
    gpu_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The texts of both files, the models in them, notes on what could not be used, and what was read."""

    profile_text: str
    fleet_text: str
    models: tuple[FleetEntry, ...]
    notes: tuple[str, ...]
    takes: tuple[Take, ...] = ()


def calibrate(cassettes: Sequence[Path], *, name: str, defaults: CalibrationDefaults) -> Calibration:
    """Measure the models of recordings.

    Args:
        cassettes: Cassette files.
        name: Name of the profile.
        defaults: What supplies the values that the recordings do not tell.

    Raises:
        CassetteError: Where a file is not a cassette, or no model can be simulated from its recordings.
        FleetError: Where the default fleet lacks a recorded model.
    """
    read = [read_cassette(path) for path in cassettes]
    takes, twice = _each_once(read)
    usable, missing = _usable_models(takes, defaults.fleet)
    notes = [note for cassette in read for note in cassette.notes]
    if twice:
        notes.append(f"{plural(twice, 'recorded case')} left out, because another file holds the same recording")
    notes += [f"{tag} is left out: {why}" for tag, why in missing.items()]
    notes += [
        f"{model.tag}: the server told no size of it; its footprint is that of fleet {defaults.fleet.name}"
        for model in usable
        if model.size_bytes is None
    ]
    notes += [note for model in usable for note in stall_notes(model)]
    if not usable:
        why = "; ".join(notes) or "it contains no calls"
        raise CassetteError(
            f"{', '.join(map(str, cassettes))}: no model can be simulated from it ({why}); record a whole run"
        )
    source = _source(takes, cassettes)
    entries = measured_fleet(usable, defaults.fleet)
    return Calibration(
        profile_text=_profile_text(usable, defaults, name, source),
        fleet_text=fleet_toml(entries, heading=(source,)),
        models=entries,
        notes=tuple(notes),
        takes=takes,
    )


def profile_of(takes: Iterable[Take], defaults: CalibrationDefaults) -> Profile | None:
    """Return the profile that takes amount to; None where no model can be simulated from them.

    Args:
        takes: The recordings.
        defaults: What supplies the values that the recordings do not tell.
    """
    usable, _ = _usable_models(takes, defaults.fleet)
    name = "measured"
    return parse_profile(_profile_text(usable, defaults, name, name), name) if usable else None


def _usable_models(takes: Iterable[Take], fleet: Fleet) -> tuple[list[ModelMeasurement], dict[str, str]]:
    """Return the models that can be simulated, and why others cannot."""
    measured = measure_models(takes)
    missing = {
        model.tag: why for model in measured if (why := missing_measurement(_completed(model, fleet))) is not None
    }
    return [model for model in measured if model.tag not in missing], missing


def _profile_text(models: Sequence[ModelMeasurement], defaults: CalibrationDefaults, name: str, source: str) -> str:
    completed = [_completed(model, defaults.fleet) for model in models]
    return profile_toml(completed, defaults.profile, name=name, source=source, gpu_bytes=defaults.gpu_bytes)


def _completed(model: ModelMeasurement, fleet: Fleet) -> ModelMeasurement:
    """Return a measurement with the fleet's longest context, and its footprint where the server told none.

    A server that tells no footprint has it in main memory.
    """
    if model.tag not in fleet:
        return model
    own = fleet[model.tag]
    if model.size_bytes is None:
        model = replace(model, size_bytes=round(own.vram_gb * BYTES_PER_GB), vram_bytes=0)
    return replace(model, max_ctx=own.max_ctx)


def _each_once(cassettes: Iterable[Cassette]) -> tuple[tuple[Take, ...], int]:
    """Return the takes of all cassettes, each once, and how many are left out, as those of a copy."""
    takes = [take for cassette in cassettes for take in cassette.takes]
    once = {(take.origin.run, take.origin.recorded_ts_ms, take.case.digest, take.case.test): take for take in takes}
    return tuple(once.values()), len(takes) - len(once)


def _source(takes: Sequence[Take], paths: Sequence[Path]) -> str:
    text = f"measured from {len(takes)} recorded cases in {', '.join(path.name for path in paths)}"
    return f"{text}, of a SIMULATED server" if any(take.origin.simulated for take in takes) else text


_MS_PER_S: Final = 1000.0


def measured_fleet(models: Iterable[ModelMeasurement], fleet: Fleet) -> tuple[FleetEntry, ...]:
    """Return fleet entries with measured footprint, load time, speeds and accuracies.

    Args:
        models: Models for which `missing_measurement` is None, but for a footprint, which is the fleet's if not known.
        fleet: Gives cost per token, longest context, and the capabilities that were not measured.

    Raises:
        FleetError: For models that `fleet` lacks, but for a planner or judge on a copy of its weights.
    """
    found = tuple(models)
    lacking = [model.tag for model in found if model.tag not in fleet and (model.weights or "") not in fleet]
    if lacking:
        raise FleetError(
            f"fleet {fleet.name!r} lacks {', '.join(lacking)}, which the recording has; "
            f"give the fleet file of the recorded run with --fleet"
        )
    return tuple(_entry(model, fleet[model.tag], fleet.name) for model in found if model.tag in fleet)


def _entry(found: ModelMeasurement, model: Model, fleet: str) -> FleetEntry:
    assert found.warm_load_s is not None
    assert found.decode_tokens_per_s is not None
    assert found.prefill_tokens_per_s is not None
    measured = {kind: round(count.rate, 4) for kind, count in found.reliable_accuracy.items()}
    known = {*measured, *model.capabilities}
    num_ctx = found.num_ctx or model.context_tokens
    calls = f"measured, {plural(found.call_count, 'call')}"
    updated = replace(
        model,
        vram_gb=model.vram_gb if found.size_bytes is None else round(bytes_to_gb(found.size_bytes), 3),
        load_time_ms=round(found.warm_load_s * _MS_PER_S, 1),
        num_ctx=num_ctx,
        capabilities={kind: measured.get(kind, model.capability(kind)) for kind in in_type_order(known)},
        prefill_tokens_per_s=round(found.prefill_tokens_per_s, 2),
        decode_tokens_per_s=round(found.decode_tokens_per_s, 2),
    )
    comments = {
        "vram_gb": f"from fleet {fleet}, not measured"
        if found.size_bytes is None
        else f"measured at num_ctx {num_ctx}",
        "load_time_ms": f"measured, median of {plural(found.load_count, 'load')}",
        "cost_per_token": f"from fleet {fleet}, not measured",
        "max_ctx": f"from fleet {fleet}",
        "prefill_tokens_per_s": calls,
        "decode_tokens_per_s": calls,
        **dict.fromkeys(model.capabilities, f"from fleet {fleet}, not measured"),
        **{kind: count.summary for kind, count in found.reliable_accuracy.items()},
    }
    return FleetEntry(model=updated, comments=comments)
