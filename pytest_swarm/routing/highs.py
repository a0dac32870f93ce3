"""The time-expanded program as arrays for HiGHS, used where models are too many to enumerate, and as a reference.

Columns: y (T, I) residency, z (T, I) loads, x (K, M) the allowed shares. Rows: one of x per task; x <= y of the task's
stage; VRAM per stage; z_t >= y_t - y_(t-1).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import highspy
import numpy as np
import numpy.typing as npt

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.estimate.estimate_table import Mask
from pytest_swarm.routing.base import RoutingError
from pytest_swarm.routing.program import RoutingProgram, Solution, needed, value_of

OUT_OF_TIME: Final = "the solver found no plan within its time limit; raise --swarm-solve-limit"
_HALF: Final = 0.5
_WHOLE: Final = 1e-9  # what y may lack of 1; by default 1e-6, and 30 GB are then 30 kB over the budget
_STDOUT: Final = 1  # the file descriptor that the C library writes to, whatever `sys.stdout` is
_LOCK: Final = threading.Lock()
Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HighsArrays:
    """A program in HiGHS's form: minimize cost.x with lower <= x <= upper and row_low <= A x <= row_high.

    A is compressed by rows: `start` of each, `index` and `value` of its entries. The first `binaries` columns are whole
    in an integer program.
    """

    cost: Numbers
    lower: Numbers
    upper: Numbers
    row_low: Numbers
    row_high: Numbers
    start: Whole
    index: Whole
    value: Numbers
    binaries: int = 0


def arrays_of(program: RoutingProgram, *, stages: int) -> HighsArrays:
    """Return the arrays of a program in HiGHS's form.

    Args:
        program: The program of the step.
        stages: Number of residencies: 1, or the program's own number of stages.
    """
    models, tasks = program.worth.shape
    stage = program.stage if stages > 1 else np.zeros(tasks, dtype=np.intp)
    ys = stages * models
    row, column = np.isfinite(program.worth).nonzero()
    pairs = len(row)
    x = 2 * ys + np.arange(pairs)
    by_task = np.lexsort((row, column))
    counts = np.bincount(column, minlength=tasks)
    fits = program.vram_gb <= program.limit_gb
    limit_gb = program.budget_gb + BUDGET_TOLERANCE_GB / 2  # the other half is for what HiGHS takes for whole
    price = np.tile(program.price, stages)
    first_free = np.zeros(ys)
    first_free[:models] = program.resident
    y, t_before = np.arange(ys), np.arange(models, ys)
    index = [x[by_task], np.stack([x, stage[column] * models + row], axis=1).ravel(), y]
    value = [np.ones(pairs), np.tile([1.0, -1.0], pairs), np.tile(program.vram_gb, stages)]
    lengths = [counts, np.full(pairs, 2), np.full(stages, models)]
    index += [np.stack([y[:models] + ys, y[:models]], axis=1).ravel()]
    value += [np.tile([1.0, -1.0], models)]
    index += [np.stack([t_before + ys, t_before, t_before - models], axis=1).ravel()]
    value += [np.tile([1.0, -1.0, 1.0], len(t_before))]
    lengths += [np.full(models, 2), np.full(len(t_before), 3)]
    return HighsArrays(
        cost=np.concatenate([np.zeros(ys), price, -program.worth[row, column]]),
        lower=np.concatenate([np.tile(program.pinned, stages), np.zeros(ys + pairs)]).astype(float),
        upper=np.concatenate([np.tile(fits, stages), np.ones(ys + pairs)]).astype(float),
        row_low=np.concatenate([np.ones(tasks), np.full(pairs + stages, -np.inf), -first_free]),
        row_high=np.concatenate([np.ones(tasks), np.zeros(pairs), np.full(stages, limit_gb), np.full(ys, np.inf)]),
        start=np.concatenate([[0], np.concatenate(lengths).cumsum()]).astype(np.int32),
        index=np.concatenate(index).astype(np.int32),
        value=np.concatenate(value),
        binaries=ys,
    )


def suppress_banner() -> None:
    """Let HiGHS print its license banner to the null device. Call it before CVXPY first uses HiGHS.

    HiGHS 1.16 prints the banner to the C library's standard output when its first object is made, before any option
    can be set. So the first object is made here, while file descriptor 1 points to the null device.
    """
    with _LOCK:  # two redirections at once would lose standard output for good
        _make_first_object()


@cache
def _make_first_object() -> None:
    _flush()
    try:
        saved = os.dup(_STDOUT)
    except OSError:  # the process has no standard output, so there is nothing to keep clean
        return
    try:
        with Path(os.devnull).open("wb") as void:
            os.dup2(void.fileno(), _STDOUT)
        highspy.Highs()  # type: ignore[no-untyped-call]  # highspy has no types
        _flush()
    finally:
        os.dup2(saved, _STDOUT)
        os.close(saved)


def _flush() -> None:
    """Write out what the C library has buffered."""
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    library.fflush(None)


def load_model(arrays: HighsArrays, *, integer: bool) -> Any:  # highspy is untyped
    """Return a HiGHS object with a program in it, which prints nothing and runs nothing in parallel: runs are alike.

    Args:
        arrays: The program.
        integer: Whether the residency is binary; else the relaxation.
    """
    suppress_banner()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(arrays.cost), len(arrays.row_low)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = arrays.cost, arrays.lower, arrays.upper
    lp.row_lower_, lp.row_upper_ = arrays.row_low, arrays.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = arrays.start, arrays.index, arrays.value
    if integer:
        whole, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole] * arrays.binaries + [real] * (len(arrays.cost) - arrays.binaries)
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy has no types
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("parallel", "off")  # not `threads`: HiGHS has one scheduler a process
    highs.passModel(lp)
    return highs


def solve_mip(
    program: RoutingProgram, *, stages: int, limit_s: float | None, gap: float = 0.0, start: Mask | None = None
) -> Solution | None:
    """Return the best residency that HiGHS finds within the limit, with its bound; None where there is none.

    Args:
        program: The program of the step.
        stages: Number of residencies: 1, or the program's own number of stages.
        limit_s: Time limit in seconds; None = no limit.
        gap: The relative gap to stop at.
        start: A residency (T, I) to start from.

    Raises:
        RoutingError: The limit passed before any plan was found.
    """
    highs = load_model(arrays_of(program, stages=stages), integer=True)
    highs.setOptionValue("mip_rel_gap", gap)
    highs.setOptionValue("mip_abs_gap", 0.0)
    highs.setOptionValue("mip_feasibility_tolerance", _WHOLE)
    if limit_s is not None:
        highs.setOptionValue("time_limit", limit_s)
    if start is not None:
        _hand_over(highs, start)
    highs.run()
    info = highs.getInfo()
    if highs.getModelStatus() in (
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
    ):
        return None
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        status = highs.modelStatusToString(highs.getModelStatus())
        raise RoutingError(f"the solver stopped without a plan ({status})" if limit_s is None else OUT_OF_TIME)
    models = len(program.tags)
    held = np.array(highs.getSolution().col_value[: stages * models]).reshape(stages, models) > _HALF
    held = needed(program, held)
    value = value_of(program, held)
    return Solution(held=held, value=value, bound=max(value, -info.mip_dual_bound), solver="HIGHS")


def _hand_over(highs: Any, start: Mask) -> None:
    flat = start.ravel().astype(float)
    highs.setSolution(len(flat), np.arange(len(flat), dtype=np.int32), flat)
