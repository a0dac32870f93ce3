"""`/api/create`: a model made from an installed one, with parameters, a system message or a template of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.json_bodies import model_field, read_request
from pytest_swarm.simulator.server.model_library import InstalledModel, ModelLibrary, digest_of
from pytest_swarm.simulator.server.model_names import parse_name
from pytest_swarm.simulator.server.progress_stream import OperationProgress, send_progress
from pytest_swarm.simulator.server.registry_endpoint import pull_failure
from pytest_swarm.simulator.server.request_bodies import JsonObject, text_field
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import INVALID_NAME
from pytest_swarm.simulator.server.template_check import template_fault
from pytest_swarm.simulator.transport import Send

_NO_SOURCE: Final = "neither 'from' or 'files' was specified"
_NO_FILES: Final = "no files provided to convert"


class CreateEndpoint:
    """Makes models from installed ones. A simulated server reads no weights, so `files` are refused.

    Args:
        library: The installed models, to which the new one is added.
    """

    def __init__(self, library: ModelLibrary) -> None:
        self._library = library

    async def serve(self, body: bytes, send: Send) -> None:
        """Serve one request."""
        data = read_request(body, "CreateRequest")
        for field in ("files", "adapters"):
            files = data.get(field)
            if isinstance(files, dict) and "" in files.values():
                raise RequestError(400, "invalid digest format")
        if not parse_name(model_field(data)).valid:
            raise RequestError(400, INVALID_NAME)
        await send_progress(send, self._create(data), data)

    def _create(self, data: JsonObject) -> OperationProgress:
        source = text_field(data, "from")
        if not source:
            error = _NO_SOURCE if data.get("files") is None else _NO_FILES
            return OperationProgress(steps=(), error=error, status=400)
        if not parse_name(source).valid:
            return OperationProgress(steps=(), error=INVALID_NAME, status=400)
        base = self._library.find(source)
        if base is None:
            return pull_failure(parse_name(source))
        reused = f"using existing layer sha256:{digest_of(base.spec)}"
        fault = template_fault(text_field(data, "template"))
        if fault is not None:
            return OperationProgress(steps=(reused,), error=f"template error: {fault}", status=400)
        self._library.add(_made_model(base, data))
        return OperationProgress(steps=(reused, "writing manifest", "success"))


def _made_model(base: InstalledModel, data: JsonObject) -> InstalledModel:
    """Return the new model: what the request does not set is the base's."""
    given = data.get("parameters")
    parameters = {**(given if isinstance(given, dict) else {})}
    merged = {**{name: value for name, value in base.spec.parameters.items() if name not in parameters}, **parameters}
    return InstalledModel(
        name=model_field(data),
        spec=replace(base.spec, parameters=merged),
        template=text_field(data, "template") or base.template,
        system=text_field(data, "system") or base.system,
        licenses=(*base.licenses, *_texts(data.get("license"))),
        messages=_messages(data.get("messages")) or base.messages,
        parent=base.name,
    )


def _texts(value: Json) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _messages(value: Json) -> tuple[Message, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(
        Message(role=text_field(row, "role"), content=text_field(row, "content"))
        for row in rows
        if isinstance(row, dict)
    )
