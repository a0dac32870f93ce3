"""`python -m pytest_swarm.simulator serve --port 11434 --profile a40`, and `... launcher` for the conformance kit."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

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
    from pytest_swarm.simulator.http_server import serve_in_thread
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.faults import parse_fault
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer

    profile = load_profile(options.profile)
    generator = ProfileGenerator(profile, seed=options.seed)
    faults = (*profile.faults, *(parse_fault(text, what="--fault") for text in options.fault))
    server = SimulatedServer(profile.server_spec, generator=generator, seed=options.seed, faults=faults)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve_in_thread(server, host=options.host, port=options.port) as url:
        print(f"simulated Ollama server, profile {profile.name!r}, at {url} (stop it with Ctrl-C)", flush=True)
        stop.wait()


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
