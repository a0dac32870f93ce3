"""The account of a request is in nothing that is read of the reply."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from pytest_swarm.ollama.transports.bounded import BoundedTransport

PASSWORD = 'pä"ss/w0rd 12'
HEADER = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
FORMS = {
    "as it is": PASSWORD,
    "in a URL": quote(PASSWORD),
    "in a part of a URL": quote(PASSWORD, safe=""),
    "in JSON": json.dumps(PASSWORD)[1:-1],
    "in JSON with other letters": json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
    "in the header": HEADER.partition(" ")[2],
}


class Cut(httpx.AsyncByteStream):
    """A body in pieces of so many bytes."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), self.size):
            yield self.data[start : start + self.size]


def received(response: httpx.Response | Exception, *, header: str | None = HEADER) -> httpx.Response:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=BoundedTransport(httpx.MockTransport(answer))) as client:
            return await client.get("http://box:1", headers={} if header is None else {"authorization": header})

    return asyncio.run(ask())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_does_not_repeat_the_account(form: str, size: int) -> None:
    secret = FORMS[form].encode()
    body = b"<" + secret + b"> and half of it: " + secret[: len(secret) // 2]
    got = received(httpx.Response(200, stream=Cut(body, size))).content
    assert got == body.replace(secret, b"*" * len(secret))


@pytest.mark.parametrize(("header", "secret"), [(HEADER, PASSWORD), ("Bearer sk-12345678", "sk-12345678")])
def test_headers_reasons_and_errors_do_not_repeat_the_account(header: str, secret: str) -> None:
    shown = secret.encode()
    head = received(
        httpx.Response(418, headers=[(b"x-account", shown)], extensions={"reason_phrase": b"no " + shown}),
        header=header,
    )
    assert head.headers.raw == [(b"x-account", b"*" * len(shown))]
    assert head.extensions["reason_phrase"] == b"no " + b"*" * len(shown)
    with pytest.raises(httpx.RemoteProtocolError) as error:
        received(httpx.RemoteProtocolError(f"illegal header: {secret}"), header=header)
    assert secret not in str(error.value)


@pytest.mark.parametrize("header", [None, "Basic", "Basic !", "Basic bWU6YWJj"])
def test_without_an_account_and_with_a_short_password_a_body_stays(header: str | None) -> None:
    assert received(httpx.Response(200, content=b"abc, me, Basic"), header=header).content == b"abc, me, Basic"
