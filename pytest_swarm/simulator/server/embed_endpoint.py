"""`/api/embed` and `/api/embeddings`: chat models embed nothing, so only empty input succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint
from pytest_swarm.simulator.server.durations import keep_alive_s
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.model_library import LibraryModel, ModelLibrary
from pytest_swarm.simulator.server.reply_sinks import ReplySink
from pytest_swarm.simulator.server.request_bodies import read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import read_options
from pytest_swarm.simulator.server.request_values import JsonObject, text_field
from pytest_swarm.simulator.server.requested_names import requested_name

_UNSUPPORTED: Final = "This server does not support embeddings. Start it with `--embeddings`"


class EmbedEndpoint:
    """Loads the model of an embedding request, and answers as a model's process without embeddings does.

    Args:
        library: The installed models.
        chat_endpoint: Loads the models.
    """

    def __init__(self, *, library: ModelLibrary, chat_endpoint: ChatEndpoint) -> None:
        self._library = library
        self._chat_endpoint = chat_endpoint

    async def embed(self, body: bytes, reply: ReplySink) -> None:
        """Serve `/api/embed`."""
        data = read_request(body, "EmbedRequest")
        kept_s, requested = keep_alive_s(data.get("keep_alive")), text_field(data, "model")
        if not requested.strip():
            raise RequestError(404, f"model '{requested}' not found")
        texts = _input_texts(data)
        await self._load(data, self._find(requested, inputs=texts), kept_s)
        if texts:
            raise RequestError(501, _UNSUPPORTED)
        await reply.whole({"model": requested, "embeddings": []})

    async def embeddings(self, body: bytes, reply: ReplySink) -> None:
        """Serve `/api/embeddings`, the older form."""
        data = read_request(body, "EmbeddingRequest")
        kept_s, requested = keep_alive_s(data.get("keep_alive")), text_field(data, "model")
        if not requested.strip():
            raise RequestError(400, "model is required")
        found = self._find(requested)
        if parse_name(found.name) != requested_name(requested):  # here the case of letters does matter
            raise _missing(requested)
        await self._load(data, found, kept_s)
        if text_field(data, "prompt"):
            raise RequestError(500, _UNSUPPORTED)
        await reply.whole({"embedding": []})

    def _find(self, requested: str, *, inputs: Sequence[str] | None = ()) -> LibraryModel:
        name = requested_name(requested)
        if inputs is None:
            raise RequestError(400, "invalid input type")
        found = self._library.find(name.full)
        if found is None:
            raise _missing(requested)
        return found

    async def _load(self, data: JsonObject, model: LibraryModel, kept_s: float | None) -> None:
        await self._chat_endpoint.load(model, read_options(data, model.spec), kept_s)


def _missing(requested: str) -> RequestError:
    return RequestError(404, f"model {go_quoted(requested)} not found, try pulling it first")


def _input_texts(data: JsonObject) -> list[str] | None:
    """Return the texts to embed; None for an input of a wrong type."""
    given = data.get("input")
    if given is None or given == "":
        return []
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        return None
    texts = [each for each in given if isinstance(each, str)]
    return texts if len(texts) == len(given) else None
