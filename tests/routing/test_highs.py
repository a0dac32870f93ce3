"""HiGHS has one thread scheduler a process: whoever ran it before, ours must still run."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
import highspy, numpy as np

def run_highs(threads):
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", threads)
    highs.addVar(0.0, 1.0)
    highs.addRow(0.0, 1.0, 1, np.array([0], dtype=np.int32), np.array([1.0]))
    highs.run()

run_highs(int(sys.argv[1]))
from tests.instances import WB1, view_of
from pytest_swarm.routing.highs import solve_mip
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.program import program_of

view = view_of(WB1)
assert solve_mip(program_of(view), stages=1, limit_s=None) is not None
assert asyncio.run(LpRouter().route(view)).solver == "HIGHS"
"""


def test_it_runs_beside_somebody_elses_scheduler() -> None:
    for threads in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", PROGRAM, threads], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
