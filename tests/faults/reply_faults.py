"""Rows of the fault matrix: replies that Ollama would not send, and replies without bounds."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx

from tests.execution.stand_in import Body, StandIn, reply
from tests.faults.fault_case import FINE, LOST, Ending, FaultCase, Place, Workshop, run_on, served_by

SAME_RECORD = "the events alone give the same record"
NO_SCORE = "one sentence; the job is an `error`, unscored"
MB = 1 << 20


class Pieces(httpx.AsyncByteStream):
    """A body of one piece, so many times; None = for ever."""

    def __init__(self, piece: bytes, times: int | None = 1) -> None:
        self.piece, self.times = piece, times

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        while self.times is None or sent < self.times:
            sent += 1
            yield self.piece


class Hostile(StandIn):
    """A server whose replies on one path are a test's, the first `times` of them; None = all."""

    def __init__(self, path: str, response: Callable[[Body], httpx.Response], times: int | None = None) -> None:
        super().__init__()
        self.path, self.response, self.left = path, response, times

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != self.path or self.left == 0:
            return await super().__call__(request)
        self.left = None if self.left is None else self.left - 1
        return self.response(json.loads(request.content or b"{}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BadReply:
    """A reply: how it is made, on which path, how often, and how the job ends."""

    response: Callable[[Body], httpx.Response]
    ending: Ending
    path: str = "/api/chat"
    times: int | None = None

    def carry_out(self, workshop: Workshop) -> None:
        run_on(served_by(Hostile(self.path, self.response, self.times)), self.ending, workshop.folder)


@cache
def bomb() -> bytes:
    """1 GB of blanks, packed to 1 MB, a piece at a time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join((*(packer.compress(b" " * MB) for _ in range(1024)), packer.flush()))


def status(code: int, body: str = '{"error": "no"}') -> Callable[[Body], httpx.Response]:
    return lambda _: httpx.Response(code, text=body)


def raw(piece: bytes, times: int | None = 1, **headers: str) -> Callable[[Body], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(200, headers=named, stream=Pieces(piece, times))


def fields(**changed: Any) -> Callable[[Body], httpx.Response]:
    return lambda body: httpx.Response(200, json={"model": body["model"], **reply(), **changed})


def text_fields(name: str, number: str) -> Callable[[Body], httpx.Response]:
    """A whole reply in which one number is written as a test says."""

    def respond(body: Body) -> httpx.Response:
        whole = json.dumps({"model": body["model"], **reply(), name: 77_777})
        return httpx.Response(200, text=whole.replace("77777", number))

    return respond


BAD = replace(LOST, kinds=frozenset(("bad_reply",)))
BUSY = replace(LOST, kinds=frozenset(("server_error",)), retries=2)
REFUSED = Ending(kinds=frozenset(("server_error",)))
AGAIN = replace(FINE, retries=1)

TRIED_AGAIN = "tried again, then as if nothing had been"
REQUEST_FAILED = "the task has failed and scores 0; nothing is tried again"
REPLIES: dict[str, tuple[BadReply, str]] = {
    "too many requests (429), once": (BadReply(response=status(429), ending=AGAIN, times=1), TRIED_AGAIN),
    "a proxy's bad gateway (502), once": (
        BadReply(response=status(502, "<html>Bad Gateway</html>"), ending=AGAIN, times=1),
        TRIED_AGAIN,
    ),
    "a proxy's time limit (504), once": (BadReply(response=status(504), ending=AGAIN, times=1), TRIED_AGAIN),
    "too many requests (429), always": (BadReply(response=status(429), ending=BUSY), NO_SCORE),
    "service unavailable (503), always": (BadReply(response=status(503), ending=BUSY), NO_SCORE),
    "a list of resident models that fails (503), once": (
        BadReply(response=status(503), ending=FINE, times=1, path="/api/ps"),
        TRIED_AGAIN,
    ),
    "a refused request (400)": (BadReply(response=status(400), ending=REFUSED), REQUEST_FAILED),
    "an input that exceeds the context (500)": (
        BadReply(response=status(500, '{"error": "the input length exceeds the context length"}'), ending=REFUSED),
        REQUEST_FAILED,
    ),
    "files of a model that are damaged (500)": (
        BadReply(response=status(500, '{"error": "invalid file magic"}'), ending=replace(BUSY, retries=0)),
        NO_SCORE,
    ),
    "a proxy that wants an account (407)": (BadReply(response=status(407), ending=replace(BUSY, retries=0)), NO_SCORE),
    "an error text of 20 MB": (
        BadReply(response=status(503, json.dumps({"error": "x" * (20 * MB)})), ending=BUSY),
        "a message under 2,000 characters",
    ),
    "an empty reply": (BadReply(response=raw(b""), ending=BAD), NO_SCORE),
    "`null` in place of a reply": (BadReply(response=raw(b"null"), ending=BAD), NO_SCORE),
    "a list in place of a reply": (BadReply(response=raw(b"[]"), ending=BAD), NO_SCORE),
    "an error beside an answer": (BadReply(response=fields(error="the runner died"), ending=BAD), NO_SCORE),
    "a number in place of a message": (BadReply(response=fields(message=7), ending=BAD), NO_SCORE),
    "a negative count of tokens": (BadReply(response=fields(eval_count=-3), ending=BAD), NO_SCORE),
    "an impossible duration": (BadReply(response=fields(total_duration=10**30), ending=BAD), NO_SCORE),
    "a part that takes longer than the whole": (
        BadReply(response=fields(total_duration=10**9, eval_duration=10**12), ending=BAD),
        NO_SCORE,
    ),
    "a number of 5,000 digits": (BadReply(response=text_fields("eval_count", "9" * 5000), ending=BAD), NO_SCORE),
    "a number beyond all floats": (BadReply(response=text_fields("eval_count", "1e999"), ending=BAD), NO_SCORE),
    "half a surrogate pair in an answer": (
        BadReply(
            response=lambda body: httpx.Response(
                200, text=json.dumps({"model": body["model"], **reply(), "message": {"content": "42 \ud800"}})
            ),
            ending=BAD,
        ),
        NO_SCORE,
    ),
    "more in VRAM than there is of a model": (
        BadReply(
            response=lambda _: httpx.Response(
                200, json={"models": [{"name": "gemma2:2b", "size": 1, "size_vram": 2**40}]}
            ),
            path="/api/ps",
            ending=LOST,
        ),
        NO_SCORE,
    ),
    "a reply that never ends": (BadReply(response=raw(b"a" * 65536, None), ending=BAD), NO_SCORE),
    "blanks that never end": (BadReply(response=raw(b" " * 65536, None), ending=BAD), NO_SCORE),
    "a list of models that never ends": (
        BadReply(response=raw(b'{"models": [' + b" " * 65536, None), path="/api/ps", ending=LOST),
        NO_SCORE,
    ),
    "a packed reply of 1 GB": (
        BadReply(response=lambda _: raw(bomb(), content_encoding="gzip")({}), ending=BAD),
        NO_SCORE,
    ),
    "damaged packing": (BadReply(response=raw(b"\x1f\x8b\x08junk", content_encoding="gzip"), ending=BAD), NO_SCORE),
    "packing that nobody asked for": (BadReply(response=raw(b"x", content_encoding="br"), ending=BAD), NO_SCORE),
    "100,000 opening brackets": (BadReply(response=raw(b"[" * 100_000), ending=BAD), NO_SCORE),
    "100,000 nested objects": (BadReply(response=raw(b'{"a":' * 100_000), ending=BAD), NO_SCORE),
    "a million small values": (BadReply(response=raw(b"[" + b"{}," * 1_000_000), ending=BAD), NO_SCORE),
}


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    return tuple(
        FaultCase(
            name=name,
            place=Place.REPLY,
            expected=expected,
            kept=SAME_RECORD,
            carry_out=bad.carry_out,
            memory_mb=400.0,
            cpu_s=60.0,
        )
        for name, (bad, expected) in REPLIES.items()
    )
