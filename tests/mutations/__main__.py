"""Put each fault into a scratch copy of the tree and run the tests that should notice it.

    python -m tests.mutations [WORD ...]

With words, only the faults whose names contain one of them. The checkout itself is never changed. Exit status 1 where
a fault survives, where its old text no longer stands exactly once in its place, or where the tests fail without it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutations.faults import FAULTS, Fault
from tests.mutations.forked_pytest import run_pytest

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("pytest_swarm", "tests", "benchmarks", "configs", "examples", "docs")
FILES: Final = ("pyproject.toml", "conftest.py", "README.md", "CHANGELOG.md")
PROCESSES: Final = 2
TESTS_FAILED: Final = 1  # pytest's exit status; any other but 0 means that the tests were not run
LIMIT_S: Final = 300  # of one fault: it may turn a loop into an endless one
ALL_LIMIT_S: Final = 3600  # of all test files without a fault, which no slow and busy machine needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a fault: `word` is killed, SURVIVED, NOT FOUND or NO TESTS; `name` is the fault's."""

    name: str
    word: str
    detail: str
    seconds: float

    @property
    def good(self) -> bool:
        return self.word in ("killed", "passed")


def place_of(fault: Fault, root: Path) -> Path | str:
    """Return the one file that holds the fault's old text, or why there is none."""
    where = root / "pytest_swarm" / fault.where
    if not where.exists():
        return f"pytest_swarm/{fault.where} does not exist"
    files = [where] if where.is_file() else sorted(where.rglob("*.py"))
    counts = {path: path.read_text(encoding="utf-8").count(fault.old) for path in files}
    found = sum(counts.values())
    if found != 1:
        return f"{fault.old!r} stands {found} times in pytest_swarm/{fault.where}; bring faults.py up to date"
    return next(path for path, count in counts.items() if count)


def try_fault(fault: Fault, root: Path) -> Outcome:
    """Return what the tests make of the fault in the scratch copy at `root`, which is whole again afterwards."""
    began_s = time.monotonic()

    def outcome(word: str, detail: str = "") -> Outcome:
        return Outcome(name=fault.name, word=word, detail=detail, seconds=time.monotonic() - began_s)

    place = place_of(fault, root)
    if isinstance(place, str):
        return outcome("NOT FOUND", place)
    tests = [f"tests/{name}" for name in fault.tests if (root / "tests" / name).is_file()]
    if not tests:
        return outcome("NO TESTS", f"none of {', '.join(fault.tests)} exists")
    right = place.read_text(encoding="utf-8")
    place.write_text(right.replace(fault.old, fault.new), encoding="utf-8")
    try:
        status, output = run_tests(tests, root, limit_s=LIMIT_S, thorough=False)
        if status == 0:  # most faults are noticed by what a plain run tries, in less time
            status, output = run_tests(tests, root, limit_s=LIMIT_S, thorough=True)
    finally:
        place.write_text(right, encoding="utf-8")
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if status in (TESTS_FAILED, None) or (status != 0 and failed):  # pytest may stumble over what a test left behind
        return outcome("killed", [*failed, "time limit"][0].partition(" - ")[0])
    if status == 0:
        return outcome("SURVIVED", f"no test in {', '.join(tests)} notices")
    return outcome("NO TESTS", f"pytest ended with {status}: {output[-500:]}")


def try_without(tests: list[str], root: Path) -> Outcome:
    """Return whether the tests pass where nothing is wrong: else a fault would seem to be noticed."""
    began_s = time.monotonic()
    status, output = run_tests(tests, root, limit_s=ALL_LIMIT_S, thorough=True)
    word, detail = ("passed", "") if status == 0 else ("FAILED", output[-2000:])
    name = f"no fault, {len(tests)} test files"
    return Outcome(name=name, word=word, detail=detail, seconds=time.monotonic() - began_s)


def run_tests(tests: list[str], root: Path, *, limit_s: float, thorough: bool) -> tuple[int | None, str]:
    """Return pytest's exit status and output; None as the status of a run that had to be stopped."""
    arguments = ["-x", "-q", "-p", "no:cacheprovider", *tests]
    return run_pytest(arguments, root, limit_s=limit_s, environment={"SWARM_THOROUGH": "1"} if thorough else {})


def copy_tree(to: Path) -> Path:
    """Return a scratch copy of what the tests need."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=ignore)
    for name in FILES:
        shutil.copy2(ROOT / name, to / name)
    return to


def try_all(faults: Sequence[Fault]) -> list[Outcome]:
    """Try the faults, several at a time, each in a copy of its own; print each outcome as it comes."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="swarm-mutations-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(PROCESSES):
            copies.put(copy_tree(Path(folder) / str(number)))

        def attempt(job: Callable[[Path], Outcome]) -> Outcome:
            root = copies.get()
            try:
                return job(root)
            finally:
                copies.put(root)

        tests = sorted(
            {f"tests/{name}" for fault in faults for name in fault.tests if (ROOT / "tests" / name).is_file()}
        )
        controls = [partial(try_without, tests[n::PROCESSES]) for n in range(PROCESSES) if tests[n::PROCESSES]]
        with ThreadPoolExecutor(PROCESSES) as pool:
            for outcome in pool.map(attempt, [*controls, *(partial(try_fault, fault) for fault in faults)]):
                print(f"{outcome.word:9}  {outcome.seconds:5.1f} s  {outcome.name}: {outcome.detail}", flush=True)
                outcomes.append(outcome)
    return outcomes


def main(words: list[str]) -> int:
    """Return 0 where every chosen fault is killed, else 1."""
    chosen = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    if not chosen:
        print(f"no fault is called anything like {', '.join(words)}")
        return 1
    began_s = time.monotonic()
    outcomes = try_all(chosen)
    killed = sum(each.word == "killed" for each in outcomes)
    print(f"{killed} of {len(chosen)} faults killed in {time.monotonic() - began_s:.0f} s")
    return 0 if all(each.good for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
