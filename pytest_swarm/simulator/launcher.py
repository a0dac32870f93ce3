"""The launcher of the conformance kit: serves the server that one JSON line on stdin describes, until end of file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TextIO

from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.fixed_length_text import FixedLengthGenerator
from pytest_swarm.simulator.server.durations import environment_keep_alive_s
from pytest_swarm.simulator.server.hardware import (
    GIB,
    KEEP_ALIVE_S,
    MAX_LOADED_MODELS,
    MAX_QUEUE,
    ModelSpec,
    ServerSpec,
)
from pytest_swarm.simulator.server.simulated_server import SimulatedServer

_WHERE: Final = "the launcher's line"
_PREFILL_TOKENS_PER_S: Final = 1e6  # the contract names no prefill speed: nearly no time
_DEFAULT_TOKENS_PER_S: Final = 50.0
_UINT64: Final = 2**64


def launch(source: TextIO, sink: TextIO) -> None:
    """Serve the server that the first line of `source` describes, until `source` ends; print its URL to `sink`.

    Args:
        source: The text stream whose first line describes the server.
        sink: The text stream for the URL.
    """
    spec = read_spec(source.readline())
    with serve_in_thread(SimulatedServer(spec, generator=FixedLengthGenerator())) as url:
        print(url, file=sink, flush=True)
        for _ in source:
            pass


def read_spec(line: str) -> ServerSpec:
    """Return the server that a line of the launcher contract describes. Raises ProfileError for anything else."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise ProfileError(f"{_WHERE} is not JSON ({error}); it must be the case's server object") from error
    fields = Fields(data, where=_WHERE, error=ProfileError)
    gib_per_s = fields.optional_number("load_gib_per_s")
    tokens_per_s = fields.number("tokens_per_s", _DEFAULT_TOKENS_PER_S)
    gpu_gib = fields.optional_number("gpu_gib")
    environment = fields.table("env")
    max_queue = _count(environment, "OLLAMA_MAX_QUEUE")
    return ServerSpec(
        models=tuple(_model(row, gib_per_s, tokens_per_s) for row in fields.tables("models")),
        gpu_bytes=None if gpu_gib is None else round(gpu_gib * GIB),
        max_loaded_models=_count(environment, "OLLAMA_MAX_LOADED_MODELS") or MAX_LOADED_MODELS,
        num_parallel=_count(environment, "OLLAMA_NUM_PARALLEL") or 1,
        max_queue=MAX_QUEUE if max_queue is None else max_queue,  # 0 is none waiting, of the others it is the default
        keep_alive_s=environment_keep_alive_s(_variable(environment, "OLLAMA_KEEP_ALIVE"), default_s=KEEP_ALIVE_S),
        context_length=_count(environment, "OLLAMA_CONTEXT_LENGTH") or None,
        compute_bytes=round(fields.number("compute_gib", 0.0) * GIB),
        fit_margin_bytes=round(fields.number("fit_margin_gib", 0.0) * GIB),
    )


def _model(row: Fields, gib_per_s: float | None, tokens_per_s: float) -> ModelSpec:
    size_gib = row.number("size_gib")
    return ModelSpec(
        name=row.text("name"),
        size_bytes=round(size_gib * GIB),
        layers=row.whole("layers"),
        kv_heads=row.whole("kv_heads"),
        head_dim=row.whole("head_dim"),
        context_length=row.whole("context_length"),
        blob=row.text("blob"),
        prefill_tokens_per_s=_PREFILL_TOKENS_PER_S,
        decode_tokens_per_s=tokens_per_s,
        load_s=0.0 if gib_per_s is None else size_gib / gib_per_s,
        parameters=_parameters(row.raw("parameters")),
    )


def _parameters(value: object) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProfileError(f"{_WHERE}: 'parameters' must be an object")
    return value


def _count(environment: Fields, name: str) -> int | None:
    """Return a whole number from the environment; None if it is not set, or no number: the server passes over that."""
    text = _variable(environment, name)
    return int(text) if text.isascii() and text.isdecimal() and int(text) < _UINT64 else None


def _variable(environment: Fields, name: str) -> str:
    """Return an environment variable as the server reads it, without blanks and quotes around it; "" if not set."""
    return (environment.optional_text(name) or "").strip().strip("\"'")
