"""The arguments of the commands that serve; reading them imports nothing of the server."""

from __future__ import annotations

import argparse
from typing import Final

LOOPBACK: Final = "127.0.0.1"
OLLAMA_PORT: Final = 11434


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both commands take which serve: the room's own and `python -m pytest_swarm serve`."""
    parser.add_argument("--port", type=int, default=OLLAMA_PORT, metavar="N", help="port, 0 for any free one (11434)")
    parser.add_argument("--host", default=LOOPBACK, metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument("--profile", default="a40", metavar="NAME", help="a shipped profile or a TOML file (a40)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the answers (0)")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="SPEC", help="fault to inject, such as hang; repeatable"
    )
