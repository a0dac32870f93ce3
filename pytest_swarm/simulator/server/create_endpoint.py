"""`/api/create`: a model made from an installed one, with parameters, a system message or a template of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import go_kind
from pytest_swarm.simulator.server.model_library import (
    BAD_DIGEST,
    LibraryModel,
    ModelLibrary,
    hex_digest,
    manifest_digest,
    weights_digest,
)
from pytest_swarm.simulator.server.progress_stream import OperationProgress, send_progress
from pytest_swarm.simulator.server.registry_endpoint import pull_failure
from pytest_swarm.simulator.server.request_bodies import read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import (
    JsonObject,
    items_of,
    messages_of,
    model_field,
    object_of,
    text_field,
)
from pytest_swarm.simulator.server.requested_names import INVALID_NAME, stored_name
from pytest_swarm.simulator.server.template_check import template_fault
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

_NO_SOURCE: Final = "neither 'from' or 'files' was specified"
_NO_FILES: Final = "unknown type"
_BAD_REMOTE: Final = "bad remote"
_NO_REMOTE: Final = "the simulated server makes no models of another host; leave out 'remote_host'"
_QUANTIZATIONS: Final = ("F32", "F16", "Q4_K_S", "Q4_K_M", "Q8_0")


class CreateEndpoint:
    """Makes models from installed ones. No weights are read and no other host asked: what asks for that is refused.

    Args:
        library: The installed models, to which the new one is added.
    """

    def __init__(self, library: ModelLibrary) -> None:
        self._library = library

    async def serve(self, body: bytes, send: Send) -> None:
        """Serve one request."""
        data = read_request(body, "CreateRequest")
        files, drafts, adapters = (object_of(data.get(name)) for name in ("files", "draft_files", "adapters"))
        for given in (files, drafts):
            if any(map(_leaves_folder, given)):
                raise RequestError(400, "file path must be relative")
            _check_digests(given)
        if text_field(data, "draft_quantize") and not drafts:
            raise RequestError(400, "--draft-quantize requires a DRAFT model")
        _check_digests(adapters)
        if not parse_name(model_field(data)).valid:
            raise RequestError(400, INVALID_NAME)
        await send_progress(send, self._create(data), data)

    def _create(self, data: JsonObject) -> OperationProgress:
        source = text_field(data, "from")
        if not source:
            return self._from_files(data.get("files"))
        try:
            name = stored_name(source)
        except RequestError:
            return OperationProgress(steps=(), error=INVALID_NAME, status=400)
        if host := text_field(data, "remote_host"):
            return OperationProgress(steps=(), error=_NO_REMOTE if _is_address(host) else _BAD_REMOTE, status=400)
        base = self._library.find(name.full)
        if base is None or parse_name(base.name) != name:  # here the case of letters does matter
            return pull_failure(name)
        if data.get("adapters") is not None or data.get("draft_files") is not None:
            return OperationProgress(steps=(), error=_NO_FILES, status=400)
        fault = template_fault(text_field(data, "template"))
        error = _quantization_fault(data) or (fault and f"template error: {fault}") or _license_fault(data)
        if error is not None:
            return OperationProgress(steps=(), error=error, status=400 if error.startswith("template") else 500)
        made = replace(_made_model(base, data), modified_s=wall_time_s(asyncio.get_running_loop()))
        self._library.add(made)
        return OperationProgress(steps=(*_layer_steps(made, base), "writing manifest", "success"))

    def _from_files(self, files: Json) -> OperationProgress:
        """Return the end of a request that names no model: a file by the name of which the server opens its blob."""
        if files is None:
            return OperationProgress(steps=(), error=_NO_SOURCE, status=400)
        weights = sorted(path for path in object_of(files) if path.endswith(".gguf"))
        digest = hex_digest(text_field(object_of(files), weights[0])) if weights else None
        if not weights or (digest is not None and self._library.has_blob(digest)):
            return OperationProgress(steps=(), error=_NO_FILES, status=400)
        missing = f"open /models/blobs/sha256-{digest}: no such file or directory"
        return OperationProgress(steps=["parsing GGUF"], error=BAD_DIGEST if digest is None else missing)


def _is_address(host: str) -> bool:
    try:
        return (urlsplit(host if "://" in host else f"http://{host}").port or 0) >= 0  # a port may be no number
    except ValueError:
        return False


def _check_digests(files: JsonObject) -> None:
    if "" in files.values():
        raise RequestError(400, BAD_DIGEST)


def _quantization_fault(data: JsonObject) -> str | None:
    wanted = (text_field(data, "quantize") or text_field(data, "quantization")).upper()
    if wanted and wanted not in _QUANTIZATIONS:
        return f"unsupported quantization type {wanted} - supported types are {', '.join(_QUANTIZATIONS)}"
    return "quantization is only supported for F16, BF16 and F32 models" if wanted else None


def _license_fault(data: JsonObject) -> str | None:
    given = data.get("license")
    if not isinstance(given, str | list | None):
        return f"json: cannot unmarshal {go_kind(given)} into Go value of type []string"
    wrong = next((each for each in given or () if not isinstance(each, str | None)), None)
    return None if wrong is None else f"json: cannot unmarshal {go_kind(wrong)} into Go value of type string"


def _layer_steps(made: LibraryModel, base: LibraryModel) -> Iterator[str]:
    """Yield a step for each layer: the weights, and each text, which exists already if the base has it."""
    yield f"using existing layer sha256:{weights_digest(made.spec)}"
    known = _layers(base)
    for layer in _layers(made):
        digest = hashlib.sha256(layer.encode()).hexdigest()
        yield f"{'using existing' if layer in known else 'creating new'} layer sha256:{digest}"


def _layers(model: LibraryModel) -> list[str]:
    """Return the texts of a model, each of which is a layer."""
    parameters, messages = (json.dumps(each) if each else "" for each in (dict(model.spec.parameters), model.messages))
    return [text for text in (model.template, model.system, *model.licenses, parameters, messages) if text]


def _leaves_folder(path: str) -> bool:
    return path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/"))


def _made_model(base: LibraryModel, data: JsonObject) -> LibraryModel:
    """Return the new model: what the request does not set is the base's."""
    parameters = object_of(data.get("parameters"))
    merged = {**{name: value for name, value in base.spec.parameters.items() if name not in parameters}, **parameters}
    made = LibraryModel(
        name=model_field(data),
        spec=replace(base.spec, parameters=merged),
        template=text_field(data, "template") or base.template,
        system=text_field(data, "system") or base.system,
        licenses=(*base.licenses, *_texts(data.get("license"))),
        messages=messages_of(data.get("messages")) or base.messages,
        requires=text_field(data, "requires") or base.requires,
        renderer=text_field(data, "renderer") or base.renderer,
        parser=text_field(data, "parser") or base.parser,
        parent=base.name,
    )
    return replace(made, spec=replace(made.spec, manifest=manifest_digest(made)))


def _texts(value: Json) -> tuple[str, ...]:
    given = items_of(value) if not isinstance(value, str) else [value] if value else []
    return tuple(each for each in given if isinstance(each, str))
