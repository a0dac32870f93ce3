"""The commands of `python -m pytest_swarm`, one file each; this module only finds the one that is asked for.

A command is a module with `HELP`, `configure(parser)` and `run(options) -> int`. It imports what is heavy when it
runs, and may open any room of the package.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

from pytest_swarm.errors import SwarmError

COMMANDS: Final = ("report", "import", "new", "profile", "fleet")
_FAILED: Final = 1


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a user's mistake is 1, with a sentence on stderr (argparse: 2)."""
    parser = argparse.ArgumentParser(prog="python -m pytest_swarm", description="pytest-swarm outside a pytest run")
    parser.add_argument("--version", action="version", version=f"pytest-swarm-router {version('pytest-swarm-router')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {name: import_module(f"pytest_swarm.cli.{name}_command") for name in COMMANDS}
    for name, module in modules.items():
        module.configure(subparsers.add_parser(name, help=module.HELP, description=module.HELP))
    options = parser.parse_args(arguments)
    try:
        status: int = modules[options.command].run(options)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return status
