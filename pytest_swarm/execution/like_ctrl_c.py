"""The signals that end a run or a command as Ctrl-C does, and how one of them is made into it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN_AFTER_S: Final = 0.05  # longer than a finalizer takes
LIKE_CTRL_C: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def act_like_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does now: an event loop cancels its task first."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a process that a shell started in the background
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@contextmanager
def none_lost() -> Iterator[None]:
    """Send a signal again whose KeyboardInterrupt Python drops, in the block.

    It does so where the signal arrives in a finalizer or the callback of a weak reference, as in a garbage collection.
    """
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            timer = threading.Timer(_AGAIN_AFTER_S, _interrupt_main_thread)
            timer.daemon = True
            timer.start()
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        if sys.unraisablehook is hook:
            sys.unraisablehook = before


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    number = next((each for each in (signal.SIGINT, *LIKE_CTRL_C) if callable(signal.getsignal(each))), None)
    if main is None or number is None:
        return
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, number)  # also where that thread waits meanwhile
    else:
        signal.raise_signal(number)
