"""pytest in a forked process that has imported what tests of any fault import: over a second of each process less."""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Final

FORKS: Final = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pytest", "hypothesis", "numpy", "scipy.stats", "scipy.optimize", "cvxpy", "highspy", "ollama", "jinja2"]
)  # of others only: the modules of this package hold the fault
_ENDED: Final = 100  # is added to pytest's exit status: a process that never came to run it ends with 1 too


def run_pytest(
    arguments: list[str], root: Path, *, limit_s: float, environment: dict[str, str]
) -> tuple[int | None, str]:
    """Return the exit status of pytest in the copy of the tree at `root`, and its output.

    Args:
        arguments: The command line of pytest.
        root: Where it is run, and where all modules of the tree are imported from.
        limit_s: The process is stopped after this time, and None is returned for its status.
        environment: Variables that are set for it, beside those that this process has now.
    """
    output = root / "output.txt"
    output.write_text("", encoding="utf-8")
    theirs = {**os.environ, "PYTHONPATH": str(root), **environment}
    process = FORKS.Process(target=_be_pytest, args=(arguments, root, output, theirs))
    process.start()
    process.join(limit_s)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
    return None if status is None else status - _ENDED, output.read_text(encoding="utf-8", errors="replace")


def _be_pytest(arguments: list[str], root: Path, output: Path, environment: dict[str, str]) -> None:
    """Do what `python -m pytest` does at `root`; nothing of the tree that this module comes from stays imported."""
    os.chdir(root)
    os.environ.clear()  # those of the server are of the moment at which it was started, by whichever test
    os.environ |= environment
    sys.path.insert(0, str(root))
    ours = {each.name for each in root.iterdir()}
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    with output.open("w", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    import pytest

    imported = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # plugins, which no test is about
    sys.exit(_ENDED + pytest.main(["-W", imported, *arguments]))
