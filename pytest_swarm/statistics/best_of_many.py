"""The gain of the best of several candidates over a reference, with bounds that pay for having chosen it.

A row holds the gains of one candidate, one value per independent unit (a job, or a family of jobs). Numbers in, numbers
out: what a gain is, and which candidate is preferred, is the caller's matter. docs/statistics.md says why the bounds
hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_swarm.statistics.families import Families, linearized
from pytest_swarm.statistics.intervals import t_quantile
from pytest_swarm.statistics.mean_bounds import WeightedValues, mean_bounds
from pytest_swarm.statistics.sample_size import planned_spread
from pytest_swarm.statistics.sign_flips import POWER, SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

FOLDS: Final = 5  # parts that the units are split into
SPLITS: Final = 40  # times that they are split
_DRAWS: Final = 2_999
_LEAST_DRAWS: Final = 799  # of which a level of 2.5 % leaves twenty
_MAX_CELLS: Final = 2_000_000  # sign vectors x units; with more units fewer are drawn
_BLOCK_CELLS: Final = 16_000  # that are drawn and multiplied at a time, for memory's sake
_LISTED_UNITS: Final = 12  # up to here all 2**n sign vectors are listed
_LEAST_LEVEL: Final = 1e-12  # for each of very many rows
_LEAST_FREEDOM: Final = 0.05  # where one family holds nearly all jobs
_TINY: Final = 1e-12
"""Below this share of its size a spread is rounding error."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GainTable:
    """Gains over the reference: one row per candidate, one column per unit, at least two of them.

    `step` is the smallest loss that one unit can show. `level` is the chance with which each side of an interval may be
    wrong. Where units are families of several sizes, `weights` are their w_g, and a row holds their parts w_g m_g
    (`Families`).
    """

    rows: tuple[tuple[float, ...], ...]
    step: float = 0.0
    level: float = 0.025
    weights: tuple[float, ...] = ()

    @classmethod
    def of_jobs(
        cls, rows: Iterable[Sequence[float]], families: Families, *, step: float = 0.0, level: float = 0.025
    ) -> GainTable:
        """Return the table of families of jobs.

        Args:
            rows: The gains of each candidate, one column per job.
            families: The family of each job.
            step: The smallest loss that each job of a family can show.
            level: The chance with which each side of an interval may be wrong.
        """
        return cls(rows=tuple(map(families.parts, rows)), step=step, level=level, weights=families.weights)

    @property
    def means(self) -> tuple[float, ...]:
        """Return the mean gain of each candidate."""
        return tuple(map(fmean, self.rows))

    @property
    def units(self) -> int:
        """Return the number of units."""
        return len(self.rows[0]) if self.rows else 0

    @property
    def student(self) -> float:
        """Return the quantile of Student's t that belongs to `level`, with the freedom of as many equal units.

        Families of several sizes count as G / mean(w_g^2) equal ones (Kish, Survey Sampling, 1965).
        """
        squares = fmean(weight * weight for weight in self.weights) if self.weights else 1.0
        return t_quantile(max(self.units / squares - 1, _LEAST_FREEDOM), 1 - 2 * self.level)

    def spread_values(self, row: int) -> tuple[float, ...]:
        """Return one value per unit whose standard error is that of the mean gain of a candidate.

        Args:
            row: The candidate.
        """
        return linearized(self.rows[row], self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFit:
    """The gain of choosing: each part of the units is judged under the choice that the other parts make.

    `shares` say how often each row was chosen, in [0, 1]; the rest is the reference itself.
    """

    gain: float
    shares: tuple[float, ...]


def shared_critical_value(table: GainTable) -> float:
    """Return the t that the largest of all rows' t statistics exceeds with a chance of `level` where no row gains.

    Where a row gains nothing, its values are as likely with the other sign. All rows of a unit change signs together,
    so what they have in common is kept (Westfall and Young, Resampling-Based Multiple Testing, 1993). For few
    units every sign vector is listed, the data themselves included; for more they are drawn.
    """
    import numpy as np

    rows = np.array(table.rows, dtype=np.float64)
    signs = _signs(table.units)
    means = np.concatenate([block @ rows.T for block in _blocks(signs)]) / table.units
    squares = (rows**2).mean(axis=1)
    spread = squares - means**2
    if table.weights:  # of part - weight * mean, with the signs that changed the mean
        weights = np.array(table.weights)
        weighed = np.concatenate([block @ (weights * rows).T for block in _blocks(signs)]) / table.units
        spread = squares - 2 * means * weighed + means**2 * float((weights**2).mean())
    variances = spread / (table.units - 1)
    flat = variances <= _TINY * np.maximum(squares, _TINY)
    ratios = np.where(flat, np.where(means > 0, np.inf, 0.0), means / np.sqrt(np.where(flat, 1.0, variances)))
    largest = np.sort(ratios.max(axis=1))
    found = float(largest[math.ceil((1 - table.level) * (len(largest) + 1)) - 1])
    return found * (1 + _ROUNDING)  # data that tie with it do not exceed it


def gain_bounds(table: GainTable, row: int, critical: float) -> tuple[float, float]:
    """Return lower and upper bound of the true mean gain of a row that was chosen for its gain.

    The lower bound pays for the choice, and the upper one need not: choosing the best raises what is seen. Each is the
    most careful one of two, the lower one of three. The first is mean -+ t * standard error, with the shared t for the
    lower bound and Student's for the upper one; t grows where the tail on that side is the longer one (Johnson, JASA 73
    (1978) 536). The second is the bound of a bounded mean (`mean_bounds`) with one more unit like the worst (best) one
    that was seen, or one `step`: it holds where few units differ, and where none does. The third is (1 - p) mean - p
    step, p = 1 - level^(1 / units), with the level that belongs to the shared t: among many rows, one that shows none
    of its rare losses is soon found.

    Args:
        table: The gains.
        row: The chosen candidate.
        critical: What `shared_critical_value` returned for the table.
    """
    values, mean = table.spread_values(row), table.means[row]
    error = _standard_error(values)
    span = max(table.step, *map(abs, values))
    data = WeightedValues(
        values=values,
        weights=[1.0] * len(values),
        low=min(-table.step, *values),
        high=max(table.step, *values),
    )
    low, high = mean_bounds(data, level=table.level) if span else (0.0, 0.0)
    unseen = 1 - _shared_level(table, critical) ** (1 / len(values))
    low = min(low, (1 - unseen) * mean - unseen * table.step)
    if not error:
        return min(low, mean), max(high, mean)
    student = table.student
    skewness = _skewness(values)
    lower = mean - (critical + _skew_term(-skewness, critical, len(values))) * error
    return min(low, lower), max(high, mean + (student + _skew_term(skewness, student, len(values))) * error)


def cross_fitted_gain(table: GainTable, guard: GainTable | None = None, *, allowed: float = 0.0) -> CrossFit:
    """Return the gain of taking the row with the best mean, or the reference where no mean is above 0.

    No unit is judged under a choice that it had a part in, so the mean over units flatters nobody. Its splits are
    seeded: the same gains give the same result.

    Args:
        table: The gains.
        guard: Gains of another kind, of which a row that is taken may lose `allowed` per job of the units that choose.
        allowed: The loss that the guard allows.
    """
    import numpy as np

    rows = np.array([*table.rows, (0.0,) * table.units], dtype=np.float64)
    kept = np.zeros_like(rows) if guard is None else np.array([*guard.rows, (0.0,) * table.units], dtype=np.float64)
    rng = np.random.default_rng([SEED, table.units, len(rows)])
    parts = min(FOLDS, table.units)
    weights = np.array(table.weights or (1.0,) * table.units)
    total, kept_total = rows.sum(axis=1), kept.sum(axis=1)
    gains: list[float] = []
    chosen = np.zeros(len(rows))
    for _ in range(SPLITS):
        order = rng.permutation(table.units)
        for part in range(parts):
            held = order[part::parts]
            sums = rows[:, held].sum(axis=1)
            weight = float(weights[held].sum())
            lost = kept_total - kept[:, held].sum(axis=1) < -(allowed + _TINY) * (table.units - weight)
            best = _best(np.where(lost, -np.inf, total - sums))
            gains.append(float(sums[best]))
            chosen[best] += weight
    cells = SPLITS * table.units
    return CrossFit(gain=math.fsum(gains) / cells, shares=tuple(float(each) / cells for each in chosen[:-1]))


def units_to_prove(table: GainTable, row: int, *, distance: float, critical: float) -> int | None:
    """Return how many units let a bound of the mean pass, in four of five samples, a limit that is `distance` away.

    n is the larger one of ((critical + z(POWER)) s / distance)^2, with s the upper limit of the standard deviation,
    and -ln(level) step / distance, with the level of `critical`, because units that all agree leave out no more than a
    rule of three.

    Args:
        table: The gains of a first sample.
        row: The candidate.
        distance: How far the true mean is from what the bound is to pass.
        critical: Standard errors from the mean to the bound.

    Returns:
        Units, at least 2; None where no number of them is enough.
    """
    if distance <= 0 or not math.isfinite(critical):
        return None
    needed = ((critical + NormalDist().inv_cdf(POWER)) * planned_spread(table.spread_values(row)) / distance) ** 2
    return max(2, math.ceil(needed), math.ceil(-math.log(_shared_level(table, critical)) * table.step / distance))


def _shared_level(table: GainTable, critical: float) -> float:
    """Return the chance with which Student's t exceeds a critical value: what is left of the level for each row."""
    from scipy.special import stdtr

    return min(table.level, max(_LEAST_LEVEL, float(stdtr(table.units - 1, -critical))))


def _best(sums: Floats) -> int:
    """The row of the largest sum; the reference, which is the last one, where no sum is clearly above 0."""
    best = int(sums[:-1].argmax())
    return best if sums[best] > _TINY else len(sums) - 1


def _skew_term(skewness: float, t: float, units: int) -> float:
    """Return by how much t grows where the tail towards the bound is the longer one: g (2 t^2 + 1) / (6 sqrt(n))."""
    return max(0.0, skewness) * (2 * t * t + 1) / (6 * math.sqrt(units)) if math.isfinite(t) else 0.0


def _skewness(values: Sequence[float]) -> float:
    """Return the third central moment over the second one to the power of 3/2."""
    middle = fmean(values)
    second = fmean((each - middle) ** 2 for each in values)
    third = fmean((each - middle) ** 3 for each in values)
    return float(third / second**1.5)


def _standard_error(values: Sequence[float]) -> float:
    error = stdev(values) / math.sqrt(len(values))
    return 0.0 if error <= _TINY * max(map(abs, values), default=0.0) else error


@lru_cache(maxsize=4)
def _signs(units: int) -> NDArray[np.int8]:
    """Sign vectors, shape (vectors, units), a byte a sign: all of them for few units, else drawn ones."""
    import numpy as np

    rng = np.random.default_rng([SEED, units])
    vectors = 2**units if units <= _LISTED_UNITS else max(_LEAST_DRAWS, min(_DRAWS, _MAX_CELLS // units))
    signs = np.empty((vectors, units), dtype=np.int8)
    first = 0
    for block in _blocks(signs):
        if units <= _LISTED_UNITS:
            flipped = (np.arange(first, first + len(block))[:, None] >> np.arange(units)) & 1
        else:
            flipped = rng.integers(0, 2, size=block.shape)
        block[:] = 1 - 2 * flipped
        first += len(block)
    return signs


def _blocks(signs: NDArray[np.int8]) -> Iterator[NDArray[np.int8]]:
    """Yield views of consecutive sign vectors, of at most `_BLOCK_CELLS` signs or one vector."""
    size = max(1, _BLOCK_CELLS // signs.shape[1])
    for first in range(0, len(signs), size):
        yield signs[first : first + size]
