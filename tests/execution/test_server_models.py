"""A server is asked before a run with a time limit of its own: one that hangs is told at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from pytest_swarm.calibration.installed_models import FleetRequest, measure_server
from pytest_swarm.errors import CallTimeoutError
from pytest_swarm.execution import server_models
from pytest_swarm.execution.server_models import installed_models, server_version
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel


@pytest.fixture
def hanging() -> Iterator[str]:
    """A host that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("ask", [installed_models, server_version], ids=["models", "version"])
def test_a_server_that_hangs_is_not_waited_for_as_long_as_a_model(
    ask: Callable[[str, float], object], hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_models, "START_TIMEOUT_S", 0.05)
    with pytest.raises(
        CallTimeoutError, match=r"hangs: it takes connections, .* within 0\.05 s, .*; restart it"
    ) as error:
        ask(hanging, 3600.0)
    assert hanging in str(error.value)


@pytest.mark.parametrize(("answered", "path"), [(1, "/api/version"), (2, "/api/ps")])
def test_a_server_that_lists_its_models_and_hangs_then_is_told(
    hanging: str, monkeypatch: pytest.MonkeyPatch, answered: int, path: str
) -> None:
    async def answer(_: OllamaClient) -> tuple[ListedModel, ...]:
        return ()

    monkeypatch.setattr(server_models, "START_TIMEOUT_S", 0.05)
    for name in ("installed", "version")[:answered]:
        monkeypatch.setattr(OllamaClient, name, answer)
    with pytest.raises(CallTimeoutError, match=rf"hangs: .* did not answer {path} within 0\.05 s"):
        installed_models(hanging, 3600.0)


def test_a_fleet_of_a_server_that_hangs_is_not_waited_for(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_models, "START_TIMEOUT_S", 0.05)
    with pytest.raises(CallTimeoutError, match=r"hangs: .* did not answer /api/tags"):
        measure_server(hanging, request=FleetRequest(num_ctx=4096), timeout_s=3600.0, report_progress=print)
