"""Signals that end a run: SIGTERM and SIGHUP do what Ctrl-C does, and another one costs no report and no traceback."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias

_Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | signal.Handlers | None"
_LIKE_CTRL_C: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class EndingSignals:
    """The handlers of one session, from its first benchmark to its end. They do nothing outside of the main thread.

    A signal that somebody else handles or ignores, such as SIGHUP under `nohup`, is left alone.
    """

    def __init__(self) -> None:
        self._before: dict[int, _Handler] = {}
        self._interruptible = False

    def watch(self) -> None:
        """Let SIGTERM and SIGHUP interrupt the run as Ctrl-C does, so that its reports are written."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _LIKE_CTRL_C:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._set(number, _as_ctrl_c)

    def close(self) -> None:
        """From now on the run is being closed: a further signal ends what is `interruptible`, and nothing else."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, *_LIKE_CTRL_C):
            if callable(signal.getsignal(number)):
                self._set(number, self._once)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let one signal raise KeyboardInterrupt in the block."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def restore(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _set(self, number: int, handler: Callable[[int, FrameType | None], object]) -> None:
        before = signal.signal(number, handler)
        self._before.setdefault(number, before)

    def _once(self, _number: int, _frame: FrameType | None) -> None:
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt


def _as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does now: an event loop cancels its task first."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a process that a shell started in the background
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)
