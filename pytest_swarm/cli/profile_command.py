"""`profile --from CASSETTE... --out FILE`: a simulator profile and a fleet file, measured from recordings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_swarm.calibration.calibrate import CalibrationDefaults
    from pytest_swarm.ollama.cassette.takes import Take

HELP: Final = "make a simulator profile and a fleet file from recordings"
DESCRIPTION: Final = """
Measure the models of recordings (made with pytest --swarm-backend=record), and write a simulator profile for
--swarm-profile and a fleet file for --swarm-fleet. A comment behind each value tells where it comes from. In the end
the recorded cases are played again by the profile, and a table shows what it predicts. No file is overwritten.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--from", dest="cassettes", nargs="+", type=Path, required=True, metavar="CASSETTE", help="cassette files"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="profile to write, such as my_gpu.toml")
    parser.add_argument(
        "--fleet-out", type=Path, metavar="FILE", help="fleet file to write (default: as --out, with .fleet.toml)"
    )
    parser.add_argument(
        "--fleet",
        default="heavy",
        metavar="FILE",
        help="fleet that gives cost per token and longest context, which cannot be measured (default: heavy)",
    )
    parser.add_argument(
        "--base", default="a40", metavar="FILE", help="profile that gives what was not recorded (default: a40)"
    )
    parser.add_argument("--no-check", action="store_true", help="do not play the recording again by the profile")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the recorded run (default: found in it)")
    parser.add_argument("--gpu", metavar="SIZE", help="VRAM of the recorded GPU, such as 24GB (default: as in --base)")


def run(options: argparse.Namespace) -> int:
    """Measure, write both files, and print what was found; raise SwarmError for a file that cannot be used."""
    from pytest_swarm.calibration.calibrate import CalibrationDefaults, calibrate
    from pytest_swarm.documents import write_texts
    from pytest_swarm.errors import ProfileError
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.units import BYTES_PER_GB, parse_size_gb
    from pytest_swarm.workloads.fleet import load_fleet

    fleet_out = options.fleet_out or options.out.parent / f"{options.out.stem}.fleet.toml"
    _check_new(options.out, "--out")
    _check_new(fleet_out, "--fleet-out")
    gpu_bytes = None if options.gpu is None else round(parse_size_gb(options.gpu, what="--gpu") * BYTES_PER_GB)
    defaults = CalibrationDefaults(
        profile=load_profile(options.base), fleet=load_fleet(options.fleet), gpu_bytes=gpu_bytes
    )
    result = calibrate(options.cassettes, name=options.out.stem, defaults=defaults)
    write_texts([(str(options.out), result.profile_text), (str(fleet_out), result.fleet_text)], ProfileError)
    for note in result.notes:
        print(note)
    for entry in result.models:
        model = entry.model
        print(
            f"{model.tag}: {model.vram_gb:g} GB, load {model.load_time_ms:g} ms, {model.decode_tokens_per_s:g} tokens/s"
        )
    print(f"wrote {options.out} and {fleet_out}")
    if not options.no_check:
        _check(options, result.takes, defaults)
    print(f"next: pytest --swarm-backend=sim --swarm-profile={options.out} --swarm-fleet={fleet_out}")
    return 0


def _check_new(path: Path, option: str) -> None:
    """Raise ProfileError for a file with contents: figures that somebody set by hand would be lost."""
    from pytest_swarm.errors import ProfileError

    if path.is_file() and path.stat().st_size:
        raise ProfileError(f"{path}: exists already; choose another {option}, or move it")


def _check(options: argparse.Namespace, takes: tuple[Take, ...], defaults: CalibrationDefaults) -> None:
    """Print how the profile predicts its own recording, and each job of it by the others."""
    from pytest_swarm.calibration.job_folds import check_new_jobs
    from pytest_swarm.calibration.profile_check import check_profile, check_table, without_answers
    from pytest_swarm.errors import OptionError
    from pytest_swarm.simulator.models.profile import load_profile

    profile = load_profile(options.out)
    try:
        whole = check_profile(profile, defaults.fleet, takes, seed=options.seed)
        rules = check_profile(without_answers(profile), defaults.fleet, takes, seed=options.seed)
        new_jobs = check_new_jobs(takes, defaults, seed=options.seed)
    except OptionError as error:
        print(f"not checked: {error}")
        return
    print(
        "The recorded cases played again by this profile; sums over the cases with equal plans, far off = by over 35 %:"
    )
    for line in check_table(whole, rules, new_jobs):
        print(line)
