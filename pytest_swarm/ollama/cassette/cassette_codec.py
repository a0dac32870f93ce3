"""Lines of a cassette: one JSON object each, and one encode/decode pair for each kind.

`cassette` opens the file with its version, `graph` holds a graph, `case` opens a take, `exchange` is one of a take's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth, TaskGraph, decode_graph, encode_graph
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.fields import Fields, Json
from pytest_swarm.ollama.cassette.takes import Chunk, Exchange, ExchangeEnd, Take, TakeOrigin

VERSION: Final = 1

JsonObject = dict[str, Json]


def encode_header() -> JsonObject:
    """The first line."""
    return {"cassette": VERSION, "made_by": "pytest-swarm"}


def check_header(line: Fields) -> None:
    """Raise for a first line that opens no cassette of a version that can be read."""
    if "cassette" not in line:
        raise line.fail("opens no cassette: a cassette is written by --swarm-backend=record")
    version = line.whole("cassette", low=1)
    if version > VERSION:
        raise line.fail(f"cassette version {version} is newer than {VERSION}; update pytest-swarm")


def encode_graph_line(graph: TaskGraph) -> JsonObject:
    """A graph, which takes name by its digest."""
    return {"graph": graph.digest, "body": encode_graph(graph)}


def decode_graph_line(line: Fields) -> tuple[str, TaskGraph]:
    """The graph and the digest by which takes name it."""
    return line.text("graph"), decode_graph(line.table("body"))


def encode_take_line(take: Take) -> JsonObject:
    """The line that opens a take; its exchanges follow."""
    key, origin = take.case.key, take.origin
    realised = take.realised
    rows: list[Json] | None = None
    if realised is not None:
        rows = [{"task": task, "model": model, "score": score} for (task, model), score in realised.items()]
    return {
        "case": take.case.digest,
        "job": take.case.job,
        "graph_digest": take.case.graph.digest,
        "mode": key.mode,
        "horizon_depth": key.horizon,
        "vram_budget_gb": key.vram_budget_gb,
        "repeat": key.repeat,
        "test": take.case.test,
        "run": origin.run,
        "recorded_ts_ms": origin.recorded_ts_ms,
        "backend": origin.backend,
        "detail": origin.detail,
        "host": origin.host,
        "simulated": origin.simulated,
        "profile": origin.profile,
        "server_version": origin.server_version,
        "realised": rows,
        "exchanges": len(take.exchanges),
    }


def decode_take_line(line: Fields, graphs: Mapping[str, TaskGraph]) -> Take:
    """The take that a line opens, still without its exchanges."""
    digest = line.text("graph_digest")
    if digest not in graphs:
        raise line.fail(f"names the graph {digest}, which no line before it holds")
    key = CaseKey(
        mode=line.text("mode"),
        horizon=_horizon(line),
        vram_budget_gb=line.number("vram_budget_gb"),
        repeat=line.whole("repeat", low=1),
    )
    origin = TakeOrigin(
        run=line.text("run"),
        recorded_ts_ms=line.number("recorded_ts_ms"),
        backend=line.text("backend"),
        detail=line.text("detail"),
        host=line.text("host"),
        simulated=line.flag("simulated"),
        profile=line.optional_text("profile"),
        server_version=line.optional_text("server_version"),
    )
    case = Case(graph=graphs[digest], key=key, test=line.text("test"))
    return Take(case=case, origin=origin, exchanges=(), realised=_realised(line))


def _horizon(line: Fields) -> HorizonDepth:
    return "flat" if line.raw("horizon_depth") == "flat" else line.whole("horizon_depth", low=0)


def _realised(line: Fields) -> dict[tuple[str, str], float] | None:
    if "realised" not in line:
        return None
    return {(row.text("task"), row.text("model")): row.number("score") for row in line.tables("realised")}


def encode_exchange(exchange: Exchange, *, number: int, case: str) -> JsonObject:
    """An exchange, the `number`-th (from 1) of the case with that digest."""
    return {
        "exchange": number,
        "case": case,
        "digest": exchange.digest,
        "task": exchange.task,
        "model_digest": exchange.model_digest,
        "watched": exchange.watched,
        "method": exchange.method,
        "path": exchange.path,
        "body": exchange.body,
        "sent_s": exchange.sent_s,
        "status": exchange.status,
        "head_s": exchange.head_s,
        "headers": [[name, value] for name, value in exchange.headers],
        "chunks": [[chunk.offset_s, _encode_data(chunk.data)] for chunk in exchange.chunks],
        "ending": exchange.ending.value,
        "end_s": exchange.end_s,
        "error": None if exchange.error is None else list(exchange.error),
        "server_time": exchange.server_time,
    }


def decode_exchange(line: Fields) -> Exchange:
    """The exchange of its line."""
    ending = line.text("ending")
    if ending not in ExchangeEnd._value2member_map_:
        raise line.fail(f"unknown ending {ending!r}; known are {', '.join(ExchangeEnd)}")
    error = line.texts("error")
    return Exchange(
        method=line.text("method"),
        path=line.text("path"),
        body=_json(line.raw("body")),
        sent_s=line.number("sent_s", low=0),
        end_s=line.number("end_s", low=0),
        ending=ExchangeEnd(ending),
        status=line.optional_whole("status"),
        headers=tuple((str(name), str(value)) for name, value in _pairs(line, "headers")),
        head_s=line.optional_number("head_s"),
        chunks=tuple(_chunk(line, pair) for pair in _pairs(line, "chunks")),
        task=line.optional_text("task"),
        watched=line.flag("watched", default=False),
        error=(error[0], error[-1]) if error else None,
        server_time=line.optional_text("server_time"),
        model_digest=line.optional_text("model_digest"),
    )


def _encode_data(data: bytes) -> Json:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:  # a chunk may end in the middle of a letter, or be compressed
        return {"base64": base64.b64encode(data).decode("ascii")}


def _chunk(line: Fields, pair: tuple[object, object]) -> Chunk:
    offset_s, data = pair
    if isinstance(data, dict) and isinstance(data.get("base64"), str):
        try:
            found = base64.b64decode(data["base64"], validate=True)
        except ValueError as error:
            raise line.fail(f"a chunk holds no base64: {error}") from error
    elif isinstance(data, str):
        found = data.encode("utf-8")
    else:
        raise line.fail("a chunk must be [offset, text] or [offset, {base64}]")
    if isinstance(offset_s, bool) or not isinstance(offset_s, int | float) or not offset_s >= 0:
        raise line.fail("the offset of a chunk must be a number of at least 0")
    return Chunk(offset_s=float(offset_s), data=found)


def _pairs(line: Fields, key: str) -> list[tuple[object, object]]:
    rows = line.raw(key)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        raise line.fail(f"{key!r} must be a list of pairs")
    return [(row[0], row[1]) for row in rows]


def _json(value: object) -> Json:
    """A value that `json.loads` gave, as such."""
    assert value is None or isinstance(value, bool | int | float | str | list | dict)
    return value


def write_line(line: JsonObject) -> str:
    """The line with its newline; ASCII, whatever a model answered."""
    return json.dumps(line, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"
