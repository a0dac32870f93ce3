"""`python -m pytest_swarm COMMAND`: the commands that need no pytest run."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":

    def nothing_to_stop(*_: object) -> None:
        """Take a Ctrl-C after the end, of which Python would print a traceback."""

    try:
        from pytest_swarm.cli import main

        status = main(sys.argv[1:])
        signal.signal(signal.SIGINT, nothing_to_stop)
    except KeyboardInterrupt:  # before a command ran: most of that time the modules are imported
        signal.signal(signal.SIGINT, nothing_to_stop)
        exec("")  # as in StopSignals: without it, CPython may end as if SIGINT had killed it
        print("python -m pytest_swarm was stopped by Ctrl-C", file=sys.stderr)
        status = 130
    sys.exit(status)
