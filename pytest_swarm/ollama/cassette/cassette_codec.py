"""Lines of a cassette: one type for each kind of line, and one encode/decode pair for each type.

`cassette` opens the file with its version, `graph` holds a graph, `case` opens a take, `exchange` is one of a take's.
The names and the order of the fields are a contract. A field with a default may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonObject, SharedFields, json_schema, to_json
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.errors import CassetteError
from pytest_swarm.graph_codec import GraphObject, decode_graph_object, encode_graph_object
from pytest_swarm.ollama.cassette.takes import Chunk, Exchange, ExchangeEnd, Take, TakeOrigin

VERSION: Final = 1

Seconds: TypeAlias = Annotated[float, Meta(ge=0.0)]


class HeaderLine(Struct, frozen=True, kw_only=True):
    """The first line of a cassette."""

    cassette: Annotated[int, Meta(ge=1, description="the version of the file")]
    made_by: str = "pytest-swarm"


class GraphLine(Struct, frozen=True, kw_only=True):
    """A task graph, which later takes name by its digest."""

    graph: Annotated[str, Meta(description="the digest of the graph")]
    body: GraphObject


class RealisedScore(Struct, frozen=True, kw_only=True):
    """The true score of a task on a model."""

    task: str
    model: str
    score: float


class TakeLine(Struct, frozen=True, kw_only=True):
    """The start of a take: the case, where and when it was recorded, and how many exchanges follow."""

    case: Annotated[str, Meta(description="the digest of the case")]
    job: str
    graph_digest: str
    mode: str
    horizon_depth: Annotated[int, Meta(ge=0)] | Literal["flat"]
    vram_budget_gb: float
    repeat: Annotated[int, Meta(ge=1)]
    lambda_token: Annotated[float | None, Meta(description="the weight of token cost where the run swept it")] = None
    test: Annotated[str, Meta(description="the id of the test")]
    run: str
    recorded_ts_ms: Annotated[float, Meta(description="milliseconds since 1970")]
    backend: str
    detail: str
    host: Annotated[str, Meta(description="the base URL of the server, without credentials")]
    simulated: bool
    profile: str | None = None
    server_version: str | None = None
    one_file: Annotated[
        tuple[tuple[str, ...], ...] | None, Meta(description="tags of the fleet that were one model file")
    ] = None
    same_weights: Annotated[
        tuple[tuple[str, ...], ...] | None, Meta(description="tags that ran on one copy of their weights")
    ] = None
    realised: Annotated[
        tuple[RealisedScore, ...] | None, Meta(description="true scores, where a simulator was recorded")
    ] = None
    left_out_s: Annotated[
        float | None, Meta(description="seconds by which the recorded clock is behind the wall clock")
    ] = None
    exchanges: Annotated[int, Meta(ge=0)]


class EncodedBytes(Struct, frozen=True, kw_only=True):
    """Bytes that are not UTF-8: a chunk may end in the middle of a character, or be compressed."""

    base64: bytes


class ExchangeLine(Struct, frozen=True, kw_only=True):
    """One request and its response."""

    exchange: Annotated[int, Meta(ge=1, description="number within the take")]
    case: str
    digest: Annotated[str, Meta(description="digest of method, path and body")]
    task: Annotated[str | None, Meta(description="the task whose prompt was sent")] = None
    model_digest: str | None = None
    watched: Annotated[bool, Meta(description="whether it was sent beside the calls of the case, to measure")] = False
    method: str
    path: str
    body: Any = None
    sent_s: Annotated[float, Meta(ge=0.0, description="seconds since the start of the case")]
    status: int | None = None
    head_s: Seconds | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: Annotated[
        tuple[tuple[Seconds, str | EncodedBytes], ...],
        Meta(description="pairs of seconds since the request was sent, and a piece of the body"),
    ] = ()
    ending: ExchangeEnd
    end_s: Seconds
    error: Annotated[tuple[str, str] | None, Meta(description="class and message")] = None
    server_time: str | None = None


def encode_header() -> JsonObject:
    """Return the first line."""
    return to_json(HeaderLine(cassette=VERSION))


def encode_graph_line(graph: TaskGraph) -> JsonObject:
    """Return the line of a graph."""
    return to_json(GraphLine(graph=graph.digest, body=encode_graph_object(graph)))


def decode_graph_line(line: GraphLine, *, where: str) -> TaskGraph:
    """Return the graph of its line.

    Args:
        line: The line.
        where: File and line, as an error names them.

    Raises:
        CassetteError: The graph is not valid.
    """
    return decode_graph_object(line.body, where=where, error=CassetteError)


_KEY: Final = SharedFields(CaseKey, TakeLine, but=("horizon",))
_ORIGIN: Final = SharedFields(TakeOrigin, TakeLine, but=("one_file", "same_weights"))
_EXCHANGE: Final = SharedFields(Exchange, ExchangeLine, but=("chunks",))
_ONLY_IF_KNOWN: Final = ("lambda_token", "one_file", "same_weights", "left_out_s")


def encode_take_line(take: Take) -> JsonObject:
    """Return the line that opens a take; its exchanges follow."""
    key, realised = take.case.key, take.realised
    line = TakeLine(
        case=take.case.digest,
        job=take.case.job,
        graph_digest=take.case.graph.digest,
        horizon_depth=key.horizon,
        test=take.case.test,
        one_file=take.origin.one_file or None,
        same_weights=take.origin.same_weights or None,
        realised=None if realised is None else _scores(realised),
        left_out_s=take.left_out_s,
        exchanges=len(take.exchanges),
        **_KEY.of(key),
        **_ORIGIN.of(take.origin),
    )
    return {name: value for name, value in to_json(line).items() if name not in _ONLY_IF_KNOWN or value is not None}


def decode_take_line(line: TakeLine, graph: TaskGraph) -> Take:
    """Return the take that a line opens, still without its exchanges."""
    key = CaseKey(horizon=line.horizon_depth, **_KEY.of(line))
    origin = TakeOrigin(one_file=line.one_file or (), same_weights=line.same_weights or (), **_ORIGIN.of(line))
    realised = None if line.realised is None else {(row.task, row.model): row.score for row in line.realised}
    return Take(
        case=Case(graph=graph, key=key, test=line.test),
        origin=origin,
        exchanges=(),
        realised=realised,
        left_out_s=line.left_out_s,
    )


def encode_exchange(exchange: Exchange, *, number: int, case: str) -> JsonObject:
    """Return the line of an exchange.

    Args:
        exchange: A request with its reply.
        number: Which one of its case it is, from 1.
        case: The digest of the case.
    """
    line = ExchangeLine(
        exchange=number,
        case=case,
        digest=exchange.digest,
        chunks=tuple((chunk.offset_s, _encode_data(chunk.data)) for chunk in exchange.chunks),
        **_EXCHANGE.of(exchange),
    )
    return to_json(line)


def decode_exchange(line: ExchangeLine) -> Exchange:
    """Return the exchange of its line."""
    chunks = tuple(Chunk(offset_s=offset_s, data=_decode_data(data)) for offset_s, data in line.chunks)
    return Exchange(chunks=chunks, **_EXCHANGE.of(line))


def cassette_schema() -> JsonObject:
    """Return the JSON Schema of one line of a cassette."""
    return json_schema(
        *(HeaderLine, GraphLine, TakeLine, ExchangeLine),
        name=f"swarm-cassette-{VERSION}",
        title=f"One line of a cassette of pytest-swarm, version {VERSION}",
        description="The first line has `cassette`; graphs have `graph`, takes `case`, their exchanges `exchange`.",
    )


def _scores(realised: Mapping[tuple[str, str], float]) -> tuple[RealisedScore, ...]:
    return tuple(RealisedScore(task=task, model=model, score=score) for (task, model), score in realised.items())


def _encode_data(data: bytes) -> str | EncodedBytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return EncodedBytes(base64=data)


def _decode_data(data: str | EncodedBytes) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data.base64
