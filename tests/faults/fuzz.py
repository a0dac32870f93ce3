"""Mutants of every kind of file that is read: none may raise anything but a SwarmError.

    python -m tests.faults.fuzz [MUTANTS] [SEED] [KIND...]

prints, for each kind of file (all, or those that are named, such as "a policy"), how many mutants were read and how
many were refused. Exit status 1 where one raised anything else; its bytes are then kept in `fuzz-failures/`.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from pytest_swarm.errors import SwarmError
from tests.faults.file_samples import SAMPLES, FileSample

TOKENS: Final = (
    *(b"null", b"true", b"-1", b"0", b"1e400", b"-1e400", b"NaN", b"9" * 400, b"9" * 5000, b"0.1", b'""', b"[]", b"{}"),
    *(b'"\\ud800"', b"\xff\xfe", b"\xe2\x80\xa8", b"\x00", b"\n", b"\r", b'"', b"'", b"[" * 2000, b"{" * 2000, b"\\"),
    *(b"'''", b'"""', b"#", b"=", b":", b",", b"]", b"}", b"inf", b"1979-05-27", b"__proto__", b"../../etc/passwd"),
)
SHOWN: Final = 3  # failures that are printed of each kind
LONGEST: Final = 2000  # characters of a sentence


def mutant(data: bytes, rng: Random) -> bytes:
    """Return the data with one to four changes: bytes, tokens, lines and pieces put in, taken out, moved or doubled."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 1, 2, 8, 40, 400)))
        lines = data.splitlines(keepends=True)
        change = rng.randrange(9)
        if change == 0:
            data = data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
        elif change == 1:
            data = data[:at] + rng.choice(TOKENS) + data[at:]
        elif change == 2:
            data = data[:at] + rng.choice(TOKENS) + data[to:]
        elif change == 3:
            data = data[:at] + data[to:]
        elif change == 4:
            data = data[:at] + data[at:to] * rng.choice((2, 2, 3, 50)) + data[to:]
        elif change == 5:
            data = data[:at]
        elif change == 6 and lines:
            rng.shuffle(lines)
            data = b"".join(lines)
        elif change == 7 and lines:
            data = b"".join((*lines, rng.choice(lines)))
        else:
            data = _value_replaced(data, rng)
    return data


def _value_replaced(data: bytes, rng: Random) -> bytes:
    """The data with the value behind one `:` or `=` replaced by a token."""
    places = [n for n, byte in enumerate(data) if byte in b":="]
    if not places:
        return data
    at = rng.choice(places) + 1
    end = next((n for n in range(at, len(data)) if data[n] in b",]}\n"), len(data))
    return data[:at] + rng.choice(TOKENS) + data[end:]


@dataclass(slots=True)
class Findings:
    """What became of the mutants of one kind of file."""

    read: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    examples: list[bytes] = field(default_factory=list)


def fuzz(sample: FileSample, mutants: int, *, seed: int) -> Findings:
    """Read so many mutants of a kind of file, and return what became of them.

    Args:
        sample: The kind of file.
        mutants: How many.
        seed: The same seed gives the same mutants.
    """
    rng, data, found = Random(f"{sample.name}/{seed}"), sample.data(), Findings()
    with TemporaryDirectory() as folder:
        path = Path(folder) / sample.name
        for _ in range(mutants):
            changed = mutant(data, rng)
            path.write_bytes(changed)
            try:
                sample.read(path)
            except SwarmError as error:
                found.refused += 1
                problem = _problem(str(error))
                if problem is not None:
                    _keep(found, problem, changed)
            except Exception as error:  # noqa: BLE001 - what may come is the question
                _keep(found, f"{type(error).__name__}: {error}"[:200], changed)
            else:
                found.read += 1
    return found


def _problem(sentence: str) -> str | None:
    if "\n" in sentence:
        return f"a sentence of several lines: {sentence[:100]!r}"
    return f"a sentence of {len(sentence)} characters" if len(sentence) > LONGEST else None


def _keep(found: Findings, failure: str, data: bytes) -> None:
    found.failures[failure] += 1
    if len(found.examples) < SHOWN:
        found.examples.append(data)


def main(arguments: list[str]) -> int:
    """Print the findings; return 1 where a mutant raised anything but a SwarmError."""
    mutants, seed = (*map(int, arguments[:2]), *(20_000, 0)[len(arguments) :])
    kinds, status = arguments[2:], 0
    for sample in (each for each in SAMPLES if not kinds or each.what in kinds):
        found = fuzz(sample, mutants, seed=seed)
        print(f"{sample.what}: {mutants} mutants, {found.read} read, {found.refused} refused", flush=True)
        for failure, count in found.failures.most_common(SHOWN):
            print(f"  {count} times {failure}")
            status = 1
        for number, data in enumerate(found.examples):
            kept = Path("fuzz-failures") / f"{number}-{sample.name}"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(data)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
