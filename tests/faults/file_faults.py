"""Rows of the fault matrix: files that are cut off, damaged, rewritten by others, or made to hurt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_swarm.errors import SwarmError
from tests.faults.fault_case import FaultCase, Place, Workshop
from tests.faults.file_samples import SAMPLES, FileSample

SENTENCE = "one sentence that names the file"
EXPECTED = {True: "read in full", False: SENTENCE, None: f"read as far as it is sound, or {SENTENCE}"}
UNCHANGED = "the file is as it was"
Damage = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFile:
    """A kind of file with one kind of damage; `is_read` says that it must be read all the same."""

    sample: FileSample
    damage: Damage
    is_read: bool | None

    def carry_out(self, workshop: Workshop) -> None:
        path = workshop.folder / self.sample.name
        data = self.damage(self.sample.data())
        path.write_bytes(data)
        sentence = refusal_of(self.sample, path)
        assert self.is_read is None or (sentence is None) is self.is_read, sentence
        if sentence is not None:
            assert self.sample.name in sentence
            assert len(sentence) <= 2000
            assert "\n" not in sentence
        assert path.read_bytes() == data


def refusal_of(sample: FileSample, path: Path) -> str | None:
    """The sentence with which a file is refused; None where it is read."""
    try:
        sample.read(path)
    except SwarmError as error:
        return str(error)
    return None


def deep(data: bytes) -> bytes:
    """The data with a value that is nested 100,000 times."""
    nested = b"[" * 100_000 + b"]" * 100_000
    if data.lstrip()[:1] not in (b"{", b"["):
        return b"deep = " + nested + b"\n" + data
    first, mark, rest = data.partition(b":")
    return first + mark + b" " + nested + b"," + rest


def digits(data: bytes) -> bytes:
    """The data with every whole number in it written with 5,000 digits."""
    out, run = bytearray(), False
    for byte in data:
        is_digit = 48 <= byte <= 57
        if is_digit and not run and (not out or out[-1:] in (b" ", b":", b"[", b"=")):
            out += b"9" * 5000
        elif not (is_digit and run):
            out.append(byte)
        run = is_digit
    return bytes(out)


DAMAGES: dict[str, tuple[Damage, bool | None]] = {
    "empty": (lambda _: b"", False),
    "cut in the middle": (lambda data: data[: len(data) // 2], None),
    "with a byte order mark": (lambda data: b"\xef\xbb\xbf" + data, True),
    "with Windows line ends": (lambda data: data.replace(b"\n", b"\r\n"), True),
    "in UTF-16": (lambda data: data.decode().encode("utf-16"), None),
    "of zeros": (lambda data: bytes(len(data)), False),
    "with 100,000 brackets": (deep, False),
    "with numbers of 5,000 digits": (digits, False),
}
OF_ANY_FILE = ("empty", "cut in the middle", "of zeros")  # the others damage texts


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    damaged = [
        FaultCase(
            name=f"{sample.what} {name}",
            place=Place.FILE,
            expected="read in full"
            if is_read
            else SENTENCE
            if is_read is False
            else f"read as far as it is sound, or {SENTENCE}",
            kept=UNCHANGED,
            carry_out=DamagedFile(sample=sample, damage=damage, is_read=is_read).carry_out,
            memory_mb=150,
        )
        for sample in SAMPLES
        for name, (damage, is_read) in DAMAGES.items()
        if sample.is_text or name in OF_ANY_FILE
    ]
    missing = [
        FaultCase(
            name=f"{sample.what} that is a folder, or not there",
            place=Place.FILE,
            expected=SENTENCE,
            kept="nothing is written",
            carry_out=_no_file(sample),
        )
        for sample in SAMPLES
    ]
    return (*damaged, *missing)


def _no_file(sample: FileSample) -> Callable[[Workshop], None]:
    def refused(path: Path) -> None:
        with pytest.raises(SwarmError) as error:
            sample.read(path)
        assert path.name in str(error.value)

    def carry_out(workshop: Workshop) -> None:
        refused(workshop.folder / f"no-{sample.name}")
        (workshop.folder / sample.name).mkdir()
        refused(workshop.folder / sample.name)

    return carry_out
