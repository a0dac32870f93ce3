"""Cassettes as files: reading what is there, and appending so that nothing that was there can get lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import CassetteError, SwarmError
from pytest_swarm.fields import Fields
from pytest_swarm.ollama.cassette.cassette_codec import (
    check_header,
    decode_exchange,
    decode_graph_line,
    decode_take_line,
    encode_exchange,
    encode_graph_line,
    encode_header,
    encode_take_line,
    write_line,
)
from pytest_swarm.ollama.cassette.takes import Cassette, Exchange, Take

CUT_OFF_SUFFIX: Final = ".cut-off"


def read_cassette(path: Path) -> Cassette:
    """The cassette of a file; CassetteError names file and line for whatever is none.

    A cut-off last line is forgiven: its case is left out, and a note of the cassette says so.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError as error:
        raise CassetteError(
            f"cassette {path}: there is no such file; record one with --swarm-backend=record --swarm-cassette={path}"
        ) from error
    except OSError as error:
        raise CassetteError(f"cassette {path}: cannot be read: {error.strerror}") from error
    reader = _Reader(str(path))
    for number, line in enumerate(lines, start=1):
        try:
            parsed = json.loads(line)
        except ValueError as error:
            if number < len(lines) or line.endswith(b"\n"):
                raise CassetteError(f"cassette {path}, line {number}: is no JSON: {error}") from error
            return reader.finish(cut_off=True)
        reader.take(Fields(parsed, where=f"cassette {path}, line {number}", error=CassetteError), size=len(line))
    return reader.finish(cut_off=False)


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

    def take(self, line: Fields, *, size: int) -> None:
        try:
            self._line(line)
        except CassetteError:
            raise
        except SwarmError as error:  # a graph in it that is not valid
            raise line.fail(str(error)) from error
        self.read_bytes += size
        if not self._missing:
            self.whole_bytes = self.read_bytes

    def _line(self, line: Fields) -> None:
        if not self.opened:
            check_header(line)
            self.opened = True
        elif "exchange" in line:
            if self._take is None or not self._missing or line.text("case") != self._take.case.digest:
                raise line.fail("is an exchange that belongs to no case")
            self._exchanges.append(decode_exchange(line))
            self._missing -= 1
        elif self._missing:
            raise line.fail(f"an exchange of {self._label} is missing before it")
        elif "graph" in line:
            digest, graph = decode_graph_line(line)
            self.graphs[digest] = graph
        elif "case" in line:
            self._take = decode_take_line(line, self.graphs)
            self._exchanges = []
            self._missing = line.whole("exchanges", low=0)
        if self._take is not None and not self._missing:
            self.takes.append(replace(self._take, exchanges=tuple(self._exchanges)))
            self._take = None

    @property
    def _label(self) -> str:
        return "a case" if self._take is None else self._take.label

    def finish(self, *, cut_off: bool) -> Cassette:
        if not self.opened:
            raise CassetteError(f"cassette {self.path}: is empty, so it is no cassette; delete it and record again")
        notes: tuple[str, ...] = ()
        if self._missing:
            notes = (f"cassette {self.path} is cut off: {self._label} is not whole and was left out; record it again",)
        elif cut_off:
            notes = (f"cassette {self.path}: its last line was cut off and left out",)
        cut_at = self.whole_bytes if notes else None
        return Cassette(path=self.path, takes=tuple(self.takes), notes=notes, cut_at=cut_at)


def append_take(path: Path, take: Take, *, with_graph: bool = True) -> None:
    """Add a take to the file, which is made where there is none; `with_graph` unless the file holds its graph.

    The new file is written aside and then takes the old one's name, so that whoever reads, and whatever breaks in
    between, finds the old file or the new one. Safe against other processes that append.
    """
    lines = [write_line(encode_graph_line(take.case.graph))] if with_graph else []
    lines.append(write_line(encode_take_line(take)))
    digest = take.case.digest
    lines += [write_line(encode_exchange(each, number=n, case=digest)) for n, each in enumerate(take.exchanges, 1)]
    try:
        with _alone(path):
            _rewrite(path, "".join(lines).encode("ascii"))
    except OSError as error:
        raise CassetteError(f"cassette {path}: cannot be written: {error.strerror}") from error


def set_aside_cut_off(path: Path) -> None:
    """Make a cut-off cassette fit to be appended to: what stands after its last whole take moves to FILE.cut-off."""
    with _alone(path):
        cut_at = read_cassette(path).cut_at
        if cut_at is None:
            return
        data = path.read_bytes()
        with path.with_name(path.name + CUT_OFF_SUFFIX).open("ab") as rest:
            rest.write(data[cut_at:] + b"\n")
        aside = _aside(path)
        aside.write_bytes(data[:cut_at])
        aside.replace(path)


def _rewrite(path: Path, lines: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        if path.exists():
            shutil.copyfile(path, aside)
        else:
            aside.write_bytes(write_line(encode_header()).encode("ascii"))
        with aside.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, whatever xdist does."""
    from filelock import FileLock

    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    with FileLock(Path(tempfile.gettempdir()) / f"pytest-swarm-cassette-{name}.lock"):
        yield
