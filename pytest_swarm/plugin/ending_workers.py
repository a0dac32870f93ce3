"""The end of xdist's workers: they give their memory back while the controller writes the reports, not after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


@contextmanager
def ending_workers(config: pytest.Config) -> Iterator[None]:
    """In a controller of xdist whose workers have done their work: end their processes while the block runs."""
    distribution: Any = config.pluginmanager.get_plugin("dsession")  # of xdist, which has no types
    nodes = getattr(distribution, "nodemanager", None)
    end_nodes = getattr(nodes, "teardown_nodes", None)  # what xdist does afterwards; it promises none of these names
    if end_nodes is None or not getattr(distribution, "session_finished", False):
        yield
        return
    thread = Thread(target=end_nodes)
    thread.start()
    try:
        yield
    finally:
        thread.join()
