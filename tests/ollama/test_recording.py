"""The recording and the replaying transport, below the client: chunks, times, failures, secrets."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx
import ollama
import pytest

from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.errors import CassetteError
from pytest_swarm.execution.wait_time_loop import WaitTimeLoop, new_wait_time_loop
from pytest_swarm.ollama.cassette.cassette_file import append_take
from pytest_swarm.ollama.cassette.takes import Cassette, Exchange, ExchangeEnd, Take, TakeOrigin
from pytest_swarm.ollama.transports.probe import ProbeTransport
from pytest_swarm.ollama.transports.recording import RecordingTransport
from pytest_swarm.ollama.transports.replay import CassetteIndex, ReplayingTransport
from pytest_swarm.simulator.virtual_loop import new_ticking_loop
from tests.execution.lab import graph

CASE = Case(graph=graph(("a", "b")), key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0))
ORIGIN = TakeOrigin(run="r", recorded_ts_ms=0.0, backend="ollama", detail="d", host="http://h:1", simulated=False)
URL = "http://h:1"
_T = TypeVar("_T")


class Dripping(httpx.AsyncByteStream):
    """A body whose chunks come after pauses; an exception in place of a chunk is raised."""

    def __init__(self, *parts: tuple[float, bytes | Exception]) -> None:
        self.parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for pause_s, part in self.parts:
            await asyncio.sleep(pause_s)
            if isinstance(part, Exception):
                raise part
            yield part


class Server(httpx.AsyncBaseTransport):
    """Answers with what a function makes of the request."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response | Exception], *, pause_s: float = 0.0) -> None:
        self.answer = answer
        self.pause_s = pause_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self.pause_s)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def virtual(work: Callable[[], Awaitable[_T]]) -> _T:
    async def main() -> _T:
        return await work()

    with asyncio.Runner(loop_factory=new_ticking_loop) as runner:
        return runner.run(main())


Events = list[tuple[float, bytes | str]]


async def read(transport: httpx.AsyncBaseTransport, *, path: str = "/x", **sent: object) -> Events:
    """What a client sees: each chunk, and the end or the error, with the loop's time."""
    now = asyncio.get_running_loop().time
    seen: Events = []
    try:
        async with httpx.AsyncClient(transport=transport, base_url=URL, timeout=None) as client:  # noqa: SIM117
            async with client.stream("POST", path, **sent) as response:
                seen.append((now(), str(response.status_code)))
                async for chunk in response.aiter_raw():
                    seen.append((now(), chunk))
                seen.append((now(), "end"))
    except httpx.TransportError as error:
        seen.append((now(), f"{type(error).__name__}: {error}"))
    return seen


Use = Callable[[httpx.AsyncBaseTransport], Awaitable[_T]]


async def recording(server: httpx.AsyncBaseTransport, use: Use[_T]) -> tuple[_T, tuple[Exchange, ...]]:
    """What comes of using a recorded server, and its exchanges."""
    transport = RecordingTransport(server)
    transport.begin(CASE, now_s=asyncio.get_running_loop().time())
    return await use(transport), transport.finish(now_s=asyncio.get_running_loop().time())


def recorded(server: httpx.AsyncBaseTransport, use: Use[_T]) -> tuple[_T, tuple[Exchange, ...]]:
    return virtual(lambda: recording(server, use))


def test_a_recording_tells_times_from_the_start_of_its_case() -> None:
    async def main() -> list[list[float]]:
        recording, found = RecordingTransport(streaming((0.5, b"one"))), list[list[float]]()
        for _ in range(2):
            recording.begin(CASE, now_s=asyncio.get_running_loop().time())
            await asyncio.sleep(2.0)
            await read(recording)
            rows = recording.finish(now_s=asyncio.get_running_loop().time())
            found.append([round(each, 6) for row in rows for each in (row.sent_s, row.head_s or 0.0, row.end_s)])
        return found

    assert virtual(main) == [[2.0, 0.3, 0.8]] * 2


def player(*exchanges: Exchange) -> ReplayingTransport:
    replaying = ReplayingTransport(
        CassetteIndex(Cassette(path="c", takes=(Take(case=CASE, origin=ORIGIN, exchanges=exchanges),)))
    )
    replaying.begin(CASE, now_s=0.0)
    return replaying


def replayed(*exchanges: Exchange) -> Events:
    return virtual(lambda: read(player(*exchanges)))


def streaming(*parts: tuple[float, bytes | Exception]) -> Server:
    return Server(lambda _: httpx.Response(200, stream=Dripping(*parts)), pause_s=0.3)


@pytest.mark.parametrize(
    "server",
    [
        streaming((0.1, b"one"), (0.25, b"two"), (0.0, b"three"), (1 / 3, b"four")),
        streaming((0.1, b"\xff\xfe"), (0.2, "é".encode()[:1])),
        streaming((0.1, b"one"), (0.2, httpx.ReadError("reset"))),
        streaming((0.1, b"one"), (0.2, httpx.RemoteProtocolError("peer closed"))),
        streaming(),
        Server(lambda _: httpx.Response(503, json={"error": "busy"}), pause_s=0.7),
        Server(lambda _: httpx.ConnectError("refused"), pause_s=0.01),
    ],
)
def test_a_replay_gives_the_same_chunks_at_the_same_times(server: Server) -> None:
    seen, exchanges = recorded(server, read)
    assert replayed(*exchanges) == seen
    assert len(seen) >= 1


def test_chunks_of_the_recording_clock_are_replayed_at_the_same_times() -> None:
    server = streaming((0.02, b"one"), (0.03, b"two"), (0.01, b"three"))
    with asyncio.Runner(loop_factory=new_wait_time_loop) as runner:
        seen, exchanges = runner.run(recording(server, read))
    assert replayed(*exchanges) == seen
    assert [at for at, _ in seen] == pytest.approx([0.3, 0.32, 0.35, 0.36, 0.36], abs=1e-5)


def test_a_cancelled_call_hangs_again_until_it_is_cancelled() -> None:
    async def patient(transport: httpx.AsyncBaseTransport, limit_s: float) -> float:
        try:
            async with asyncio.timeout(limit_s):
                await read(transport)
        except TimeoutError:
            return asyncio.get_running_loop().time()
        raise AssertionError("it did not hang")

    server = Server(lambda _: httpx.Response(200), pause_s=1000)
    ended_s, (exchange,) = recorded(server, lambda transport: patient(transport, 5))
    assert ended_s == 5
    assert exchange.ending is ExchangeEnd.ABANDONED
    assert exchange.end_s == 5
    assert virtual(lambda: patient(player(exchange), 5)) == 5


SECRETS = ("Bearer abc123", "session=xyz", "Basic Zm9v", "secret-cookie")


def test_no_credential_reaches_the_file(tmp_path: Path) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        headers = {"Set-Cookie": SECRETS[3], "Content-Type": "application/json", "Authorization": SECRETS[0]}
        return httpx.Response(200, headers=headers, content=b"{}")

    headers = {"Authorization": SECRETS[0], "Cookie": SECRETS[1], "Proxy-Authorization": SECRETS[2]}
    _, exchanges = recorded(Server(answer), lambda transport: read(transport, headers=headers))
    append_take(tmp_path / "c.jsonl", Take(case=CASE, origin=ORIGIN, exchanges=exchanges))
    text = (tmp_path / "c.jsonl").read_text().lower()
    assert "content-type" in text
    for hidden in (*SECRETS, "authorization", "cookie"):
        assert hidden.lower() not in text


async def ask(transport: httpx.AsyncBaseTransport, number: int) -> str:
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        return (await client.post("/x", json={"n": number})).text


def test_the_same_call_gives_the_first_then_the_second_answer_then_none() -> None:
    async def three(transport: httpx.AsyncBaseTransport) -> None:
        for number in (7, 8, 7):
            await ask(transport, number)

    async def play() -> None:
        replaying = player(*exchanges)
        assert [await ask(replaying, n) for n in (7, 7, 8)] == ["1", "3", "2"]
        with pytest.raises(CassetteError, match="it was recorded 2 times, and is asked for once more"):
            await ask(replaying, 7)
        assert replaying.finish(now_s=0.0) == ()

    answers = iter("1234")
    _, exchanges = recorded(Server(lambda _: httpx.Response(200, text=next(answers))), three)
    virtual(play)


def test_what_was_not_asked_for_is_reported() -> None:
    rows = recorded(streaming((0.1, b"x")), read)[1]
    (sentence,) = player(*rows).finish(now_s=0.0)
    assert "1 of 1 recorded exchanges were not asked for, first POST /x" in sentence


def test_probes_wait_for_their_recorded_time_and_are_never_refused() -> None:
    async def late(transport: httpx.AsyncBaseTransport) -> None:
        await asyncio.sleep(2)
        await ask(ProbeTransport(transport), 1)

    async def play() -> float:
        replaying = player(*exchanges)
        await ask(ProbeTransport(replaying), 1)
        assert asyncio.get_running_loop().time() == 2
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await ask(ProbeTransport(replaying), 1)
        assert replaying.finish(now_s=0.0) == ()
        return asyncio.get_running_loop().time()

    _, exchanges = recorded(Server(lambda _: httpx.Response(200, text="ps")), late)
    assert [each.watched for each in exchanges] == [True]
    assert virtual(play) == 62


def test_server_time_and_digest_of_the_model_are_kept() -> None:
    ps = {"models": [{"name": "m:latest", "model": "m:latest", "digest": "abc", "size": 1, "size_vram": 1}]}
    chat = {
        "model": "m",
        "created_at": "2026-01-02T03:04:05Z",
        "message": {"role": "assistant", "content": "hi"},
        "done": True,
    }

    async def use(transport: httpx.AsyncBaseTransport) -> None:
        client = ollama.AsyncClient(URL, transport=transport)
        await client.chat(model="m", messages=[{"role": "user", "content": CASE.graph.task("b").prompt}])
        await client.ps()

    server = Server(lambda r: httpx.Response(200, json=ps if r.url.path == "/api/ps" else chat))
    _, (asked, listed) = recorded(server, use)
    assert (asked.server_time, asked.model_digest, asked.model, asked.task) == ("2026-01-02T03:04:05Z", "abc", "m", "b")
    assert (listed.model, listed.task) == (None, None)
    assert json.loads(listed.text) == ps


def test_a_model_that_was_replaced_while_it_was_recorded_has_no_digest() -> None:
    digests = iter(["abc", "def"])

    def answer(request: httpx.Request) -> httpx.Response:
        listed = {"models": [{"name": "m:latest", "model": "m:latest", "digest": next(digests, "def"), "size": 1}]}
        chat = {"model": "m", "message": {"role": "assistant", "content": "hi"}, "done": True}
        return httpx.Response(200, json=listed if request.url.path == "/api/ps" else chat)

    async def use(transport: httpx.AsyncBaseTransport) -> None:
        client = ollama.AsyncClient(URL, transport=transport)
        await client.ps()
        await client.chat(model="m", messages=[{"role": "user", "content": "hello"}])
        await client.ps()

    assert [each.model_digest for each in recorded(Server(answer), use)[1]] == [None, None, None]


def test_the_recording_clock_counts_waiting_only() -> None:
    stopwatch_s = 0.0

    def stopwatch() -> float:
        nonlocal stopwatch_s
        stopwatch_s += 0.5  # each look at it takes half a second
        return stopwatch_s

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times = [loop.time()]
        for pause_s in (0, 0.01, 0.002):
            await asyncio.sleep(pause_s)
            times.append(loop.time())
        return times

    with asyncio.Runner(loop_factory=lambda: WaitTimeLoop(stopwatch)) as runner:
        times = runner.run(main())
    assert times == pytest.approx([0, 0, 0.01, 0.012], abs=1e-5)
    assert all(at * 2**20 == int(at * 2**20) for at in times)


def test_the_recording_clock_counts_the_wait_for_a_thread() -> None:
    waiting, stopwatch_s = threading.Event(), 0.0

    def stopwatch() -> float:
        nonlocal stopwatch_s
        stopwatch_s += 0.5
        waiting.set()
        return stopwatch_s

    async def main() -> float:
        await asyncio.to_thread(waiting.wait)  # ends when the loop has begun to wait for it
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=lambda: WaitTimeLoop(stopwatch)) as runner:
        assert runner.run(main()) == 0.5
