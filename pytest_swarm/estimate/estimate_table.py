"""The table of estimates: one matrix per estimate, models x tasks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pytest_swarm.errors import EstimateError

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class EstimateTable:
    """Estimates for I models and M tasks; row i is `models[i]`, column m is `tasks[m]`.

    `quality` P_im in [0, 1]; `token_cost` C_im; `allowed` is False where the model cannot take the task. All shaped
    (I, M). `latency` returns `latency_s`, which few modes ask for. `load_cost`, shape (I,), is load_time_ms / 1500: the
    switch cost S_i of a model that is not resident. `start`, shaped (I, M), is the quality on the task's type that the
    job began with, at difficulty 1; None where it is that of the fleet.
    Raises EstimateError for a figure that is not finite.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    quality: Matrix
    token_cost: Matrix
    latency: Callable[[], Matrix]
    allowed: Mask
    load_cost: Matrix
    start: Matrix | None = None

    def __post_init__(self) -> None:
        # a product is finite only where both factors are; it is faster than a look at each figure
        if not math.isfinite(np.vdot(self.quality, self.token_cost) + np.vdot(self.load_cost, self.load_cost)):
            for name in ("quality", "token_cost", "load_cost"):
                self._check(name, getattr(self, name))
        if self.start is not None and self.start is not self.quality:
            self._check("start", self.start)

    @cached_property
    def latency_s(self) -> Matrix:
        """The estimated seconds of each call, shape (I, M); zeros where the fleet names no speeds."""
        seconds = self.latency()
        self._check("latency_s", seconds)
        return seconds

    def _check(self, name: str, matrix: Matrix) -> None:
        if not (math.isfinite(np.vdot(matrix, matrix)) or np.isfinite(matrix).all()):  # a sum of squares is faster
            model = self.models[np.argwhere(~np.isfinite(matrix))[0][0]]
            raise EstimateError(f"estimate {name} of model {model!r} is not finite; check the fleet file's figures")
