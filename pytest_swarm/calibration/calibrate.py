"""Entry point of the room: from cassette files to the texts of a simulator profile and a fleet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_swarm.calibration.measured_fleet import measured_fleet
from pytest_swarm.calibration.measured_models import measure_models, missing_measurement, stall_notes
from pytest_swarm.calibration.profile_sections import ProfileTemplate
from pytest_swarm.calibration.profile_toml import profile_toml
from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import CassetteError
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.ollama.cassette.takes import Cassette, Take
from pytest_swarm.simulator.models.profile_types import Profile
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
    measured = measure_models(take for cassette in read for take in cassette.takes)
    missing = {model.tag: missing_measurement(model) for model in measured}
    usable = [model for model in measured if missing[model.tag] is None]
    notes = [note for cassette in read for note in cassette.notes]
    notes += [f"{tag} is left out: {why}" for tag, why in missing.items() if why is not None]
    notes += [note for model in usable for note in stall_notes(model)]
    if not usable:
        why = "; ".join(notes) or "it contains no calls"
        raise CassetteError(
            f"{', '.join(map(str, cassettes))}: no model can be simulated from it ({why}); record a whole run"
        )
    source = _source(read, cassettes)
    template = ProfileTemplate(name=name, source=source, base=defaults.profile, gpu_bytes=defaults.gpu_bytes)
    entries = measured_fleet(usable, defaults.fleet)
    return Calibration(
        profile_text=profile_toml(usable, template),
        fleet_text=fleet_toml(entries, heading=(source,)),
        models=entries,
        notes=tuple(notes),
        takes=tuple(take for cassette in read for take in cassette.takes),
    )


def _source(cassettes: Sequence[Cassette], paths: Sequence[Path]) -> str:
    takes = sum(len(cassette.takes) for cassette in cassettes)
    text = f"measured from {takes} recorded cases in {', '.join(path.name for path in paths)}"
    return f"{text}, of a SIMULATED server" if any(cassette.simulated for cassette in cassettes) else text
