"""Families of values that chance moves together: the one place where the values of jobs become values of families.

With G families of n_g jobs, N jobs in all, family means m_g and the mean over jobs m, the mean m is a ratio of two sums
over families. Its error is that of the mean of u_g = m + w_g (m_g - m) with w_g = n_g G / N, the values of the
linearized ratio (Woodruff, JASA 66 (1971) 411; Cochran, Sampling Techniques, 1977, chapter 9A). The mean of the u_g is
m, and with one job in each family u_g is the job's value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

_TINY: Final = 1e-24
"""Mean squares below this are those of rounding errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """The family of each job by its number, from 0 in the order in which they come first."""

    numbers: tuple[int, ...]

    @classmethod
    def of(cls, keys: Sequence[Hashable]) -> Families:
        """Return the families of jobs: those with the same key are one.

        Args:
            keys: One key for each job.
        """
        known: dict[Hashable, int] = {}
        return cls(numbers=tuple(known.setdefault(key, len(known)) for key in keys))

    @property
    def count(self) -> int:
        """Return the number of families, G."""
        return len(set(self.numbers))

    @property
    def weights(self) -> tuple[float, ...]:
        """Return w_g = n_g G / N for each family, 1 in the mean; nothing where all families are of one size."""
        sizes = Counter(self.numbers)
        if len(set(sizes.values())) < 2:
            return ()
        return tuple(sizes[family] * len(sizes) / len(self.numbers) for family in range(len(sizes)))

    def parts(self, values: Sequence[float]) -> tuple[float, ...]:
        """Return w_g m_g for each family, (G / N) times the sum of its values: their mean is that over jobs.

        Args:
            values: One value for each job.
        """
        if self.count == len(self.numbers):
            return tuple(values)
        found: list[list[float]] = [[] for _ in range(self.count)]
        for family, value in zip(self.numbers, values, strict=True):
            found[family].append(value)
        return tuple(math.fsum(each) * len(found) / len(self.numbers) for each in found)


def equal_means_p_value(values: Sequence[float], families: Families) -> float:
    """Return the p-value of the hypothesis that all families have one mean: the F test of the analysis of variance.

    F is the mean square between families over that within (Fisher, Statistical Methods for Research Workers, 1925).

    Args:
        values: One value for each job.
        families: The family of each job.

    Returns:
        1 where one family holds all jobs, or each has one.
    """
    from scipy.special import fdtrc

    mean, total = fmean(values), len(values)
    sizes = Counter(families.numbers)
    between_freedom, within_freedom = len(sizes) - 1, total - len(sizes)
    if not between_freedom or not within_freedom:
        return 1.0
    means = [part * total / len(sizes) / sizes[n] for n, part in enumerate(families.parts(values))]
    within = math.fsum((value - means[n]) ** 2 for value, n in zip(values, families.numbers, strict=True))
    between = math.fsum(sizes[n] * (each - mean) ** 2 for n, each in enumerate(means))
    if between <= _TINY * total or within <= _TINY * total:  # rounding errors
        return 1.0 if between <= within else 0.0
    return float(fdtrc(between_freedom, within_freedom, between / between_freedom * within_freedom / within))


def linearized(parts: Sequence[float], weights: Sequence[float]) -> tuple[float, ...]:
    """Return u_g = m + w_g (m_g - m) for each family.

    Args:
        parts: w_g m_g, as `Families.parts` returns them.
        weights: w_g; nothing where all of them are 1.
    """
    if not weights:
        return tuple(parts)
    mean = fmean(parts)
    return tuple(part + mean * (1 - weight) for part, weight in zip(parts, weights, strict=True))
