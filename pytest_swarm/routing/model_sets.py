"""All sets of models that fit the budget together: the search space of enumeration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.program import TIE, RoutingProgram, tie_key

_BLOCK = 1_000_000  # entries of the working array of `set_worth`: 8 MB, about a processor's cache
_FEW_ENTRIES = 10_000  # sets x models x tasks: up to here all members at once are faster than one pass per level
MAX_MODELS = 64  # a set is one word of 64 bits
_FAMILIES: Final = 16  # budgets and fleets whose sets are remembered

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """F sets over I models, by number of members: set 0 holds the pinned models only.

    `member` (F, I); set f is set `parent[f]` with model `added[f]`; `levels` are the slices of equal size after set
    0; `vram_gb` (F,); `bits` (F,) the set as a word, bit i for model i.
    """

    member: Mask
    parent: Index
    added: Index
    levels: tuple[slice, ...]
    vram_gb: Matrix
    bits: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.parent)


def sets_within(vram_gb: Matrix, limit_gb: float, pinned: Mask, *, at_most: int) -> Family | None:
    """Return every set that holds the pinned models and fits the limit.

    None where they are more than `at_most`, or models more than 64, or the pinned models alone are over the limit.

    Args:
        vram_gb: Footprints (I,) in GB.
        limit_gb: The budget with its tolerance, in GB.
        pinned: True for models that belong to every set, shape (I,).
        at_most: The largest number of sets to list.
    """
    models = len(vram_gb)
    base_gb = float(vram_gb[pinned].sum())
    if models > MAX_MODELS or base_gb > limit_gb:
        return None
    one = np.uint64(1) << np.arange(models, dtype=np.uint64)
    parent, added, gb = [np.zeros(1, dtype=np.intp)], [np.full(1, -1, dtype=np.intp)], [np.array([base_gb])]
    bits = [np.array([one[pinned].sum()], dtype=np.uint64)]
    levels: list[slice] = []
    start, total = 0, 1
    column = np.arange(models)
    while True:
        room = gb[-1][:, None] + vram_gb[None, :]
        grows = (room <= limit_gb) & (column[None, :] > added[-1][:, None]) & ~pinned[None, :]
        above, model = grows.nonzero()
        if not len(above):
            break
        if total + len(above) > at_most:
            return None
        parent.append(start + above)
        added.append(model)
        gb.append(room[above, model])
        bits.append(bits[-1][above] | one[model])
        start, total = total, total + len(above)
        levels.append(slice(start, total))
    words = np.concatenate(bits)
    return Family(
        member=(words[:, None] & one[None, :]) != 0,
        parent=np.concatenate(parent),
        added=np.concatenate(added),
        levels=tuple(levels),
        vram_gb=np.concatenate(gb),
        bits=words,
    )


@lru_cache(maxsize=_FAMILIES)
def smaller(family: Family, sets: int) -> Family:
    """Return the first sets of a family, which end with a level.

    Args:
        family: The family.
        sets: The number of sets.
    """
    return Family(
        member=family.member[:sets],
        parent=family.parent[:sets],
        added=family.added[:sets],
        levels=tuple(level for level in family.levels if level.stop <= sets),
        vram_gb=family.vram_gb[:sets],
        bits=family.bits[:sets],
    )


def sets_of(program: RoutingProgram, *, at_most: int) -> Family | None:
    """Return the sets within the budget of a program; None where they are more than `at_most`.

    They do not depend on the estimates, so those of the last budgets and fleets are remembered.

    Args:
        program: The program of a step.
        at_most: The largest number of sets to list.
    """
    return _family_of(program.vram_gb.tobytes(), program.limit_gb, program.pinned.tobytes(), at_most)


@lru_cache(maxsize=_FAMILIES)
def _family_of(vram_gb: bytes, limit_gb: float, pinned: bytes, at_most: int) -> Family | None:
    return sets_within(np.frombuffer(vram_gb), limit_gb, np.frombuffer(pinned, dtype=bool), at_most=at_most)


def worth_by_stage(family: Family, worth: Matrix, stages: Sequence[Mask | slice]) -> Matrix:
    """Return W_tf = sum_(m in stage t) max_(i in set f) worth_im, shape (T, F); -inf where a task finds no model.

    Each set extends its parent by one model, so a set costs one maximum per task; tasks go in blocks to bound memory.

    Args:
        family: The sets.
        worth: worth_im, shape (I, M); -inf where a model is not allowed.
        stages: For each stage, which tasks belong to it.
    """
    step = max(1, _BLOCK // len(family))
    if worth.shape[1] <= step and _one_each(stages, worth.shape[1]):
        return _best_worth(family, worth).T
    total = np.zeros((len(stages), len(family)))
    for start in range(0, worth.shape[1], step):
        best = _best_worth(family, worth[:, start : start + step])
        for stage, tasks in enumerate(stages):
            if isinstance(tasks, slice):
                within: Mask | slice = slice(max(0, tasks.start - start), max(0, tasks.stop - start))
            else:
                within = tasks[start : start + step]
            total[stage] += _row_sums(best[:, within])
        del best  # the next block then takes its place in the cache
    return total


def _one_each(stages: Sequence[Mask | slice], tasks: int) -> bool:
    """Return whether stages have one task each, as those of a chain."""
    return len(stages) == tasks and all(isinstance(each, slice) and each.stop - each.start == 1 for each in stages)


def _row_sums(part: Matrix) -> Matrix:
    """Return the sum of each row; contiguous, because the order of a sum decides its last digit."""
    return part[:, 0] if part.shape[1] == 1 else np.ascontiguousarray(part).sum(axis=1)


def _best_worth(family: Family, worth: Matrix) -> Matrix:
    """Return max_(i in set f) worth_im, shape (F, M); -inf where there is none."""
    if len(family) * worth.size <= _FEW_ENTRIES:
        best: Matrix = worth[_rows(family)].max(axis=0)
        if not family.bits[0]:  # no model is pinned
            best[0] = -np.inf
        return best
    best = np.empty((len(family), worth.shape[1]))
    best[0] = worth[family.member[0]].max(axis=0, initial=-np.inf)
    for level in family.levels:
        np.maximum(best[family.parent[level]], worth[family.added[level]], out=best[level])
    return best


@lru_cache(maxsize=_FAMILIES)
def _rows(family: Family) -> Index:
    """Return the rows of the models of each set, shape (K, F); a set of fewer than K models repeats its first."""
    sets = [np.flatnonzero(member).tolist() or [0] for member in family.member]
    most = max(map(len, sets))
    return np.array([rows + rows[:1] * (most - len(rows)) for rows in sets]).T


def best_set(program: RoutingProgram, family: Family) -> tuple[Mask, float] | None:
    """Return the best set (I,) for the whole horizon and its value; None where no set gives every task a model.

    Among equals (1e-10) fewest loads, then least VRAM, then the names.

    Args:
        program: The program of the step.
        family: The sets that fit the budget.
    """
    worth = worth_by_stage(family, program.worth, (slice(0, program.worth.shape[1]),))[0]
    value = worth - family.member @ program.entry_price
    best = float(value.max())
    if best == -np.inf:
        return None
    ties = (value >= best - TIE).nonzero()[0].tolist()
    winner = ties[0] if len(ties) == 1 else min(ties, key=lambda f: tie_key(program, family.member[f]))
    return family.member[winner], float(value[winner])


@lru_cache(maxsize=_FAMILIES)
def without(family: Family) -> tuple[tuple[Index, Index], ...]:
    """Return for each model i the numbers of the K_i sets that hold it beyond the pinned ones, and of those without it.

    Args:
        family: F sets over I models.

    Returns:
        I pairs of arrays of shape (K_i,); set `pair[1][k]` is set `pair[0][k]` without the model.
    """
    order = family.bits.argsort()
    words = family.bits[order]
    pairs = []
    for i in range(family.member.shape[1]):
        holding = (family.member[:, i] & ~family.member[0, i]).nonzero()[0]
        rest = family.bits[holding] ^ (np.uint64(1) << np.uint64(i))
        pairs.append((holding, order[np.searchsorted(words, rest)]))
    return tuple(pairs)
