"""The commands of `python -m pytest_swarm`, one file each; this module only finds the command that was asked for.

A command is a module with `HELP` (its line in the list), `DESCRIPTION` (its own help), `configure(parser)` and
`run(options) -> int`, and `ERROR_STATUS` where a SwarmError other than an OptionError is not to end with 1. It parses
arguments and prints; it imports the room that does the work when it runs.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TextIO

from pytest_swarm.cli.stop_signals import StopSignals
from pytest_swarm.errors import OptionError, SwarmError, printable
from pytest_swarm.files import refused_files

COMMANDS: Final = (
    *("report", "gate", "merge", "decide", "noise", "time", "import", "import-matrix", "expect", "new", "estimates"),
    *("profile", "fleet", "score", "serve", "answers"),
)
_DISTRIBUTION: Final = "pytest-swarm-router"
_INSTALL: Final = "activate the environment that has it, or run pip install -e . in the clone"
_FAILED: Final = 1
_WRONG_OPTION: Final = 4  # as that of pytest, so that no wrong option looks like a result
_STOPPED: Final = 128  # to which shells add the number of the signal that ended a command
_OUTPUT_ERRORS: Final = (errno.EPIPE, errno.ENOSPC, errno.EIO)  # of standard output


def main(arguments: Sequence[str]) -> int:
    """Run one command, or list them all where none is named, and return the exit status.

    A SwarmError is printed as one sentence. The status is 4 for an OptionError, else 1 or what the command says.
    After Ctrl-C it is 130, after SIGTERM 143, after SIGHUP 129. Invalid arguments exit with argparse's status, 2.
    """
    try:
        installed = version(_DISTRIBUTION)
    except PackageNotFoundError:
        print(f"error: {_DISTRIBUTION} is not installed in {sys.executable}; {_INSTALL}", file=sys.stderr)
        return _FAILED
    parser = argparse.ArgumentParser(
        prog="python -m pytest_swarm",
        description="Commands of pytest-swarm that need no pytest run.",
        epilog="`python -m pytest_swarm COMMAND --help` shows the arguments of a command.",
    )
    parser.add_argument("--version", action="version", version=f"{_DISTRIBUTION} {installed}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    modules = {name: import_module(f"pytest_swarm.cli.{name.replace('-', '_')}_command") for name in COMMANDS}
    for name, module in modules.items():
        module.configure(subparsers.add_parser(name, help=module.HELP, description=module.DESCRIPTION))
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    empty = _empty_argument(arguments)
    if empty is not None:
        print(f"error: {empty} is empty, such as by a variable that is not set; give it a value", file=sys.stderr)
        return _WRONG_OPTION
    _print_any_text()
    signals = StopSignals()
    try:
        with signals, refused_files(), _safe_output():
            status: int = modules[options.command].run(options)
        print(end="", flush=True)  # where standard output is closed, there is none
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        other: int = getattr(modules[options.command], "ERROR_STATUS", _FAILED)
        return _WRONG_OPTION if isinstance(error, OptionError) else other
    except KeyboardInterrupt:
        print(f"{options.command} was stopped by {signals.name}", file=sys.stderr)
        return _STOPPED + signals.number
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS or error.filename is not None:
            raise
        _drop_output()
        if error.errno != errno.EPIPE:  # a reader that has seen enough is no error
            print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return _FAILED
    return status


def _empty_argument(arguments: Sequence[str]) -> str | None:
    """Return the name of the first argument without a text, which a path would take for the current folder."""
    for before, text in zip(("", *arguments), arguments, strict=False):
        if not text.strip():
            return before if before.startswith("--") else "an argument"
        option, *value = text.split("=", 1)  # `--input=name=` has a value: a name without one
        if option.startswith("--") and value == [""]:
            return option
    return None


class _SafeStream(io.TextIOBase):
    """A stream on which the text of others, such as a server's name of a model, cannot command a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(printable(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def _safe_output() -> Iterator[None]:
    """Escape what a command prints; a stream that is closed stays None, to which nothing is printed."""
    with ExitStack() as stack:
        for stream, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            if stream is not None:
                stack.enter_context(redirect(_SafeStream(stream)))
        yield


def _print_any_text() -> None:
    """Let standard output show what its encoding cannot, such as half a surrogate pair, as an escape."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Throw away what is still to be printed, which Python would try once more at its end."""
    with suppress(OSError), Path(os.devnull).open("w", encoding="utf-8") as null:
        os.dup2(null.fileno(), sys.stdout.fileno())
