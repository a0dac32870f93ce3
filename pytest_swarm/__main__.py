"""`python -m pytest_swarm COMMAND`: the commands that need no pytest run."""

from __future__ import annotations

import sys

from pytest_swarm.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
