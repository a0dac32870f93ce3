"""`python -m pytest_swarm COMMAND`: the commands that need no pytest run."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from pytest_swarm.cli import main

        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # before a command ran: most of that time the modules are imported
        exec("")  # as in StopSignals: without it, CPython may end as if SIGINT had killed it
        print("python -m pytest_swarm was stopped by Ctrl-C", file=sys.stderr)
        status = 130
    sys.exit(status)
