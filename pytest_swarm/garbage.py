"""When Python looks for garbage: not while modules are imported or reports made, and not at the end of the process.

A full collection visits every object that is alive, and a long run keeps hundreds of thousands of them.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage in the block: one that makes many objects, and leaves few in cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def no_collection_at_exit() -> None:
    """Let this process end without a collection: all of its memory goes back to the system anyway."""
    atexit.unregister(gc.freeze)  # once is enough where a process has several sessions
    atexit.register(gc.freeze)
