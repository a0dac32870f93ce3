"""Workers of xdist, and programs, as forks of a process that has imported what they import: a second less for each.

The process they are forked from has run nothing of ours. All forks have one hash seed, so what depends on it needs
processes of their own, and so does what depends on what is imported.
"""

from __future__ import annotations

import atexit
import os
import pkgutil
import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from multiprocessing import current_process, forkserver, get_context, popen_forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import IO, Any, Final

import pytest_swarm

FORKS: Final = get_context("forkserver")
LIMIT_S: Final = 120.0  # of a program that should have ended long before
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
        program, write = FORKS.Pipe(duplex=False)
        read, answers = FORKS.Pipe(duplex=False)
        errors = Connection(os.dup(2), readable=False)
        theirs = (program, answers, errors)
        self._process = _fork(args[-1], theirs)
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


def run_program(
    program: str, *, started: Callable[[int], object] = lambda _: None, limit_s: float = LIMIT_S
) -> CompletedProcess[str]:
    """Return how `python -c program` ends and what it prints; `started` is told the number of its process.

    TimeoutExpired, with what it printed, where it has not ended within `limit_s`.
    """
    with ExitStack() as files:
        paths = (files.enter_context(TemporaryFile()) for _ in range(3))
        read, out, err = streams = [Connection(os.dup(each.fileno())) for each in paths]
        files.callback(lambda: [each.close() for each in streams])
        process = _fork(program, (read, out, err))
        started(process.pid or 0)
        process.join(limit_s)
        status = process.exitcode
        if status is None:
            process.kill()
            process.join()
        said = [os.pread(each.fileno(), os.fstat(each.fileno()).st_size, 0).decode() for each in (out, err)]
    if status is None:
        raise TimeoutExpired(program, limit_s, *said)
    return CompletedProcess(program, status, *said)


def _fork(program: str, streams: tuple[Connection, ...]) -> ForkServerProcess:
    """Start `python -c program` with these standard streams, in the folder, environment and limit of this process."""
    start()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    args = (program, streams, Path.cwd(), dict(os.environ), limit)
    process = FORKS.Process(target=_be_python, args=args, daemon=True)
    process.start()
    return process


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
