"""The servers of a run whose workers of xdist were killed: the controller leaves them as the run found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_swarm.errors import SwarmError

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.plugin.settings import Settings


def leave_for_killed_workers(resources: Resources, settings: Settings) -> list[str]:
    """Leave each server as the run found it, unless a worker is there that will do it; return what could not be done.

    Args:
        resources: The resources of the controller.
        settings: Its settings.
    """
    remarks: list[str] = []
    for host in settings.hosts:
        try:
            called = resources if len(settings.hosts) == 1 else resources.at(host)
            if called.called.live:
                remarks += called.visit.leave_for_killed(loaded=settings.leave_loaded)
        except SwarmError as error:
            remarks.append(f"a worker was killed at a server that was not left as it was found: {error}")
    return remarks
