"""`/api/pull` and `/api/push` of a server that cannot reach any registry."""

from __future__ import annotations

from pytest_swarm.domain.model_names import ModelName, parse_name
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.model_library import ModelLibrary, weights_digest
from pytest_swarm.simulator.server.progress_stream import OperationProgress, send_progress
from pytest_swarm.simulator.server.request_bodies import read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import model_field
from pytest_swarm.simulator.server.requested_names import stored_name
from pytest_swarm.simulator.transport import Send


class RegistryEndpoint:
    """Answers requests to pull or push a model, as a server without a network does.

    Args:
        library: The installed models.
    """

    def __init__(self, library: ModelLibrary) -> None:
        self._library = library

    async def pull(self, body: bytes, send: Send) -> None:
        """Serve `/api/pull`: a valid name fails at the manifest, also that of an installed model."""
        data = read_request(body, "PullRequest")
        name = self._library.spelled(stored_name(model_field(data)))
        await send_progress(send, pull_failure(name, insecure=data.get("insecure") is True), data)

    async def push(self, body: bytes, send: Send) -> None:
        """Serve `/api/push`: an installed model fails at its first upload."""
        data = read_request(body, "PushRequest")
        given, insecure = model_field(data), data.get("insecure") is True
        if not given:
            raise RequestError(400, "model is required")
        steps, found = ["retrieving manifest"], self._library.find(given)
        name = self._library.spelled(parse_name(given))
        if found is None:
            steps.append("couldn't retrieve manifest")
            path = f"/models/manifests/{name.host}/{name.namespace}/{name.model}/{name.tag}"
            error = f"open {path}: no such file or directory" if name.valid else f"unqualified name: {name.full}"
        else:
            path = f"{_repository(name, insecure=insecure)}/blobs/sha256:{weights_digest(found.spec)}"
            error = f"Head {go_quoted(path)}: {_unreachable(name)}"
        await send_progress(send, OperationProgress(steps=steps, error=error), data)


def pull_failure(name: ModelName, *, insecure: bool = False) -> OperationProgress:
    """Return the progress of a pull without a network.

    Args:
        name: The name of the model.
        insecure: Whether the registry is asked without encryption.
    """
    path = f"{_repository(name, insecure=insecure)}/manifests/{name.tag}"
    return OperationProgress(
        steps=["pulling manifest"], error=f"pull model manifest: Get {go_quoted(path)}: {_unreachable(name)}"
    )


def _repository(name: ModelName, *, insecure: bool) -> str:
    return f"{'http' if insecure else 'https'}://{name.host}/v2/{name.namespace}/{name.model}"


def _unreachable(name: ModelName) -> str:
    return f"dial tcp: lookup {name.host.partition(':')[0]}: no such host"
