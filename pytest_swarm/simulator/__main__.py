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
    from pytest_swarm.simulator.serving import serve, serve_plan

    serve(serve_plan(options), say=partial(print, flush=True))


def _parser() -> argparse.ArgumentParser:
    from pytest_swarm.simulator.serve_arguments import add_serve_arguments

    parser = argparse.ArgumentParser(prog="python -m pytest_swarm.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a simulated Ollama server for any client")
    add_serve_arguments(serve)
    commands.add_parser("launcher", help="the conformance kit's launcher: reads one JSON line from stdin")
    return parser


if __name__ == "__main__":
    sys.exit(main())
