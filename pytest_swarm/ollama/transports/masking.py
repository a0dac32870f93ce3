"""The account of a request, masked in the reply to it: a proxy or a hostile server may repeat it anywhere.

What a reply says goes into events, recordings, reports and messages. An account that is written there is no secret any
more. So it is masked where replies come in, before anything else reads them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import httpx

SHORTEST: Final = 4
"""Characters of the shortest secret that is masked: shorter ones stand in any text, such as an answer."""
_MASK: Final = b"*"


class AccountMask:
    """Masks some texts in bytes, in place: nothing becomes shorter or longer.

    Args:
        secrets: The texts.
    """

    def __init__(self, secrets: frozenset[bytes]) -> None:
        self._longest_first = sorted(secrets, key=len, reverse=True)
        self._any = re.compile(b"|".join(map(re.escape, self._longest_first)))

    def masked(self, data: bytes) -> bytes:
        """Return the data with a mask in place of each secret."""
        return self._any.sub(lambda found: _MASK * len(found[0]), data)

    def masked_text(self, text: str) -> str:
        """Return a text with a mask in place of each secret."""
        return self.masked(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def begun(self, data: bytes) -> int:
        """Return how many bytes at the end of the data may be the beginning of a secret."""
        longest = min(len(data), len(self._longest_first[0]) - 1)
        return next(
            (n for n in range(longest, 0, -1) if any(each.startswith(data[-n:]) for each in self._longest_first)), 0
        )


@lru_cache(maxsize=8)
def account_mask(authorization: str | None) -> AccountMask | None:
    """Return the mask of an account: its password or key, as it is, and as URLs, JSON and headers write it.

    Args:
        authorization: The header of a request that carries it.
    """
    scheme, _, credentials = (authorization or "").partition(" ")
    secrets = {credentials}
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        secrets |= {password, quote(password), quote(password, safe="")}
    secrets |= {json.dumps(each, ensure_ascii=plain)[1:-1] for each in secrets for plain in (True, False)}
    found = frozenset(each.encode() for each in secrets if len(each) >= SHORTEST)
    return AccountMask(found) if found else None


class MaskedBody(httpx.AsyncByteStream):
    """A body in which an account is masked, also where it is cut into pieces."""

    def __init__(self, stream: httpx.AsyncByteStream, mask: AccountMask) -> None:
        self._stream = stream
        self._mask = mask

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = b""
        async for piece in self._stream:
            data = self._mask.masked(left + piece)
            whole = len(data) - self._mask.begun(data)
            left = data[whole:]
            if whole:
                yield data[:whole]
        if left:
            yield left

    async def aclose(self) -> None:
        """Close the body."""
        await self._stream.aclose()


def mask_head(response: httpx.Response, mask: AccountMask) -> None:
    """Mask the account in the headers and the reason of a response."""
    response.headers = httpx.Headers([(mask.masked(name), mask.masked(value)) for name, value in response.headers.raw])
    reason = response.extensions.get("reason_phrase")
    if isinstance(reason, bytes):
        response.extensions["reason_phrase"] = mask.masked(reason)
