"""Shrinkage of observed means to priors: how much a prior is worth, by the data themselves (docs/estimates.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.estimates_info import EstimateCount
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import ANY_TYPE
from pytest_swarm.estimate.scored_calls import CellKey, CellSums

LEAST_STRENGTH: Final = 1.0  # a prior is worth at least one answer: a strength from few cells is uncertain itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkTable:
    """Estimates of every model and type that was observed, and `strength`, the answers that a prior is worth.

    `strength` is infinite where the cells differ from their priors by no more than chance; None without any answer.
    `rest` is a model's estimate for a type that it was not observed on, and for which the fleet names no prior.
    """

    cells: Mapping[CellKey, EstimateCount]
    rest: Mapping[str, float]
    strength: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """The sums of a cell, its prior, and the share of chance that its deviation from the prior still has."""

    sums: CellSums
    prior: float
    free: float


def shrunk_table(sums: Mapping[CellKey, CellSums], fleet: Fleet) -> ShrunkTable:
    """Return the observed means, each shrunk to its prior.

    The prior is the fleet's capability for the type, or for `*`. Where the fleet names none, nobody has a belief: the
    prior is the mean of the model over all its answers.

    Args:
        sums: What was observed, by model and type; models that the fleet lacks are left out.
        fleet: The models, with their priors.
    """
    named = {full_tag(model.tag): model for model in fleet}
    known = {key: each for key, each in sums.items() if key.model in named and each.count}
    overall: dict[str, CellSums] = {}
    for key, each in known.items():
        overall[key.model] = overall.get(key.model, CellSums()).plus(each)
    cells: dict[CellKey, _Cell] = {}
    for key, each in known.items():
        given, whole = named_prior(named[key.model], key.type), overall[key.model]
        cells[key] = _Cell(
            sums=each,
            prior=_within(whole.mean) if given is None else given,
            free=1.0 - each.count / whole.count if given is None else 1.0,
        )
    strength = prior_strength(tuple(cells.values())) if cells else None
    return ShrunkTable(
        cells={key: _shrunk_cell(named[key.model].tag, key, cell, strength) for key, cell in cells.items()},
        rest={model: _within(whole.mean) for model, whole in overall.items()},
        strength=strength,
    )


def named_prior(model: Model, task_type: str) -> float | None:
    """Return the capability that a fleet names for a type, or for `*`; None where it names neither.

    Args:
        model: A model of the fleet.
        task_type: A word such as `math`.

    Returns:
        The share of right answers that is expected, 0 to 1.
    """
    return model.capabilities.get(task_type, model.capabilities.get(ANY_TYPE))


def prior_strength(cells: tuple[_Cell, ...]) -> float:
    """Return K = s2 / a, the number of answers that a prior is worth; infinite where a is not above 0.

    s2 = sum_c sum_j (x_cj - mean_c)^2 / sum_c (n_c - 1), the variance of answers within a cell; where no cell has two
    answers, m (1 - m) of the priors m. a = (sum_c n_c (mean_c - m_c)^2 - s2 sum_c f_c) / sum_c n_c f_c, the variance
    of true means around their priors, by moments. f_c is 1 for a prior that was given, and 1 - n_c / n where it is
    the model's own mean. For answers that are right or wrong, K is the beta-binomial's a + b.

    Buehlmann and Straub, Mitteilungen der Vereinigung schweizerischer Versicherungsmathematiker 70 (1970) 111;
    Kleinman, Journal of the American Statistical Association 68 (1973) 46, for proportions.
    """
    freedom = sum(cell.sums.count - 1 for cell in cells)
    if freedom:
        within = sum(cell.sums.scatter for cell in cells) / freedom
    else:
        within = sum(cell.prior * (1.0 - cell.prior) for cell in cells) / len(cells)
    weight = sum(cell.sums.count * cell.free for cell in cells)
    if weight <= 0.0:
        return math.inf
    spread = sum(cell.sums.count * (cell.sums.mean - cell.prior) ** 2 for cell in cells)
    between = (spread - within * sum(cell.free for cell in cells)) / weight
    return math.inf if between <= 0.0 else max(LEAST_STRENGTH, within / between)


def shrunk_mean(*, prior: float, mean: float, count: int, strength: float) -> float:
    """Return (K prior + n mean) / (K + n), clipped to [0, 1]; the prior itself for an infinite K.

    Args:
        prior: What is believed without answers.
        mean: The mean of the answers.
        count: n, how many there are.
        strength: K, the number of answers that the prior is worth.
    """
    return prior if math.isinf(strength) else _within((strength * prior + count * mean) / (strength + count))


def _shrunk_cell(tag: str, key: CellKey, cell: _Cell, strength: float | None) -> EstimateCount:
    assert strength is not None, "there are cells"
    mean, count = cell.sums.mean, cell.sums.count
    return EstimateCount(
        model=tag,
        type=key.type,
        mean=mean,
        count=count,
        prior=cell.prior,
        estimate=shrunk_mean(prior=cell.prior, mean=mean, count=count, strength=strength),
    )


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))
