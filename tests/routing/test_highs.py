"""What HiGHS takes for whole, and what it has once per process: somebody else's thread scheduler, and a banner."""

from __future__ import annotations

import sys
from random import Random

import numpy as np
import pytest

from pytest_swarm.routing.highs import solve_mip
from pytest_swarm.routing.program import program_of
from tests.instances import matrix_view
from tests.programs import run_program

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

from tests.instances import WB1, view_of
from pytest_swarm.routing.base import RouterSetup
from pytest_swarm.routing.highs import solve_mip
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.program import program_of

view = view_of(WB1)
for threads in (1, 2):
    highspy.Highs.resetGlobalScheduler(True)
    run_highs(threads)
    program_of.cache_clear()
    assert solve_mip(program_of(view), stages=1, limit_s=None) is not None
    router = LpRouter.from_setup(RouterSetup(fleet=view.fleet))
    loaded = set(sys.modules)
    assert asyncio.run(router.route(view)).solver == "HIGHS"
    assert set(sys.modules) == loaded, "a decision imports nothing"
"""


def test_it_runs_beside_somebody_elses_scheduler() -> None:
    done = run_program(PROGRAM)
    assert done.returncode == 0, done.stderr


SILENT = """
import asyncio, ctypes, sys
from tests.instances import WB1, view_of
from pytest_swarm.routing.base import RouterSetup
from pytest_swarm.routing.mode_table import ModeTable

ctypes.CDLL(None).printf(b"from C, before\\n")
view = view_of(WB1)
{solve}
sys.stdout.write("from Python\\n")
sys.stdout.flush()
ctypes.CDLL(None).printf(b"from C, after\\n")
"""
SOLVES = {
    "lp": "asyncio.run(ModeTable({}).make('lp', RouterSetup(fleet=view.fleet)).route(view))",
    "highs": "from pytest_swarm.routing.highs import solve_mip; from pytest_swarm.routing.program import program_of;"
    "solve_mip(program_of(view), stages=1, limit_s=None)",
    "branch-and-bound": "from pytest_swarm.routing.branch_and_bound import branch_and_bound;"
    "from pytest_swarm.routing.program import program_of; branch_and_bound(program_of(view), limit_s=None)",
    "specification": "from pytest_swarm.routing.reference_program import specified_optimum;"
    "specified_optimum(view, staged=True)",
}

SOLVED_ALONE = f"from tests.instances import WB1, view_of; view = view_of(WB1); {SOLVES['highs']}"


@pytest.mark.skipif(sys.platform == "win32", reason="the program calls printf of the C library by its POSIX name")
@pytest.mark.parametrize("solve", SOLVES.values(), ids=SOLVES)
def test_nothing_but_our_own_output_reaches_standard_output(solve: str) -> None:
    done = run_program(SILENT.format(solve=solve))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["from C, before", "from Python", "from C, after"]


def test_a_closed_standard_output_does_no_harm() -> None:
    done = run_program("import os; os.close(1); " + SOLVED_ALONE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("over_gb", [2e-6, 5e-6])
def test_a_set_that_is_some_kilobytes_too_large_is_not_within_the_budget(over_gb: float) -> None:
    draw = Random(0)
    vram_gb = [draw.uniform(1, 9) for _ in range(12)]
    worth = [[1.0 if task % 6 == model else 0.1 * draw.random() for task in range(12)] for model in range(12)]
    budget_gb = sum(vram_gb[:6]) - over_gb  # of the six models that each stage would like to hold
    stages = [0] * 6 + [1] * 6
    view = matrix_view(worth, vram_gb=vram_gb, budget_gb=budget_gb, load=[0.01] * 12, stages=stages)
    found = solve_mip(program_of(view), stages=2, limit_s=None, gap=1e-4)
    assert found is not None
    assert (found.held @ np.array(vram_gb) <= view.limit_gb).all()
