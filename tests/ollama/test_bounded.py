"""A reply that does not end, unpacks to a thousand times its size or is all brackets is refused in one sentence."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from pytest_swarm.errors import BadReplyError
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.transports.bounded import MOST_VALUES, BoundedTransport
from tests.ollama.wires import GOOD, REQUEST, answering, chat

MB = 1 << 20


class Streaming(httpx.AsyncBaseTransport):
    """A server that sends pieces for as long as they are read, and counts them."""

    def __init__(self, piece: bytes, headers: dict[str, str] | None = None, *, times: int | None = None) -> None:
        self.piece, self.headers, self.times, self.sent = piece, headers or {}, times, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        return httpx.Response(200, headers=self.headers, stream=_Pieces(self))


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, server: Streaming) -> None:
        self.server = server

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.server.times is None or self.server.sent < self.server.times:
            self.server.sent += 1
            yield self.server.piece


def refusal(server: httpx.AsyncBaseTransport) -> tuple[str, float]:
    """The sentence of a chat with a server, and the MB that it took at most."""
    client = OllamaClient("http://box:1", transport=server)
    tracemalloc.start()
    try:
        with pytest.raises(BadReplyError) as error:
            asyncio.run(client.chat(REQUEST))
        return str(error.value), tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "piece", [b"a" * 65536, b" " * 65536, "\U0001f600".encode() * 16384], ids=["text", "blank", "wide"]
)
def test_an_endless_reply_ends_at_the_limit(piece: bytes) -> None:
    server = Streaming(piece)
    sentence, used_mb = refusal(server)
    assert "is larger than 32 MiB" in sentence
    assert server.sent == 32 * MB // len(piece) + 1
    assert used_mb < 100


def packed_bomb(window_bits: int) -> bytes:
    """Return 400 MB of spaces after a bracket, packed: one packed megabyte, again and again, and no end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    first, again = (packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH) for text in (b"[", b" " * MB))
    return first + again * 400


@pytest.mark.parametrize(("packing", "window_bits"), [("gzip", 31), ("deflate", 15)])
def test_a_packed_bomb_is_unpacked_to_the_limit_only(packing: str, window_bits: int) -> None:
    bomb = packed_bomb(window_bits)
    assert len(bomb) < MB
    assert len(zlib.decompressobj(window_bits).decompress(bomb[: len(bomb) // 4])) > 99 * MB
    sentence, used_mb = refusal(Streaming(bomb, {"content-encoding": packing}, times=1))
    assert "is larger than 32 MiB" in sentence
    assert used_mb < 100


@pytest.mark.parametrize("value", [b"[],", b"{},", b"0,", b'"ab",', b'{"a":1},'])
def test_a_reply_of_many_small_values_is_refused(value: bytes) -> None:
    body = b"[" + value * (MOST_VALUES + 1) + b"0]"
    sentence, used_mb = refusal(Streaming(body[:65536] * (len(body) // 65536 + 1), times=1))
    assert "holds more than 500,000 values" in sentence
    assert used_mb < 100


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"[" * 100_000, {}), (b'{"a":' * 100_000, {}), (b"x", {"content-encoding": "br"})],
    ids=["brackets", "objects", "packing that nobody knows"],
)
def test_a_reply_that_cannot_be_read_is_refused(body: bytes, headers: dict[str, str]) -> None:
    sentence, _ = refusal(Streaming(body, headers, times=1))
    assert "did not send an Ollama reply" in sentence


@pytest.mark.parametrize("number", ["9" * 5000, "1e400", "-1e400", "9" * 400])
def test_a_number_beyond_all_bounds_is_refused(number: str) -> None:
    text = json.dumps(GOOD | {"total_duration": 77})
    sentence, _ = refusal(Streaming(text.replace("77", number).encode(), times=1))
    assert len(sentence) < 500


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_packed_reply_is_read(packing: str) -> None:
    body = json.dumps(GOOD).encode()
    packed = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
    headers = {"content-encoding": packing, "content-length": str(len(packed))}
    server = Streaming(packed, headers, times=1)
    reply = asyncio.run(OllamaClient("http://box:1", transport=server).chat(REQUEST))
    assert reply.text == "hello"


def test_a_text_of_many_megabytes_is_an_answer() -> None:
    text = "many words, " * 30_000
    reply = chat(answering(httpx.Response(200, json=GOOD | {"message": {"role": "assistant", "content": text}})))
    assert reply.text == text


def test_the_limit_can_be_set() -> None:
    transport = BoundedTransport(Streaming(b"a" * 1000), limit_bytes=3 * MB)
    sentence, _ = refusal(transport)
    assert "is larger than 3 MiB" in sentence
