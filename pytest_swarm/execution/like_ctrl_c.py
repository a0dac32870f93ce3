"""The signals that end a run or a command as Ctrl-C does, and how one of them is made into it."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final

LIKE_CTRL_C: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def act_like_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does now: an event loop cancels its task first."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a process that a shell started in the background
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)
