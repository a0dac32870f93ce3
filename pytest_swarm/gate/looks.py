"""Looks at a growing run: each further one has a smaller share of the error, so that a series of them keeps its level.

A look is a verdict on a run. Where it is undecided, the baseline keeps with how many repeats it was given; a later run
with more repeats is then a further look. Look k >= 2 has 1/(k (k - 1)) of the level of the first one. These shares sum
up to 1, so a series of any length is wrong at most twice as often as one look (Bonferroni; the way in which error is
spent over looks is that of Lan and DeMets, Biometrika 70 (1983) 659).
"""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.gate.baseline import Baseline
from pytest_swarm.gate.pairing import RunCases


def share_of_level(earlier: int) -> float:
    """Return which share of the level of a single look the look after `earlier` ones has."""
    return 1.0 / (earlier * (earlier + 1)) if earlier else 1.0


def repeats_of(run: RunCases) -> int:
    """Return how many repeats the cases of a run have, that of the largest number; 0 without cases."""
    return max((len({sample.repeat for sample in case.samples}) for case in run.cases), default=0)


def earlier_looks(baseline: Baseline, run: RunCases) -> int:
    """Return how many undecided looks the baseline remembers that had fewer repeats than this run.

    Args:
        baseline: The stored results, with the looks that they remember.
        run: The cases of the run.
    """
    repeats = repeats_of(run)
    return sum(each < repeats for each in baseline.looks)


def after_look(baseline: Baseline, run: RunCases, *, undecided: bool) -> Baseline | None:
    """Return the baseline as it should be stored after a look; None where it need not change.

    A decided look ends the series, so what was remembered of it is dropped. A run with fewer repeats than one
    that was looked at before has not grown from it: it is a run of its own, and changes nothing.

    Args:
        baseline: The stored results, with the looks that they remember.
        run: The cases of the run.
        undecided: Whether a verdict on it rests on too little data.
    """
    repeats = repeats_of(run)
    if repeats < max(baseline.looks, default=0):
        return None
    looks = tuple(sorted({*baseline.looks, repeats})) if undecided else ()
    return None if looks == baseline.looks else replace(baseline, looks=looks)
