"""Modes, budgets and horizons that the baseline has, and that a run of the same workflows has no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_swarm.domain.record import CaseKey
from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.units import format_gb, plural


def dropped_settings(elsewhere: Iterable[BaselineCase], run: RunCases) -> str | None:
    """Return a sentence on them; None where there are none. A workflow that was not run at all was not asked for.

    Args:
        elsewhere: The cases of the baseline that the run did not cover.
        run: The cases of the run.
    """
    setups = {each.setup for each in run.cases} | {each.setup for each in run.incomplete}
    jobs, keys = {each.job for each in setups}, {each.key for each in setups}
    lacking = [each.setup.key for each in elsewhere if each.setup.job in jobs and each.setup.key not in keys]
    if not lacking:
        return None
    counts = Counter(_named(key, keys) for key in lacking)
    named = ", ".join(f"{name} ({plural(count, 'case')})" for name, count in counts.items())
    return (
        f"of the workflows of this run, the baseline has settings that were not run: {named}; "
        "run them too, or delete the baseline and make it anew without them"
    )


def _named(key: CaseKey, keys: Iterable[CaseKey]) -> str:
    """Return what no case of the run has: the mode, the budget, the horizon, or else all of them together."""
    keys = tuple(keys)
    if all(each.mode != key.mode for each in keys):
        return f"mode {key.mode}"
    if all(each.vram_budget_gb != key.vram_budget_gb for each in keys):
        return f"VRAM {format_gb(key.vram_budget_gb)}"
    if all(each.horizon != key.horizon for each in keys):
        return f"horizon {key.horizon}"
    return key.label
