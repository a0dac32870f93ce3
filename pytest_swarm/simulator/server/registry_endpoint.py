"""`/api/pull`, `/api/push` and what models are recommended, of a server that cannot reach any registry."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.model_names import ModelName, parse_name
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import send_json
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.model_library import ModelLibrary, weights_digest
from pytest_swarm.simulator.server.progress_stream import OperationProgress, send_progress
from pytest_swarm.simulator.server.request_bodies import model_field, read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.requested_names import stored_name
from pytest_swarm.simulator.transport import Send

_RECOMMENDED: Final[tuple[dict[str, Json], ...]] = (
    {
        "model": "kimi-k2.6:cloud",
        "description": "State-of-the-art coding, long-horizon execution, and multimodal agent swarm capability",
        "context_length": 262_144,
        "max_output_tokens": 262_144,
    },
    {
        "model": "glm-5.1:cloud",
        "description": "Reasoning and code generation",
        "context_length": 202_752,
        "max_output_tokens": 131_072,
    },
    {
        "model": "qwen3.5:cloud",
        "description": "Reasoning, coding, and agentic tool use with vision",
        "context_length": 262_144,
        "max_output_tokens": 32_768,
    },
    {
        "model": "minimax-m2.7:cloud",
        "description": "Fast, efficient coding and real-world productivity",
        "context_length": 204_800,
        "max_output_tokens": 128_000,
    },
    {"model": "gemma4", "description": "Reasoning and code generation locally", "vram_bytes": 12_000_000_000},
    {
        "model": "qwen3.5",
        "description": "Reasoning, coding, and visual understanding locally",
        "vram_bytes": 14_000_000_000,
    },
)
"""What Ollama recommends until it has asked its registry."""


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

    async def recommendations(self, _: bytes, send: Send) -> None:
        """Serve `/api/experimental/model-recommendations`."""
        await send_json(send, {"recommendations": list(_RECOMMENDED)})

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
