"""`fleet --host URL [--out FILE]`: a starting fleet file from what a server has installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

HELP: Final = "load each model of an Ollama server once or twice, and write a fleet file of what was measured"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--host", required=True, metavar="URL", help="the server, such as http://127.0.0.1:11434")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the fleet file (default: standard output)")
    parser.add_argument("--num-ctx", type=int, metavar="N", help="tokens of context to measure at (default 8192)")
    parser.add_argument("--timeout", default="10m", metavar="TIME", help="limit of one load (default 10m)")


def run(options: argparse.Namespace) -> int:
    """Measure and write; SwarmError for a server that does not answer or has no model."""
    import asyncio

    from pytest_swarm.calibration.installed_models import Installed, installed_fleet
    from pytest_swarm.calibration.measured_fleet import fleet_text
    from pytest_swarm.domain.model import DEFAULT_NUM_CTX
    from pytest_swarm.errors import FleetError, OptionError
    from pytest_swarm.ollama.client import OllamaClient
    from pytest_swarm.units import parse_duration_s
    from pytest_swarm.workloads.documents import write_text

    num_ctx = DEFAULT_NUM_CTX if options.num_ctx is None else options.num_ctx
    if num_ctx < 1:
        raise OptionError(f"--num-ctx: is {num_ctx}, but must be at least 1")
    timeout_s = parse_duration_s(options.timeout, what="--timeout")

    async def measure() -> tuple[str, Installed]:
        client = OllamaClient(options.host, timeout_s=timeout_s)
        try:
            found = await installed_fleet(client, num_ctx=num_ctx, tell=lambda text: print(text, file=sys.stderr))
        finally:
            await client.aclose()
        return client.host, found

    host, found = asyncio.run(measure())
    left_out = [f"{tag} is left out: {why}" for tag, why in found.left_out]
    heading = (
        f"Measured on the Ollama server at {host}.",
        "Priors of quality are not measured: add capabilities.",
        *left_out,
    )
    text = fleet_text(heading, found.rows)
    if options.out is None:
        print(text, end="")
    else:
        write_text(options.out, text, FleetError)
        print(f"wrote {options.out}", file=sys.stderr)
    return 0
