"""Cassettes as files: reading one, and appending to it so that nothing that it held can be lost."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec import Struct

from pytest_swarm.codec import JsonDecoder, encode_line, is_json
from pytest_swarm.documents import path_of
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import CassetteError
from pytest_swarm.fields import GZIP
from pytest_swarm.files import FileLock, MeasuredFile, readable, replacing, write_whole
from pytest_swarm.ollama.cassette.cassette_codec import (
    VERSION,
    ExchangeLine,
    GraphLine,
    HeaderLine,
    TakeLine,
    decode_exchange,
    decode_graph_line,
    decode_take_line,
    encode_exchange,
    encode_graph_line,
    encode_header,
    encode_take_line,
)
from pytest_swarm.ollama.cassette.takes import Cassette, Exchange, Take

CUT_OFF_SUFFIX: Final = ".cut-off"


class _LineKind(Struct, frozen=True, kw_only=True):
    """What is read of a line before its kind is known: the key that names the kind."""

    cassette: int | None = None
    exchange: int | None = None
    graph: str | None = None
    case: str | None = None


_ADVICE: Final = "restore the file, or record it again"
_KIND: Final[JsonDecoder[_LineKind]] = JsonDecoder(_LineKind, error=CassetteError, advice=_ADVICE)
_HEADER: Final[JsonDecoder[HeaderLine]] = JsonDecoder(HeaderLine, error=CassetteError, advice=_ADVICE)
_GRAPH: Final[JsonDecoder[GraphLine]] = JsonDecoder(GraphLine, error=CassetteError, advice=_ADVICE)
_TAKE: Final[JsonDecoder[TakeLine]] = JsonDecoder(TakeLine, error=CassetteError, advice=_ADVICE)
_EXCHANGE: Final[JsonDecoder[ExchangeLine]] = JsonDecoder(ExchangeLine, error=CassetteError, advice=_ADVICE)


def read_cassette(path: str | os.PathLike[str]) -> Cassette:
    """Return the cassette of a file.

    A cut-off last line is accepted: its case is left out, and a note of the cassette says so.

    Raises:
        CassetteError: the file cannot be read, or a line does not belong into a cassette. The message names file,
            line and field.
    """
    path = path_of(path, CassetteError)
    try:
        data = readable(path).read_bytes()
    except FileNotFoundError as error:
        raise CassetteError(
            f"cassette {path}: there is no such file; record one with --swarm-backend=record --swarm-cassette={path}"
        ) from error
    except OSError as error:
        raise CassetteError(f"cassette {path}: cannot be read: {error.strerror}") from error
    if data.startswith(GZIP):
        raise CassetteError(f"cassette {path}: is packed by gzip; unpack it first")
    lines = data.splitlines(keepends=True)
    cut_off = bool(lines) and not lines[-1].endswith(b"\n") and not is_json(lines[-1])
    reader = _Reader(str(path))
    for number, line in enumerate(lines[:-1] if cut_off else lines, start=1):
        reader.take(line, where=f"cassette {path}, line {number}")
    return reader.finish(cut_off=cut_off)


class _Reader:
    """Gathers lines into takes. `whole_bytes` is where the last whole take ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.graphs: dict[str, TaskGraph] = {}
        self.takes: list[Take] = []
        self.opened = False
        self.read_bytes = self.whole_bytes = 0
        self._take: Take | None = None
        self._exchanges: list[Exchange] = []
        self._missing = 0

    def take(self, line: bytes, *, where: str) -> None:
        if line.strip():
            self._line(line if self.read_bytes else line.removeprefix(codecs.BOM_UTF8), where)
        self.read_bytes += len(line)
        if not self._missing:
            self.whole_bytes = self.read_bytes

    def _line(self, line: bytes, where: str) -> None:
        kind = _KIND.decode(line, where=where)
        if not self.opened:
            self._open(line, kind, where)
        elif kind.exchange is not None:
            self._take_exchange(_EXCHANGE.decode(line, where=where), where)
        elif self._missing:
            raise CassetteError(f"{where}: an exchange of {self._label} is missing before it; {_ADVICE}")
        elif kind.graph is not None:
            self.graphs[kind.graph] = decode_graph_line(_GRAPH.decode(line, where=where), where=where)
        elif kind.case is not None:
            self._begin(_TAKE.decode(line, where=where), where)
        if self._take is not None and not self._missing:
            self.takes.append(replace(self._take, exchanges=tuple(self._exchanges)))
            self._take = None

    def _open(self, line: bytes, kind: _LineKind, where: str) -> None:
        if kind.cassette is None:
            raise CassetteError(f"{where}: is not the first line of a cassette; record one with --swarm-backend=record")
        version = _HEADER.decode(line, where=where).cassette
        if version > VERSION:
            raise CassetteError(f"{where}: cassette version {version} is newer than {VERSION}; update pytest-swarm")
        self.opened = True

    def _take_exchange(self, line: ExchangeLine, where: str) -> None:
        if self._take is None or not self._missing or line.case != self._take.case.digest:
            raise CassetteError(f"{where}: is an exchange that belongs to no case; {_ADVICE}")
        self._exchanges.append(decode_exchange(line))
        self._missing -= 1

    def _begin(self, line: TakeLine, where: str) -> None:
        graph = self.graphs.get(line.graph_digest)
        if graph is None:
            what = f"names the graph {line.graph_digest}, which no line before it holds"
            raise CassetteError(f"{where}: {what}; {_ADVICE}")
        self._take = decode_take_line(line, graph)
        self._exchanges = []
        self._missing = line.exchanges

    @property
    def _label(self) -> str:
        return "a case" if self._take is None else self._take.label

    def finish(self, *, cut_off: bool) -> Cassette:
        if not self.opened and cut_off:
            raise CassetteError(f"cassette {self.path}: holds no whole line, so it is no cassette; give another file")
        if not self.opened:
            raise CassetteError(f"cassette {self.path}: is empty, so it is no cassette; delete it and record again")
        notes: tuple[str, ...] = ()
        if self._missing:
            notes = (f"cassette {self.path} is cut off: {self._label} is not whole and was left out; record it again",)
        elif cut_off:
            notes = (f"cassette {self.path}: its last line was cut off and left out",)
        cut_at = self.whole_bytes if notes else None
        return Cassette(path=self.path, takes=tuple(self.takes), notes=notes, cut_at=cut_at)


def is_cassette(path: Path) -> bool:
    """Return whether a file is a cassette, by its first line."""
    with path.open("rb") as file:
        line = file.readline()
    return is_json(line) and b'"cassette"' in line


def append_take(path: Path, take: Take, *, with_graph: bool = True) -> None:
    """Add a take to the file; make the file where there is none.

    The new file is written beside the old one and then replaces it, so that a reader finds the one or the other,
    whatever fails in between. Safe against other processes that append.

    Args:
        path: the file.
        take: what to add.
        with_graph: whether to add its graph too; not where the file holds it.

    Raises:
        CassetteError: the file cannot be written.
    """
    digest = take.case.digest
    lines = [encode_graph_line(take.case.graph)] if with_graph else []
    lines.append(encode_take_line(take))
    lines += [encode_exchange(each, number=n, case=digest) for n, each in enumerate(take.exchanges, 1)]
    try:
        with _locked(path):
            _rewrite(path, "".join(f"{encode_line(line)}\n" for line in lines).encode("ascii"))
    except OSError as error:
        raise _unwritable(path, error) from error


def set_aside_cut_off(path: Path) -> None:
    """Move what follows the last whole take of a cut-off cassette to FILE.cut-off, so that it can be appended to."""
    try:
        with _locked(path):
            cut_at = read_cassette(path).cut_at
            if cut_at is None:
                return
            data = path.read_bytes()
            with path.with_name(path.name + CUT_OFF_SUFFIX).open("ab") as rest:
                rest.write(data[cut_at:] + b"\n")
            write_whole(path, data[:cut_at], measured=MeasuredFile.RECORDING)
    except OSError as error:
        raise _unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Raise CassetteError where no cassette can be written at a path; its folder is made where it is missing."""
    try:
        with _locked(path):
            pass
    except OSError as error:
        raise CassetteError(
            f"cassette {path}: cannot be written: {error.strerror}; give another --swarm-cassette"
        ) from error


def _rewrite(path: Path, lines: bytes) -> None:
    with replacing(path, measured=MeasuredFile.RECORDING) as beside:
        if path.exists():
            shutil.copyfile(path, beside)
        else:
            beside.write_bytes(f"{encode_line(encode_header())}\n".encode("ascii"))
        with beside.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
            file.write(lines)


def _unwritable(path: Path, error: OSError) -> CassetteError:
    return CassetteError(
        f"cassette {path}: cannot be written: {error.strerror}; what it held is kept, and the case is recorded again "
        f"when you run it again"
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process write at a time, also under xdist; the lock lies beside the file, where every writer finds it."""
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name[:200]}.lock")).held():
        yield
