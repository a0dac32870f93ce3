"""Programs that tests run as forks end, or are ended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.programs import run_program


def test_a_program_tells_how_it_ended() -> None:
    done = run_program("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal 0 asks nothing there")
def test_a_program_that_hangs_is_ended() -> None:
    number: list[int] = []
    with pytest.raises(subprocess.TimeoutExpired):
        run_program("import time; time.sleep(60)", started=number.append, limit_s=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(number[0], 0)
