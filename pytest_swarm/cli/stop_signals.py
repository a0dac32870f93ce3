"""Signals that stop a command: SIGTERM and SIGHUP do what Ctrl-C does, so that nothing half written is left."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from types import FrameType
from typing import Self

from pytest_swarm.execution.like_ctrl_c import LIKE_CTRL_C, act_like_ctrl_c, none_lost


class StopSignals:
    """The handlers while a command runs. A signal that somebody else handles or ignores is left alone.

    Attributes:
        number: The signal that stopped the command.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._watched: list[int] = []
        self._end = ExitStack()

    @property
    def name(self) -> str:
        """What stopped the command, in words."""
        return "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._watched = [each for each in LIKE_CTRL_C if signal.getsignal(each) is signal.SIG_DFL]
        for number in self._watched:
            signal.signal(number, self._stop)
        self._end.enter_context(none_lost())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            exec("")  # CPython ends as if SIGINT had killed it where the last `exec` of a text was interrupted
        self._end.close()
        for number in self._watched:
            signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        act_like_ctrl_c(number, frame)
