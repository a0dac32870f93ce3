"""Tracebacks of our own errors: the lines of the user that led to one, and its sentence. `--full-trace` shows all."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import SwarmError

if TYPE_CHECKING:
    import pytest

_NOT_THEIRS: Final = ("pytest_swarm", "_pytest", "pluggy")


def keep_their_lines(excinfo: pytest.ExceptionInfo[BaseException], config: pytest.Config) -> bool:
    """Leave out our own frames and the cause, which the sentence tells; return whether anything was left out."""
    error = excinfo.value
    if not isinstance(error, SwarmError) or config.getoption("fulltrace", default=False):
        return False
    theirs: TracebackType | None = None
    for entry in reversed([each for each in _entries(excinfo.tb) if _package(each) not in _NOT_THEIRS]):
        theirs = TracebackType(theirs, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if theirs is not None:  # else nothing but hooks led to it
        excinfo.traceback = type(excinfo.traceback)(theirs)
        error.__cause__, error.__suppress_context__ = None, True
    return theirs is not None


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _package(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__")).partition(".")[0]
