"""A server is asked before a run with a time limit of its own: one that hangs is told at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

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


def test_a_server_that_lists_its_models_but_not_the_resident_ones_hangs(
    hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def installed(_: OllamaClient) -> tuple[ListedModel, ...]:
        return ()

    monkeypatch.setattr(server_models, "START_TIMEOUT_S", 0.05)
    monkeypatch.setattr(OllamaClient, "installed", installed)
    with pytest.raises(CallTimeoutError, match=r"hangs: .* did not answer /api/ps within 0\.05 s"):
        installed_models(hanging, 3600.0)
