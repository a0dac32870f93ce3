"""Large data in a page: lists of HTML fragments as gzip in base64, unpacked by the page's script when they are needed.

A page of 100 MB kills browsers; the same data compressed is a few MB and costs nothing until somebody looks.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

STATIC_LIMIT: Final = 200_000  # characters of fragments that may stand in the page as they are
_CHUNK: Final = 600_000  # characters of a pack before compression: unpacked in some milliseconds
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A named list of fragments, compressed."""

    name: str
    base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a fragment went: the name of its pack, and its index in it."""

    pack: str
    item: int


@dataclass(slots=True, kw_only=True)
class Packer:
    """Collects fragments into packs of a size that opens at once. `prefix` names the packs `prefix-0`, `prefix-1`."""

    prefix: str
    packs: list[Pack] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _size: int = 0

    def add(self, fragment: str) -> Place:
        """Put a fragment into the open pack."""
        place = Place(pack=f"{self.prefix}-{len(self.packs)}", item=len(self._open))
        self._open.append(fragment)
        self._size += len(fragment)
        if self._size >= _CHUNK:
            self.close()
        return place

    def close(self) -> None:
        """Compress the open pack, if there is anything in it."""
        if self._open:
            self.packs.append(Pack(name=f"{self.prefix}-{len(self.packs)}", base64=packed(self._open)))
            self._open, self._size = [], 0


def packed(fragments: Iterable[str]) -> str:
    """The fragments as a JSON list, gzip and base64; the same fragments give the same text."""
    data = json.dumps(list(fragments), ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return base64.b64encode(gzip.compress(data, compresslevel=_LEVEL, mtime=0)).decode("ascii")
