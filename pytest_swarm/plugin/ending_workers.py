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
    if distribution is None or not distribution.session_finished:
        yield
        return
    thread = Thread(target=distribution.nodemanager.teardown_nodes)  # what xdist does afterwards
    thread.start()
    try:
        yield
    finally:
        thread.join()
