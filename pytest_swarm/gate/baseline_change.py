"""Changes of a baseline file that other processes may change as well: read, change and write are one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_swarm.errors import BaselineError
from pytest_swarm.files import FileLock
from pytest_swarm.gate.baseline import Baseline
from pytest_swarm.gate.baseline_codec import read_baseline, write_baseline


def change_baseline(path: Path, change: Callable[[Baseline | None], Baseline | None]) -> None:
    """Change the file as it is now, however it was when the run began.

    Args:
        path: the file.
        change: returns what to write in place of what is stored (None: there is no file), or None for no change.

    Raises:
        BaselineError: the file cannot be read or written, or `change` refuses it.
    """
    with _held(path):
        later = change(read_baseline(path) if path.exists() else None)
        if later is not None:
            write_baseline(later, path)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the file against other runs; they wait."""
    lock = FileLock(path.with_name(f".{path.name[:64]}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.wait()
    except OSError as error:
        raise BaselineError(f"baseline {path}: cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()
