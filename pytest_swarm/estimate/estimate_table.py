"""The table of estimates: one matrix per estimate, models x tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_swarm.errors import EstimateError

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimateTable:
    """Estimates for I models and M tasks; row i is `models[i]`, column m is `tasks[m]`.

    `quality` P_im in [0, 1]; `token_cost` C_im; `latency_s` estimated seconds of the call, zeros where the fleet
    names no speeds; `allowed` is False where the model cannot take the task. All shaped (I, M). `load_cost`, shape
    (I,), is load_time_ms / 1500: the switch cost S_i of a model that is not resident. `start`, shaped (I, M), is the
    quality on the task's type that the job began with, at difficulty 1; None where it is that of the fleet.
    Raises EstimateError for a figure that is not finite.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    quality: Matrix
    token_cost: Matrix
    latency_s: Matrix
    allowed: Mask
    load_cost: Matrix
    start: Matrix | None = None

    def __post_init__(self) -> None:
        own = (self.quality, self.token_cost, self.latency_s, self.load_cost)
        given = own if self.start is None else (*own, self.start)
        figures = np.concatenate(given, axis=None)
        if np.count_nonzero(np.isfinite(figures)) == figures.size:
            return
        for name, matrix in zip(("quality", "token_cost", "latency_s", "load_cost", "start"), given, strict=False):
            for at in np.argwhere(~np.isfinite(matrix))[:1]:
                model = self.models[at[0]]
                raise EstimateError(f"estimate {name} of model {model!r} is not finite; check the fleet file's figures")
