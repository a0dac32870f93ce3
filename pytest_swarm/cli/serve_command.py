"""`serve [--port N] [--profile NAME]`: a simulated Ollama server for any client."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

from pytest_swarm.ollama.address import OLLAMA_PORT

HELP: Final = "serve a simulated Ollama server for any client"
DESCRIPTION: Final = """
Serve a simulated Ollama server over HTTP, in real time, until Ctrl-C. Clients of Ollama, OpenAI and Anthropic can be
tested against it without a model and without a GPU. Needs uvicorn.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--port", type=int, default=OLLAMA_PORT, metavar="N", help="port, 0 for any free one (11434)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument("--profile", default="a40", metavar="NAME", help="a shipped profile or a TOML file (a40)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the answers (0)")
    for name, metavar, what in (
        ("--fault", "SPEC", "fault to inject, such as hang; repeatable"),
        ("--graph", "FILE", "task graph whose prompts are answered as tasks; repeatable"),
    ):
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=what)


def run(options: argparse.Namespace) -> int:
    """Serve; raise SwarmError for an unknown profile, fault or graph, or a port that is not available."""
    from pytest_swarm.simulator.serving import serve
    from pytest_swarm.simulator.simulated_world import load_world
    from pytest_swarm.workloads.graph_files import load_graph

    world = load_world(options.profile, seed=options.seed, faults=options.fault, what="--fault")
    graphs = tuple(map(load_graph, options.graph))
    serve(world, address=(options.host, options.port), graphs=graphs, say=partial(print, flush=True))
    return 0
