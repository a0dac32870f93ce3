"""The fixtures of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.plugin.job_runner import SwarmRun


@pytest.fixture
def swarm_case(request: pytest.FixtureRequest) -> CaseKey:
    """The case that the test runs as: mode, horizon, VRAM budget, repeat. Parametrised by the plugin."""
    raise pytest.UsageError(f"{request.node.nodeid}: swarm_case is parametrised by the plugin; do not request it late")


@pytest.fixture
def swarm_run(request: pytest.FixtureRequest, swarm_case: CaseKey) -> SwarmRun:
    """`swarm_run(dag)` runs a TaskGraph under the test's case and gives its JobResult."""
    from pytest_swarm.plugin.job_runner import SwarmRun
    from pytest_swarm.plugin.session import session_of

    return SwarmRun(session_of(request.config), request.node, swarm_case)


@pytest.fixture(scope="session")
def swarm_fleet(request: pytest.FixtureRequest) -> Fleet:
    """The fleet of --swarm-fleet."""
    from pytest_swarm.plugin.session import session_of

    return session_of(request.config).fleet


@pytest.fixture(scope="session")
def swarm_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Base URL of a simulated Ollama server over real HTTP, in real time (needs the extra `server`)."""
    from pytest_swarm.plugin.session import session_of

    with session_of(request.config).serve() as url:
        yield url
