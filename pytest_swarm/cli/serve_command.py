"""`serve [--port N] [--profile NAME]`: a simulated Ollama server for any client."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

HELP: Final = "serve a simulated Ollama server for any client"
DESCRIPTION: Final = """
Serve a simulated Ollama server over HTTP, in real time, until Ctrl-C. Clients of Ollama, OpenAI and Anthropic can be
tested against it without a model and without a GPU. Needs uvicorn.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from pytest_swarm.simulator.serve_arguments import add_serve_arguments

    add_serve_arguments(parser)
    parser.add_argument(
        "--graph",
        action="append",
        default=[],
        metavar="FILE",
        help="task graph whose prompts are answered as tasks; repeatable",
    )


def run(options: argparse.Namespace) -> int:
    """Serve; raise SwarmError for an unknown profile, fault or graph, or a port that is not available."""
    from pytest_swarm.simulator.serving import serve, serve_plan
    from pytest_swarm.workloads.graph_files import load_graph

    serve(serve_plan(options, graphs=map(load_graph, options.graph)), say=partial(print, flush=True))
    return 0
