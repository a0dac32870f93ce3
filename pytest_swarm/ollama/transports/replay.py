"""Replay: a transport that responds from a cassette, chunk by chunk at the recorded times, without a server.

Times are the running loop's; in virtual time a replay takes no time. A request waits until its recorded send time. So
times equal the recorded ones even if the recording spent time on something that a replay does not do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Final, NoReturn

import httpx

from pytest_swarm.domain.record import Case
from pytest_swarm.errors import CassetteError
from pytest_swarm.ollama.cassette.takes import (
    Cassette,
    Exchange,
    ExchangeEnd,
    Take,
    named_model,
    request_digest,
    task_of,
)
from pytest_swarm.ollama.transports.bounded import OversizedReplyError
from pytest_swarm.ollama.transports.probe import is_probe
from pytest_swarm.ollama.transports.recording import read_body
from pytest_swarm.ollama.transports.replay_errors import UnmatchedRequest, describe, missing_case, refusal

_RENEWAL_PATH: Final = "/api/generate"  # of a probe: a lease is renewed
_STALE_PROBE_S: Final = 0.1  # less than any sampling interval
_FAILURES: Final = MappingProxyType(
    {
        each.__name__: each
        for each in (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.ReadError,
            httpx.ReadTimeout,
            httpx.WriteError,
            httpx.WriteTimeout,
            httpx.CloseError,
            httpx.PoolTimeout,
            httpx.LocalProtocolError,
            httpx.RemoteProtocolError,
            httpx.UnsupportedProtocol,
            OversizedReplyError,
        )
    }
)


class CassetteIndex:
    """Finds the recording to replay for a case: of the newest run that recorded it, its own test's first, each once.

    A case whose graph has changed replays the recording of the same job and settings: unchanged requests are answered,
    and the first changed one raises an error that names it.
    """

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self._played: dict[str, list[int]] = {}

    def holds(self, case: Case) -> bool:
        """Return whether this very case was recorded."""
        return any(take.case.digest == case.digest for take in self.cassette.takes)

    def peek(self, case: Case) -> Take | None:
        """Return the recording that `take` would return; None if there is none."""
        found = self._next(case)
        return None if found is None else self.cassette.takes[found]

    def take(self, case: Case) -> Take:
        """Return the next recording of a case, each once. Raises CassetteError if none is left."""
        found = self._next(case)
        if found is None:
            raise CassetteError(
                missing_case(case, self.cassette, played=len(self._played.get(_key_without_graph(case), ())))
            )
        self._played.setdefault(_key_without_graph(case), []).append(found)
        return self.cassette.takes[found]

    def newest(self, case: Case) -> Take:
        """Return the newest recording of a case, replayed or not. Raises CassetteError if there is none."""
        same = self._recordings(case)
        if not same:
            raise CassetteError(missing_case(case, self.cassette, played=0))
        return self.cassette.takes[same[-1]]

    def _recordings(self, case: Case) -> list[int]:
        takes = self.cassette.takes
        same = [n for n, take in enumerate(takes) if take.case.digest == case.digest]
        return same or [n for n, take in enumerate(takes) if _key_without_graph(take.case) == _key_without_graph(case)]

    def _next(self, case: Case) -> int | None:
        takes, same = self.cassette.takes, self._recordings(case)
        newest = [n for n in same if takes[n].origin.run == takes[same[-1]].origin.run]
        own = [n for n in newest if takes[n].case.test == case.test] or newest
        played = self._played.get(_key_without_graph(case), ())
        return next((n for n in own if n not in played), None)


def _key_without_graph(case: Case) -> str:
    """Return the part of a case's identity that does not depend on its graph."""
    key = case.key
    return f"{case.job}|{key.mode}|{key.horizon}|{key.vram_budget_gb:.6f}|{key.repeat}|{key.lambda_token}"


class ReplayingTransport(httpx.AsyncBaseTransport):
    """Responds to the requests of one case at a time from its recording; CassetteError for an unmatched one."""

    def __init__(self, index: CassetteIndex) -> None:
        self._index = index
        self._case: Case | None = None
        self._take: Take | None = None
        self._error: CassetteError | None = None
        self._start_s = 0.0
        self._responses: dict[str, deque[Exchange]] = {}
        self._probes: deque[Exchange] = deque()
        self.probe_sent = False
        """Whether a probe is past the time at which one was recorded, so that its response is on its way."""

    def begin(self, case: Case, *, now_s: float) -> None:
        """Start to replay a case at loop time `now_s`; a missing recording raises at the first request.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """
        self._begin(case, self._index.take, now_s)

    def rehearse(self, case: Case, *, now_s: float) -> None:
        """Start a decision of a case that is only timed: the case can still be replayed as often as it was recorded.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """
        self._begin(case, self._index.newest, now_s)

    def _begin(self, case: Case, find: Callable[[Case], Take], now_s: float) -> None:
        self._case, self._start_s = case, now_s
        self._take = self._error = None
        self._responses, self._probes = {}, deque()
        try:
            self._take = find(case)
        except CassetteError as error:
            self._error = error
            return
        for each in self._take.exchanges:
            if each.watched and each.path == _RENEWAL_PATH:  # a renewed lease, to which any replay replies itself
                continue
            queue = self._probes if each.watched else self._responses.setdefault(each.digest, deque())
            queue.append(each)

    @property
    def realised(self) -> Mapping[tuple[str, str], float] | None:
        """The case's realized scores by (task, model); None if they were not recorded."""
        return None if self._take is None else self._take.realised

    def finish(self, *, now_s: float) -> tuple[str, ...]:  # noqa: ARG002 - a recording needs the time
        """End the case, and return notes about recorded exchanges that were not requested; probes do not count."""
        left = sorted((each for some in self._responses.values() for each in some), key=lambda each: each.sent_s)
        take, self._take, self._responses = self._take, None, {}
        if take is None:
            return ()
        if not left:
            return take.clock_notes
        of = sum(not each.watched for each in take.exchanges)
        return (
            *take.clock_notes,
            f"{take.label}: {len(left)} of {of} recorded exchanges were not asked for, first {describe(left[0])}; "
            f"the run is not the one that was recorded",
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded response at the recorded times."""
        data = await request.aread()
        if not is_probe(request):
            return await self._respond(self._recorded_exchange(request, data), request)
        if request.url.path == _RENEWAL_PATH:
            return httpx.Response(200, json={"model": named_model(read_body(data)), "response": "", "done": True})
        return await self._respond(await self._next_probe(), request)

    async def _next_probe(self) -> Exchange:
        """Return the next recorded probe at its time; skip stale ones, which belong to an earlier step."""
        self.probe_sent = False
        now_s = asyncio.get_running_loop().time() - self._start_s
        while self._probes and self._probes[0].sent_s < now_s - _STALE_PROBE_S:
            self._probes.popleft()
        if not self._probes:
            await _wait_forever()
        await _sleep_until(self._start_s + self._probes[0].sent_s)  # if cancelled here, no probe is consumed
        self.probe_sent = True
        return self._probes.popleft()

    def _recorded_exchange(self, request: httpx.Request, data: bytes) -> Exchange:
        body, path = read_body(data), request.url.raw_path.decode("ascii")
        queue = self._responses.get(request_digest(request.method, path, body))
        if queue:
            return queue.popleft()
        if self._error is not None:
            raise self._error
        if self._case is None or self._take is None:
            raise CassetteError(
                f"cassette {self._index.cassette.path}: a request outside of any case cannot be replayed"
            )
        task = task_of(body, self._case.graph)
        unmatched = UnmatchedRequest(case=self._case, method=request.method, path=path, body=body, task=task)
        raise CassetteError(refusal(unmatched, self._take, self._index.cassette))

    async def _respond(self, exchange: Exchange, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        sent_s = max(loop.time(), self._start_s + exchange.sent_s)
        if exchange.status is None or exchange.head_s is None:
            await _raise_recorded_end(exchange, sent_s, request)
        await _sleep_until(sent_s + exchange.head_s)
        body = _ReplayedBody(exchange, sent_s, request)
        return httpx.Response(exchange.status, headers=list(exchange.headers), stream=body)


class _ReplayedBody(httpx.AsyncByteStream):
    """A recorded body: its chunks at their times, then its recorded end."""

    def __init__(self, exchange: Exchange, sent_s: float, request: httpx.Request) -> None:
        self._exchange = exchange
        self._sent_s = sent_s
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._exchange.chunks:
            await _sleep_until(self._sent_s + chunk.offset_s)
            yield chunk.data
        if self._exchange.ending is ExchangeEnd.COMPLETE:
            await _sleep_until(self._sent_s + self._exchange.end_s)
        else:
            await _raise_recorded_end(self._exchange, self._sent_s, self._request)


async def _raise_recorded_end(exchange: Exchange, sent_s: float, request: httpx.Request) -> NoReturn:
    """Raise the recorded error; an abandoned exchange hangs until the client cancels it again."""
    if exchange.ending is ExchangeEnd.ABANDONED or exchange.error is None:
        await _wait_forever()
    await _sleep_until(sent_s + exchange.end_s)
    name, message = exchange.error
    raise _FAILURES.get(name, httpx.RemoteProtocolError)(message, request=request)


async def _sleep_until(when_s: float) -> None:
    delay_s = when_s - asyncio.get_running_loop().time()
    if delay_s > 0:
        await asyncio.sleep(delay_s)


async def _wait_forever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future that is never set")
