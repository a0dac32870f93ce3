"""`python -m pytest_swarm.simulator serve --port 11434 --profile a40`, and `... launcher` for the conformance kit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from pytest_swarm.errors import SwarmError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status: 0 on success, 4 (as in pytest) for a bad option or file."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "launcher":
            from pytest_swarm.simulator.launcher import launch

            launch(sys.stdin, sys.stdout)
        else:
            _serve(options)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    return 0


def _serve(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.server.faults import parse_fault
    from pytest_swarm.simulator.serving import ServePlan, serve

    plan = ServePlan(
        profile=load_profile(options.profile),
        host=options.host,
        port=options.port,
        seed=options.seed,
        faults=tuple(parse_fault(text, what="--fault") for text in options.fault),
    )
    serve(plan, say=partial(print, flush=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_swarm.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a simulated Ollama server for any client")
    serve.add_argument("--port", type=int, default=11434, help="port to listen on, 0 for any free one (11434)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--profile", default="a40", help="a shipped profile or a TOML file (a40)")
    serve.add_argument("--seed", type=int, default=0, help="seed of the answers (0)")
    serve.add_argument("--fault", action="append", default=[], metavar="SPEC", help="fault to inject, such as hang")
    commands.add_parser("launcher", help="the conformance kit's launcher: reads one JSON line from stdin")
    return parser


if __name__ == "__main__":
    sys.exit(main())
