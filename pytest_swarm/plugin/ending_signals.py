"""Signals that end a run: SIGTERM and SIGHUP do what Ctrl-C does, and another one costs no report and no traceback."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TypeAlias

from pytest_swarm.execution.like_ctrl_c import LIKE_CTRL_C, act_like_ctrl_c, none_lost

_Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | signal.Handlers | None"


class EndingSignals:
    """The handlers of one session, from its first benchmark to its end. They do nothing outside of the main thread.

    A signal that somebody else handles or ignores, such as SIGHUP under `nohup`, is left alone.
    """

    def __init__(self) -> None:
        self._before: dict[int, _Handler] = {}
        self._watching: ExitStack | None = None
        self._interrupted = False  # whether a signal has reached the run or its end
        self._tell: Callable[[], None] | None = None  # tells what a further signal gives up; None: it gives up nothing

    def watch(self) -> None:
        """Let SIGTERM and SIGHUP interrupt the run as Ctrl-C does, so that its reports are written."""
        if self._watching is not None or threading.current_thread() is not threading.main_thread():
            return
        self._watching = ExitStack()
        self._watching.enter_context(none_lost())
        for number in LIKE_CTRL_C:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._set(number, act_like_ctrl_c)

    def close(self, *, interrupted: bool = False) -> None:
        """From now on the run is being closed: a second signal ends what is `interruptible`, and nothing else.

        `interrupted`: a signal is what ends the run.
        """
        self._interrupted = self._interrupted or interrupted
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, *LIKE_CTRL_C):
            if callable(signal.getsignal(number)):
                self._set(number, self._again)

    @contextmanager
    def interruptible(self, tell: Callable[[], None]) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt in the block; the first that reaches the run calls `tell` instead."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def end(self) -> None:
        """Put back the handlers at the end of pytest; in a process that ends with it, at the first signal only.

        There a signal must not take the exit status away, or end in a traceback.
        """
        if self._watching is not None:
            self._watching.close()
        if self._before and _is_pytests_own_process():
            for number in self._before:
                signal.signal(number, self._last)
        else:
            self.restore()

    def restore(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _set(self, number: int, handler: Callable[[int, FrameType | None], object]) -> None:
        before = signal.signal(number, handler)
        self._before.setdefault(number, before)

    def _again(self, _number: int, _frame: FrameType | None) -> None:
        first, tell, self._interrupted = not self._interrupted, self._tell, True
        if tell is None:
            return
        if first:
            tell()
        else:
            self._tell = None
            raise KeyboardInterrupt

    def _last(self, _number: int, _frame: FrameType | None) -> None:
        """Do nothing once, so that a process that does not end can still be ended."""
        self.restore()


def _is_pytests_own_process() -> bool:
    """Return whether this process ends when pytest does: `pytest` or `python -m pytest`, not a call of its `main`."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and not (_is_of_pytest(frame) and frame.f_code.co_name.lstrip("_") == "main"):
        frame = frame.f_back
    while frame is not None and frame.f_back is not None and _is_of_pytest(frame.f_back):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name.lstrip("_") == "console_main"  # the name of a function of pytest


def _is_of_pytest(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == "_pytest.config"
