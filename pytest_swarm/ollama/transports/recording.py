"""Recording: a transport that records every exchange of a case, with the times of its chunks.

Times are the running loop's. Credentials cannot reach a cassette, because request headers are not recorded.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import Case
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import KEPT_HEADERS, Chunk, Exchange, ExchangeEnd, named_model, task_of
from pytest_swarm.ollama.transports.probe import is_probe


class RecordingTransport(httpx.AsyncBaseTransport):
    """Forwards requests to `inner`, and records the exchanges between `begin` and `finish`."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._case: Case | None = None
        self._start_s = 0.0
        self._recorders: list[_ExchangeRecorder] = []

    def begin(self, case: Case, *, now_s: float) -> None:
        """Start to record a case at loop time `now_s`; drop the exchanges of an unfinished case.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """
        self._case, self._start_s, self._recorders = case, now_s, []

    def finish(self, *, now_s: float) -> tuple[Exchange, ...]:
        """End the case at loop time `now_s`, and return its exchanges as sent; open ones become abandoned."""
        for recorder in self._recorders:
            recorder.end(ExchangeEnd.ABANDONED, now_s=now_s)
        rows = tuple(recorder.exchange() for recorder in self._recorders)
        self._case, self._recorders = None, []
        digests = _model_digests(rows)
        return tuple(_completed(row, digests) for row in rows)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's response, which is recorded while it is read."""
        if self._case is None:
            return await self._inner.handle_async_request(request)
        recorder = _ExchangeRecorder(request, read_body(await request.aread()), case=self._case, start_s=self._start_s)
        self._recorders.append(recorder)
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.TransportError as error:
            recorder.end(ExchangeEnd.FAILED, now_s=_now_s(), error=error)
            raise
        except asyncio.CancelledError:
            recorder.end(ExchangeEnd.ABANDONED, now_s=_now_s())
            raise
        recorder.head(response)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_RecordedBody(response.stream, recorder),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


class _ExchangeRecorder:
    """Records one exchange from its request to its end."""

    def __init__(self, request: httpx.Request, body: Json, *, case: Case, start_s: float) -> None:
        self._sent_s = _now_s()
        self._row = Exchange(
            method=request.method,
            path=request.url.raw_path.decode("ascii"),
            body=body,
            sent_s=self._sent_s - start_s,
            end_s=0.0,
            task=task_of(body, case.graph),
            watched=is_probe(request),
        )
        self._chunks: list[Chunk] = []
        self._open = True

    def head(self, response: httpx.Response) -> None:
        """Record status and headers."""
        kept = tuple((name.lower(), text) for name, text in response.headers.multi_items() if _is_kept(name))
        self._row = replace(self._row, status=response.status_code, headers=kept, head_s=_now_s() - self._sent_s)

    def add(self, data: bytes) -> None:
        """Record a chunk."""
        self._chunks.append(Chunk(offset_s=_now_s() - self._sent_s, data=data))

    def end(self, ending: ExchangeEnd, *, now_s: float, error: httpx.TransportError | None = None) -> None:
        """Record the end at loop time `now_s`; later calls have no effect."""
        if self._open:
            self._open = False
            error_fields = None if error is None else (type(error).__name__, str(error))
            self._row = replace(self._row, ending=ending, end_s=now_s - self._sent_s, error=error_fields)

    def exchange(self) -> Exchange:
        """Return the exchange as recorded."""
        return replace(self._row, chunks=tuple(self._chunks))


class _RecordedBody(httpx.AsyncByteStream):
    """The body of a response; records every chunk when it arrives."""

    def __init__(self, inner: httpx.AsyncByteStream, recorder: _ExchangeRecorder) -> None:
        self._inner = inner
        self._recorder = recorder

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._inner:
                self._recorder.add(data)
                yield data
        except httpx.TransportError as error:
            self._recorder.end(ExchangeEnd.FAILED, now_s=_now_s(), error=error)
            raise
        self._recorder.end(ExchangeEnd.COMPLETE, now_s=_now_s())

    async def aclose(self) -> None:
        self._recorder.end(ExchangeEnd.ABANDONED, now_s=_now_s())
        await self._inner.aclose()


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def read_body(data: bytes) -> Json:
    """Return a request's body as JSON; as a text if it is not JSON, None if it is empty."""
    if not data:
        return None
    try:
        body: Json = json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")
    return body


def _is_kept(name: str) -> bool:
    return name.lower() in KEPT_HEADERS


def _model_digests(rows: tuple[Exchange, ...]) -> dict[str, str]:
    """Return model -> digest of its file, from all lists of models in the responses.

    A tag that was two files has none: nobody can tell which of them has answered.
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        listed = last_json(row) if row.path in ("/api/ps", "/api/tags") else None
        models = listed.get("models") if isinstance(listed, dict) else None
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and isinstance(model.get("name"), str) and isinstance(model.get("digest"), str):
                found.setdefault(full_tag(str(model["name"])), set()).add(str(model["digest"]))
    return {tag: next(iter(digests)) for tag, digests in found.items() if len(digests) == 1}


def _completed(row: Exchange, digests: dict[str, str]) -> Exchange:
    """Return the exchange with the server's time and the digest of its model."""
    answer, model = last_json(row), named_model(row.body)
    server_time = answer.get("created_at") if isinstance(answer, dict) else None
    return replace(
        row,
        server_time=server_time if isinstance(server_time, str) else None,
        model_digest=None if model is None else digests.get(full_tag(model)),
    )


def last_json(row: Exchange) -> Json:
    """Return the last JSON line of a response; None if there is none."""
    lines = row.text.splitlines()
    try:
        last: Json = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    return last
