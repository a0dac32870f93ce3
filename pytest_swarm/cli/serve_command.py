"""`serve [--port N] [--profile NAME]`: a simulated Ollama server for any client."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

HELP: Final = "serve a simulated Ollama server for any client"
DESCRIPTION: Final = """
Serve a simulated Ollama server over HTTP, in real time, until Ctrl-C. Clients of Ollama and of OpenAI can be tested
against it without a model and without a GPU. Needs the extra `server`.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--port", type=int, default=11434, metavar="N", help="port, 0 for any free one (11434)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument("--profile", default="a40", metavar="NAME", help="a shipped profile or a TOML file (a40)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the answers (0)")
    parser.add_argument("--fault", action="append", default=[], metavar="SPEC", help="fault to inject, such as hang")
    parser.add_argument(
        "--graph", action="append", default=[], metavar="FILE", help="task graph whose prompts are answered as tasks"
    )


def run(options: argparse.Namespace) -> int:
    """Serve; raise SwarmError for an unknown profile, fault or graph, or a port that is not available."""
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.server.faults import parse_fault
    from pytest_swarm.simulator.serving import ServePlan, serve
    from pytest_swarm.workloads.graph_files import load_graph

    plan = ServePlan(
        profile=load_profile(options.profile),
        host=options.host,
        port=options.port,
        seed=options.seed,
        faults=tuple(parse_fault(text, what="--fault") for text in options.fault),
        graphs=tuple(map(load_graph, options.graph)),
    )
    serve(plan, say=partial(print, flush=True))
    return 0
