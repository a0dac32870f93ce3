"""Programs of tests: `run_program` is a fork of the warm process, or `python -c` where there are no forks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Final

if sys.platform != "win32":
    from tests.warm_workers import run_program
else:

    def run_program(
        program: str, *, started: Callable[[int], object] = lambda _: None, limit_s: float = 120.0
    ) -> subprocess.CompletedProcess:
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            started(process.pid)
            try:
                said = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(program, process.returncode, *said)


NOBODY: Final = "127.0.0.1:9"  # the port of the discard service: no Ollama answers there

__all__ = ["NOBODY", "run_program"]
