"""`fleet [--host URL] [--out FILE]`: a fleet file from the models that a server has installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from pytest_swarm.ollama.address import DEFAULT_IN_WORDS, host_of_command

HELP: Final = "make a fleet file from the installed models of a server"
DESCRIPTION: Final = """
Measure the installed chat models of an Ollama server, and write a fleet file. Each model is loaded twice and unloaded.
What was resident before is put back. Cost per token is an estimate, and capabilities are not measured: edit the file. A
file that has some is not replaced. Where Ctrl-C or a server that goes away ends the command, FILE.part has the models
that were measured.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--host", metavar="URL", help=f"the server (default: {DEFAULT_IN_WORDS})")
    parser.add_argument("--out", type=Path, metavar="FILE", help="fleet file to write (default: standard output)")
    parser.add_argument("--models", metavar="TAG,...", help="measure these models alone (default: all chat models)")
    parser.add_argument("--num-ctx", type=int, metavar="N", help="tokens of context to measure at (default: 8192)")
    parser.add_argument("--timeout", default="10m", metavar="TIME", help="limit of one load (default: 10m)")


def run(options: argparse.Namespace) -> int:
    """Measure and write; raise SwarmError for a server that does not answer or has no model."""
    from pytest_swarm.calibration.installed_models import FleetRequest, measure_server
    from pytest_swarm.domain.model import DEFAULT_NUM_CTX
    from pytest_swarm.domain.model_names import checked_name
    from pytest_swarm.errors import OptionError
    from pytest_swarm.units import parse_duration_s

    num_ctx = DEFAULT_NUM_CTX if options.num_ctx is None else options.num_ctx
    if num_ctx < 1:
        raise OptionError(f"--num-ctx: is {num_ctx}, but must be at least 1")
    tags = () if options.models is None else tuple(map(str.strip, options.models.split(",")))
    if not all(tags):
        raise OptionError(f"--models: {options.models!r} has an empty entry; write for example --models=gemma2:2b,phi3")
    for tag in tags:
        checked_name(tag, what="--models", error=OptionError)
    unfinished = None if options.out is None else Path(f"{options.out}.part")
    if options.out is not None and options.out.is_file() and options.out.stat().st_size:
        _check_replaceable(options.out)
    found = measure_server(
        host_of_command(options.host),
        request=FleetRequest(num_ctx=num_ctx, tags=tags),
        timeout_s=parse_duration_s(options.timeout, what="--timeout"),
        report_progress=lambda text: print(text, file=sys.stderr),
        keep=lambda some: _write(some.fleet_text(), unfinished),
    )
    _write(found.fleet_text(), options.out)
    if unfinished is not None:
        unfinished.unlink(missing_ok=True)  # of an earlier try
        print(f"next: say what you expect of each model, then pytest --swarm-fleet={options.out}", file=sys.stderr)
    return 0


def _check_replaceable(out: Path) -> None:
    """Raise FleetError for a file in which somebody has written what no measurement tells, or that is no fleet."""
    from pytest_swarm.errors import FleetError
    from pytest_swarm.workloads.fleet import load_fleet

    fleet = load_fleet(out)
    if fleet.assign or any(model.capabilities for model in fleet):
        raise FleetError(f"{out}: has capabilities or [assign], which would be lost; choose another --out, or move it")


def _write(text: str, out: Path | None) -> None:
    """Write a fleet file; where that is not possible, print it: measuring took its time."""
    from pytest_swarm.documents import write_text
    from pytest_swarm.errors import FleetError

    if out is None:
        print(text, end="", flush=True)
        return
    try:
        write_text(out, text, FleetError)
    except FleetError:
        print(text, end="", flush=True)
        raise
    print(f"wrote {out}", file=sys.stderr)
