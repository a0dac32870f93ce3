"""Sets up --swarm-backend=measure for a session: which server is measured, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.plugin.settings import Settings


def set_up_measuring(
    resources: Resources, settings: Settings, *, process: Process, tell: Callable[[str], None]
) -> Measuring:
    """Return what measures the answers of a session.

    Args:
        resources: The session's fleet, GPU and benches.
        settings: Its settings.
        process: Which process of the session this is.
        tell: Shows a sentence at once.

    Raises:
        BackendError: No server answers, or it lacks a model.
    """
    from pytest_swarm.plugin.backend_choice import measured_server
    from pytest_swarm.plugin.measuring import Measuring, Surroundings

    demand = resources.demand()
    server = measured_server(settings, demand, process=process)
    gpu = resources.gpu.meter if server.inner is not None and server.inner.is_local else None
    around = Surroundings(
        make_bench=resources.bench_of,
        gpu_bytes=None if gpu is None else gpu.total_bytes,
        at_server=resources.exclusive,
        restoration=lambda: resources.server_bench.restoration,
        tell=tell,
        tell_progress=resources.tell_progress,
        tell_cost=resources.tell_cost,
        since_ms=process.started_ts_ms,
    )
    return Measuring(settings, demand=demand, server=server, around=around)
