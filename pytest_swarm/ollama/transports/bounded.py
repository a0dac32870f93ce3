"""A bound on replies: a transport that refuses one that is too large, whatever its header says or its packing hides.

It also refuses a redirect: whoever answers at another address is not the server whose name stands beside the figures.
And it masks the account of the request, which a reply may repeat.

The server is not trusted: a reply may never end, unpack to a thousand times its size, or be made of nothing but small
values, each of which takes far more memory than text. What is read of it is counted as it comes.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx

from pytest_swarm.ollama.address import shown_host
from pytest_swarm.ollama.transports.masking import MaskedBody, account_mask, mask_head

DEFAULT_LIMIT_BYTES: Final = 32 << 20
MOST_VALUES: Final = 500_000  # objects, lists and separators; each parsed value takes up to 200 bytes
_PIECE: Final = 1 << 16  # bytes that are unpacked at once
_MARKS: Final = (b"{", b"[", b",")
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's window bits; 47 also finds a gzip header
_PACKED: Final = frozenset(("content-encoding", "content-length", "transfer-encoding"))


class OversizedReplyError(httpx.RemoteProtocolError):
    """A reply that is larger than the limit, or holds more values."""


class RedirectedReplyError(httpx.RemoteProtocolError):
    """A reply that sends the caller to another address, which is the message."""


class BoundedTransport(httpx.AsyncBaseTransport):
    """Forwards requests to `inner`, and bounds the replies, unpacked, while they are read.

    Args:
        inner: The transport to the server.
        limit_bytes: The largest body of a reply in bytes.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._inner = inner
        self.limit_bytes = limit_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's response, which raises OversizedReplyError as soon as it is too large.

        Raises:
            RedirectedReplyError: The server redirects.
        """
        request.headers["accept-encoding"] = "identity"
        mask = account_mask(request.headers.get("authorization"))
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.TransportError as error:
            if mask is not None:
                error.args = (mask.masked_text(str(error)),)
            raise
        if mask is not None:
            mask_head(response, mask)
        if response.has_redirect_location:
            await response.aclose()
            raise RedirectedReplyError(_redirected_to(request, response.headers["location"]))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        packed = encoding not in ("", "identity")
        if packed and encoding not in _WINDOWS:
            await response.aclose()
            raise httpx.DecodingError(f"the reply is packed as {encoding!r:.40}, which nobody asked for")
        body: httpx.AsyncByteStream = _BoundedBody(response.stream, _WINDOWS.get(encoding), self.limit_bytes)
        body = body if mask is None else MaskedBody(body, mask)
        if packed:
            headers = [(name, value) for name, value in response.headers.raw if not _is_packing(name)]
            response = httpx.Response(
                response.status_code, headers=headers, stream=body, extensions=response.extensions
            )
        else:
            response.stream = body
        response.encoding = "utf-8"  # as JSON is; the header may name a codec at which httpx fails
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


class _BoundedBody(httpx.AsyncByteStream):
    """The body of a response, unpacked."""

    def __init__(self, inner: httpx.AsyncByteStream, window: int | None, limit_bytes: int) -> None:
        self._inner = inner
        self._unpacker = None if window is None else zlib.decompressobj(window)
        self._limit_bytes = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = values = 0
        async for data in self._inner:
            for piece in self._pieces(data):
                size += len(piece)
                values += sum(map(piece.count, _MARKS))
                if size > self._limit_bytes:
                    raise OversizedReplyError(f"it is larger than {self._limit_bytes / (1 << 20):.6g} MiB")
                if values > MOST_VALUES:
                    raise OversizedReplyError(f"it holds more than {MOST_VALUES:,} values")
                yield piece

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield data
            return
        try:
            while data:
                yield self._unpacker.decompress(data, _PIECE)
                data = self._unpacker.unconsumed_tail
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error

    async def aclose(self) -> None:
        await self._inner.aclose()


def _redirected_to(request: httpx.Request, location: str) -> str:
    """Return the address of the server that a redirect names: without the route, and without what may be secret."""
    try:
        url = request.url.join(location)
    except httpx.InvalidURL:
        return location
    return shown_host(str(url)).removesuffix(request.url.path)


def _is_packing(name: bytes) -> bool:
    return name.lower().decode("ascii", "replace") in _PACKED
