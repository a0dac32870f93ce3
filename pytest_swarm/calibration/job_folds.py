"""How a measured profile predicts jobs that were not recorded: each job, by a profile from the recordings of others.

The jobs are parted into at most five folds, and each is predicted by the profile of the others (cross-validation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.calibration.calibrate import CalibrationDefaults, profile_of
from pytest_swarm.calibration.profile_check import ProfileCheck, check_profile, joined_checks
from pytest_swarm.ollama.cassette.takes import Take

_MOST_FOLDS: Final = 5  # each costs a measurement of nearly all recordings


def check_new_jobs(
    takes: Sequence[Take], defaults: CalibrationDefaults, *, seed: int | None = None
) -> ProfileCheck | None:
    """Return how jobs are predicted by the recordings of other jobs; None where no job can be.

    A fold is left out in which a model runs that the other jobs tell too little about.

    Args:
        takes: The recordings.
        defaults: What supplies the values that the recordings do not tell.
        seed: The seed of the recorded runs; None finds that of each.
    """
    jobs = sorted({take.case.job for take in takes})
    folds = [set(jobs[n::_MOST_FOLDS]) for n in range(min(_MOST_FOLDS, len(jobs)))]
    checks = [_checked_fold(takes, fold, defaults, seed) for fold in folds if len(folds) > 1]
    return joined_checks([check for check in checks if check is not None])


def _checked_fold(
    takes: Sequence[Take], fold: set[str], defaults: CalibrationDefaults, seed: int | None
) -> ProfileCheck | None:
    profile = profile_of([take for take in takes if take.case.job not in fold], defaults)
    held_out = [take for take in takes if take.case.job in fold]
    called = {row.model for take in held_out for row in take.exchanges if row.path == "/api/chat" and row.model}
    if profile is None or any(profile.model(tag) is None for tag in called):
        return None
    return check_profile(profile, defaults.fleet, held_out, seed=seed)
