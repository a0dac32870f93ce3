"""A good set of models without proof: filling by preference, then adding and swapping while that helps."""

from __future__ import annotations

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.program import TIE, RoutingProgram, tie_key, value_of

_MOVES = 100  # the most moves of a search; ten are typical


def fill(program: RoutingProgram, preference: Matrix, allowed: Mask) -> Mask:
    """Return the pinned models, and the allowed ones in order of preference as long as they fit; shape (I,).

    Args:
        program: The program of the step.
        preference: Higher comes first; models of 0 or less are left out; shape (I,).
        allowed: Models that may be added; shape (I,).
    """
    held = program.pinned.copy()
    free_gb = program.limit_gb - float(program.vram_gb[held].sum())
    for i in np.argsort(-preference, kind="stable").tolist():
        if allowed[i] and not held[i] and preference[i] > 0 and program.vram_gb[i] <= free_gb:
            held[i] = True
            free_gb -= float(program.vram_gb[i])
    return held


def improve(program: RoutingProgram, held: Mask, allowed: Mask) -> Mask:
    """Return the set after the best single additions, removals and swaps, one at a time, until none gains.

    Args:
        program: The program of the step.
        held: The set to start from, shape (I,).
        allowed: Models that may be added, shape (I,).
    """
    for _ in range(_MOVES):
        move = _best_move(program, held, allowed)
        if move is None:
            break
        out, into = move
        held = held.copy()
        if out is not None:
            held[out] = False
        if into is not None:
            held[into] = True
    return held


def _best_move(program: RoutingProgram, held: Mask, allowed: Mask) -> tuple[int | None, int | None] | None:
    """(model out, model in) of the largest gain, either None; None where nothing gains."""
    entry = program.entry_price
    now, least = value_of(program, held[None]), TIE
    if now == -np.inf:  # some task has no model yet: any set that gives each one is better
        now, least = 0.0, -np.inf
    free_gb = program.limit_gb - float(program.vram_gb[held].sum())
    outside = (allowed & ~held).nonzero()[0]
    best_gain = least * max(1.0, abs(now))
    best: tuple[int | None, int | None] | None = None
    for out in (None, *(held & ~program.pinned).nonzero()[0].tolist()):
        rest = held.copy()
        room_gb, saved = free_gb, 0.0
        if out is not None:
            rest[out] = False
            room_gb, saved = free_gb + float(program.vram_gb[out]), float(entry[out])
        base = program.worth[rest].max(axis=0, initial=-np.inf)
        kept = float(base.sum()) - float(entry[held].sum()) + saved
        if out is not None and kept - now > best_gain:
            best_gain, best = kept - now, (out, None)
        fitting = outside[program.vram_gb[outside] <= room_gb]
        if len(fitting):
            gains = np.maximum(program.worth[fitting], base).sum(axis=1) - entry[fitting]
            gains += -float(entry[held].sum()) + saved - now
            top = int(gains.argmax())
            if gains[top] > best_gain:
                best_gain, best = float(gains[top]), (out, int(fitting[top]))
    return best


def settle_ties(program: RoutingProgram, held: Mask) -> Mask:
    """Return the set of the same value that swapping single models leads to, first by loads, VRAM and names.

    Where models are alike in all that counts, this makes the answer independent of which of them a search met first.

    Args:
        program: The program of the step.
        held: The set found, shape (I,).
    """
    value = value_of(program, held[None])
    while (other := _tied_swap(program, held, value)) is not None:
        held = other
    return held


def _tied_swap(program: RoutingProgram, held: Mask, value: float) -> Mask | None:
    """Return a set with one other model that has the value and comes before; None where there is none."""
    for out in (held & ~program.pinned).nonzero()[0].tolist():
        base = held.copy()
        base[out] = False
        rest = program.worth[base].max(axis=0, initial=-np.inf)
        room_gb = program.limit_gb - float(program.vram_gb[base].sum())
        spent = float(program.entry_price[base].sum())
        for into in (~held & (program.vram_gb <= room_gb)).nonzero()[0].tolist():
            other = float(np.maximum(program.worth[into], rest).sum()) - spent - float(program.entry_price[into])
            trial = base.copy()
            trial[into] = True
            if abs(other - value) <= TIE and tie_key(program, trial) < tie_key(program, held):
                return trial
    return None
