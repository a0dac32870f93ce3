from __future__ import annotations

import asyncio

import httpx
import pytest

from pytest_swarm.simulator.transport import AppFailedError, AsgiTransport, DroppedConnection, Receive, Scope, Send
from tests.simulator.servers import in_virtual_time

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def chunk(body: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://app", timeout=None)  # type: ignore[arg-type]


async def slow_three(_: Scope, __: Receive, send: Send) -> None:
    await send(START)
    for number in range(3):
        await asyncio.sleep(1)
        await send(chunk(f"{number}".encode(), more=number < 2))


def test_chunks_arrive_when_they_are_sent() -> None:
    async def main() -> list[tuple[bytes, float]]:
        loop = asyncio.get_running_loop()
        async with client(slow_three) as http, http.stream("GET", "/") as response:
            return [(part, loop.time()) async for part in response.aiter_raw()]

    assert in_virtual_time(main) == [(b"0", 1.0), (b"1", 2.0), (b"2", 3.0)]


def test_the_app_sees_method_path_query_headers_and_body() -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        event = await receive()
        headers = dict(scope["headers"])
        seen = f"{scope['method']} {scope['path']} {scope['query_string']!r} {headers[b'x-a']!r} {event['body']!r}"
        await send(START)
        await send(chunk(seen.encode(), more=False))

    async def main() -> str:
        async with client(echo) as http:
            return (await http.post("/p/q?z=1", content=b"body", headers={"X-A": "b"})).text

    assert in_virtual_time(main) == "POST /p/q b'z=1' b'b' b'body'"


def test_a_disconnect_during_the_body_reaches_the_app() -> None:
    ended: list[str] = []

    async def endless(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        await send(chunk(b"first"))
        ended.append((await receive())["type"])

    async def main() -> None:
        async with client(endless) as http:
            async with http.stream("GET", "/") as response:
                async for _ in response.aiter_raw():
                    break
            await asyncio.sleep(1)

    in_virtual_time(main)
    assert ended == ["http.disconnect"]


def test_a_cancellation_before_the_head_reaches_the_app() -> None:
    ended: list[str] = []

    async def silent(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        ended.append((await receive())["type"])

    async def main() -> None:
        async with client(silent) as http:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await http.get("/")
            await asyncio.sleep(0)

    in_virtual_time(main)
    assert ended == ["http.disconnect"]


def test_a_body_without_an_end_is_a_protocol_error() -> None:
    async def cut(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        await send(chunk(b"half"))

    async def main() -> None:
        async with client(cut) as http:
            await http.get("/")

    with pytest.raises(httpx.RemoteProtocolError):
        in_virtual_time(main)


def test_an_app_that_drops_the_connection_looks_like_no_server() -> None:
    async def drop(_: Scope, __: Receive, ___: Send) -> None:
        raise DroppedConnection

    async def main() -> None:
        async with client(drop) as http:
            await http.get("/")

    with pytest.raises(httpx.ConnectError):
        in_virtual_time(main)


@pytest.mark.parametrize("late", [False, True])
def test_a_broken_app_raises_in_the_caller(late: bool) -> None:
    async def broken(_: Scope, __: Receive, send: Send) -> None:
        if late:
            await send(START)
        raise ZeroDivisionError

    async def main() -> None:
        async with client(broken) as http:
            await http.get("/")

    with pytest.raises(AppFailedError, match="ZeroDivisionError") as caught:
        in_virtual_time(main)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_closing_ends_what_still_runs() -> None:
    ended: list[bool] = []

    async def stubborn(_: Scope, __: Receive, ___: Send) -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append(True)

    async def main() -> float:
        async with client(stubborn) as http:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await http.get("/")
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main) == pytest.approx(1)
    assert ended == [True]
