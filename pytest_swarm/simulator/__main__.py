"""`python -m pytest_swarm.simulator launcher`: the conformance kit's launcher, which reads one JSON line from stdin."""

from __future__ import annotations

import argparse
import sys

from pytest_swarm.errors import SwarmError
from pytest_swarm.simulator.launcher import launch


def main() -> int:
    """Run the launcher and return the exit status: 0 on success, 4 (as in pytest) for a line that is not valid."""
    parser = argparse.ArgumentParser(prog="python -m pytest_swarm.simulator", description=__doc__)
    parser.add_argument("command", choices=["launcher"])
    parser.parse_args()
    try:
        launch(sys.stdin, sys.stdout)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
