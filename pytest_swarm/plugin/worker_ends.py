"""The end of xdist's workers, as their controller sees it.

Workers that have done their work end while the reports are written, not after it. The servers of workers that were
killed, or had no time to do so, are left as the run found them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from pytest_swarm.errors import SwarmError
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.plugin.worker_messages import EVENTS, REMARKS

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.plugin.prepared_run import PreparedRun
    from pytest_swarm.plugin.resources import Resources


@contextmanager
def ending_workers(config: pytest.Config) -> Iterator[None]:
    """In a controller of xdist whose workers have done their work: end their processes while the block runs."""
    end_nodes, done = _end_of_workers(config)
    if end_nodes is None or not done:
        yield
        return
    thread = Thread(target=end_nodes)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def end_workers_at_work(config: pytest.Config) -> bool:
    """In a controller of xdist that ends before its workers, as after Ctrl-C or `-x`: end them, and return True.

    They have seconds for that, which a model that is put back can exceed: then xdist interrupts and kills them.
    """
    end_nodes, done = _end_of_workers(config)
    if end_nodes is None or done:
        return False
    end_nodes()
    return True


def _end_of_workers(config: pytest.Config) -> tuple[Callable[[], None] | None, bool]:
    """Return what ends xdist's workers, None where there are none, and whether they have done their work."""
    distribution: Any = config.pluginmanager.get_plugin("dsession")  # of xdist, which has no types
    nodes = getattr(distribution, "nodemanager", None)
    end_nodes = getattr(nodes, "teardown_nodes", None)  # what xdist does afterwards; it promises none of these names
    return end_nodes, getattr(distribution, "session_finished", False)


def take_outputs(workers: Iterable[Any], run: PreparedRun) -> None:
    """Take what workers of xdist sent at their end: each remark once, and the events of the test that was broken off.

    After Ctrl-C xdist tells of no end itself.
    """
    for worker in workers:
        output = getattr(worker, "workeroutput", {})  # a worker that died has none
        for remark in output.pop(REMARKS, ()):
            run.resources.remark(remark)
        events = output.pop(EVENTS, None)
        if events is not None and run.folder.trouble is None:
            with suppress(SwarmError):  # then it is the folder's trouble, which the end of the session tells
                run.folder.take(events)


def leave_for_killed_workers(resources: Resources) -> list[str]:
    """Leave each server as the run found it, unless a worker there will do it; return what could not be done.

    What a worker said that was interrupted at that is therefore dropped.
    """
    from pytest_swarm.execution.restoration import INTERRUPTED  # only then, because it imports the client

    settings = resources.settings
    resources.remarks[:] = [each for each in resources.remarks if not each.startswith(INTERRUPTED)]
    remarks: list[str] = []
    for host in settings.hosts:
        try:
            called = resources if len(settings.hosts) == 1 else resources.at(host)
            if called.called.live:
                remarks += called.visit.leave_for_killed(loaded=settings.leave_loaded)
        except SwarmError as error:
            remarks.append(f"what killed workers may have left at {shown_host(host)} was not unloaded: {error}")
    return remarks
