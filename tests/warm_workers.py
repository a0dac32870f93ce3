"""Workers of xdist as forks of a process that has imported what they import: over a second less for each of them.

The process they are forked from has run nothing of ours. All forks have one hash seed, so what depends on it needs
workers that are processes of their own.
"""

from __future__ import annotations

import atexit
import os
import pkgutil
import resource
import sys
from functools import cache
from multiprocessing import current_process, forkserver, get_context, popen_forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

import pytest_swarm

FORKS: Final = get_context("forkserver")
OTHERS: Final = ("pytest", "xdist.remote", "xdist.plugin", "execnet.gateway_base", "pytest_benchmark.plugin")


# A run inside a test would import it first, and pytester forget it, and with it that the process runs.
assert popen_forkserver


def start() -> None:
    """Start the process that forks, unless it runs: it imports the package and what it stands on.

    A test may have set a limit, which that process would keep for all others.
    """
    FORKS.set_forkserver_preload(_imported())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        forkserver.ensure_running()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@cache
def _imported() -> list[str]:
    ours = (each.name for each in pkgutil.walk_packages(pytest_swarm.__path__, "pytest_swarm."))
    return [*OTHERS, *(name for name in ours if not name.endswith("__main__"))]


class ForkedPython:
    """`python -u -c PROGRAM` with pipes, as `subprocess.Popen` starts it for execnet."""

    def __init__(self, args: list[str], **_: Any) -> None:
        start()
        program, write = FORKS.Pipe(duplex=False)
        read, answers = FORKS.Pipe(duplex=False)
        errors = Connection(os.dup(2), readable=False)
        theirs = (program, answers, errors)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        started = (args[-1], theirs, Path.cwd(), dict(os.environ), limit)
        self._process = FORKS.Process(target=_be_python, args=started, daemon=True)
        self._process.start()
        self.stdin: IO[bytes] = os.fdopen(os.dup(write.fileno()), "wb")
        self.stdout: IO[bytes] = os.fdopen(os.dup(read.fileno()), "rb")
        for each in (*theirs, write, read):
            each.close()

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()


SUBPROCESS: Final = SimpleNamespace(PIPE=None, Popen=ForkedPython)
"""Takes the place of the module `subprocess` in execnet."""


def _be_python(
    program: str,
    streams: tuple[Connection, ...],
    folder: Path,
    environment: dict[str, str],
    limit: tuple[int, int],
) -> None:
    """Do what `python -u -c program` does; nothing of these tests stays imported."""
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # may have children, as any process
    os.chdir(folder)
    os.environ.clear()
    os.environ |= environment
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(each, "w", buffering=1, closefd=False) for each in (1, 2))  # noqa: SIM115
    sys.argv = ["-c"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    try:
        exec(program, vars(sys.modules["__main__"]))
    finally:
        atexit._run_exitfuncs()
