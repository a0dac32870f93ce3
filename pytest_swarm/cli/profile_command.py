"""`profile --from CASSETTE... --out FILE`: a simulator profile and a fleet file, measured from recordings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "measure models from recordings; write a simulator profile and a fleet file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--from", dest="cassettes", nargs="+", type=Path, required=True, metavar="CASSETTE", help="recordings to read"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the profile, such as my_gpu.toml")
    parser.add_argument(
        "--fleet-out", type=Path, metavar="FILE", help="the fleet file (default: FILE's name with .fleet.toml)"
    )
    parser.add_argument(
        "--fleet",
        default="heavy",
        metavar="FILE",
        help="fleet that gives what cannot be measured: cost and longest context (default heavy)",
    )
    parser.add_argument(
        "--base", default="a40", metavar="FILE", help="profile that gives what was not recorded (default a40)"
    )
    parser.add_argument("--gpu", metavar="SIZE", help="VRAM of the recorded GPU, such as 24GB (default: the base's)")


def run(options: argparse.Namespace) -> int:
    """Read, measure, write both files, and say what was found; SwarmError for a file that cannot be used."""
    from pytest_swarm.calibration.measured_fleet import fleet_text
    from pytest_swarm.calibration.measured_profile import Basis, fleet_rows, profile_text, sorted_out
    from pytest_swarm.calibration.recorded_models import recorded_models
    from pytest_swarm.errors import CassetteError, FleetError, ProfileError
    from pytest_swarm.ollama.cassette.cassette_file import read_cassette
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.units import BYTES_PER_GB, parse_size_gb
    from pytest_swarm.workloads.documents import write_text
    from pytest_swarm.workloads.fleet import load_fleet

    cassettes = [read_cassette(path) for path in options.cassettes]
    takes = [take for cassette in cassettes for take in cassette.takes]
    gpu_bytes = None if options.gpu is None else round(parse_size_gb(options.gpu, what="--gpu") * BYTES_PER_GB)
    source = f"measured from {len(takes)} recorded cases in {', '.join(path.name for path in options.cassettes)}"
    if any(take.origin.simulated for take in takes):
        source += ", of a SIMULATED server"
    basis = Basis(name=options.out.stem, source=source, profile=load_profile(options.base), gpu_bytes=gpu_bytes)
    models, left_out = sorted_out(recorded_models(takes))
    for each in (note for cassette in cassettes for note in cassette.notes):
        print(each)
    for tag, why in left_out.items():
        print(f"{tag} is left out: {why}")
    if not models:
        raise CassetteError(
            f"{', '.join(map(str, options.cassettes))}: no model was recorded well enough to simulate it"
        )
    fleet_out = options.fleet_out or options.out.with_name(f"{options.out.stem}.fleet.toml")
    rows = fleet_rows(models, load_fleet(options.fleet))
    write_text(options.out, profile_text(models, basis), ProfileError)
    write_text(fleet_out, fleet_text((source,), rows), FleetError)
    for row in rows:
        model = row.model
        print(
            f"{model.tag}: {model.vram_gb:g} GB, load {model.load_time_ms:g} ms, {model.decode_tokens_per_s:g} tokens/s"
        )
    print(f"wrote {options.out} and {fleet_out}")
    return 0
