"""`/api/create`: a model made from an installed one, with parameters, a system message or a template of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import JsonObject, go_kind
from pytest_swarm.simulator.server.model_library import LibraryModel, ModelLibrary, manifest_digest, weights_digest
from pytest_swarm.simulator.server.model_names import parse_name
from pytest_swarm.simulator.server.progress_stream import OperationProgress, send_progress
from pytest_swarm.simulator.server.registry_endpoint import pull_failure
from pytest_swarm.simulator.server.request_bodies import model_field, read_request, text_field
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.requested_names import INVALID_NAME, stored_name
from pytest_swarm.simulator.server.template_check import template_fault
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

_NO_SOURCE: Final = "neither 'from' or 'files' was specified"
_NO_FILES: Final = "unknown type"
_QUANTIZATIONS: Final = ("F32", "F16", "Q4_K_S", "Q4_K_M", "Q8_0")


class CreateEndpoint:
    """Makes models from installed ones. A simulated server reads no weights, so `files` and `adapters` are refused.

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
            if isinstance(files, dict) and any(_leaves_folder(path) for path in files):
                raise RequestError(400, "file path must be relative")
        if not parse_name(model_field(data)).valid:
            raise RequestError(400, INVALID_NAME)
        await send_progress(send, self._create(data), data)

    def _create(self, data: JsonObject) -> OperationProgress:
        source = text_field(data, "from")
        if not source:
            missing = _NO_SOURCE if data.get("files") is None else _NO_FILES
            return OperationProgress(steps=(), error=missing, status=400)
        try:
            name = stored_name(source)
        except RequestError:
            return OperationProgress(steps=(), error=INVALID_NAME, status=400)
        base = self._library.find(name.full)
        if base is None or parse_name(base.name) != name:  # here the case of letters does matter
            return pull_failure(name)
        fault = template_fault(text_field(data, "template"))
        if fault is not None:
            return OperationProgress(steps=(), error=f"template error: {fault}", status=400)
        if data.get("adapters") is not None:
            return OperationProgress(steps=(), error=_NO_FILES, status=400)
        error = _unusable(data)
        if error is not None:
            return OperationProgress(steps=(), error=error)
        made = replace(_made_model(base, data), modified_s=wall_time_s(asyncio.get_running_loop()))
        self._library.add(made)
        return OperationProgress(steps=(*_layer_steps(made, base), "writing manifest", "success"))


def _unusable(data: JsonObject) -> str | None:
    """Return why a field of the request cannot be used; None if all can."""
    given = data.get("license")
    if not isinstance(given, str | list | None):
        return f"json: cannot unmarshal {go_kind(given)} into Go value of type []string"
    for each in given if isinstance(given, list) else ():
        if not isinstance(each, str | None):
            return f"json: cannot unmarshal {go_kind(each)} into Go value of type string"
    wanted = (text_field(data, "quantize") or text_field(data, "quantization")).upper()
    if wanted and wanted not in _QUANTIZATIONS:
        return f"unsupported quantization type {wanted} - supported types are {', '.join(_QUANTIZATIONS)}"
    return "quantization is only supported for F16, BF16 and F32 models" if wanted else None


def _layer_steps(made: LibraryModel, base: LibraryModel) -> Iterator[str]:
    """Yield a step for each layer: the weights, and each text, which exists already if the base has it."""
    yield f"using existing layer sha256:{weights_digest(made.spec)}"
    for new, old in ((made.template, base.template), (made.system, base.system), (made.licenses, base.licenses)):
        if new:
            digest = hashlib.sha256(str(new).encode()).hexdigest()
            yield f"{'using existing' if new == old else 'creating new'} layer sha256:{digest}"
    parameters = json.dumps(dict(made.spec.parameters))
    if made.spec.parameters:
        same = made.spec.parameters == base.spec.parameters
        digest = hashlib.sha256(parameters.encode()).hexdigest()
        yield f"{'using existing' if same else 'creating new'} layer sha256:{digest}"


def _leaves_folder(path: str) -> bool:
    return path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/"))


def _made_model(base: LibraryModel, data: JsonObject) -> LibraryModel:
    """Return the new model: what the request does not set is the base's."""
    given = data.get("parameters")
    parameters = {**(given if isinstance(given, dict) else {})}
    merged = {**{name: value for name, value in base.spec.parameters.items() if name not in parameters}, **parameters}
    made = LibraryModel(
        name=model_field(data),
        spec=replace(base.spec, parameters=merged),
        template=text_field(data, "template") or base.template,
        system=text_field(data, "system") or base.system,
        licenses=(*base.licenses, *_texts(data.get("license"))),
        messages=_messages(data.get("messages")) or base.messages,
        parent=base.name,
    )
    return replace(made, spec=replace(made.spec, manifest=manifest_digest(made)))


def _texts(value: Json) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _messages(value: Json) -> tuple[Message, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(
        Message(role=text_field(fields, "role"), content=text_field(fields, "content"))
        for row in rows
        for fields in (row if isinstance(row, dict) else {},)  # null is an empty message
    )
