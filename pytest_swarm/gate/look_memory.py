"""Writes looks at a growing run into the baseline file, and drops them when a look has decided."""

from __future__ import annotations

from pathlib import Path

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline
from pytest_swarm.gate.baseline_change import change_baseline
from pytest_swarm.gate.looks import after_look, repeats_of
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.verdicts import GateResult, Verdict
from pytest_swarm.units import plural


def remember_look(baseline: Baseline, run: RunCases, result: GateResult, *, file: Path, shown: str) -> tuple[str, ...]:
    """Return what to say of the look, after it was stored in the baseline where it changes anything.

    Args:
        baseline: the stored results.
        run: the run that was judged.
        result: the verdicts on it.
        file: the baseline file.
        shown: its path as messages name it.
    """
    by_chance = [row for row in result.rows if not row.exact and row.verdict is not Verdict.NOT_COMPARABLE]
    if not by_chance or result.gate == "off":
        return ()  # a look at a reproducible run costs no error
    undecided = result.undecided
    if after_look(baseline, run, undecided=undecided) is None:
        return ()
    written: list[Baseline] = []

    def remember(stored: Baseline | None) -> Baseline | None:
        """Change the looks of the file as it is now; it may have been replaced while the run went on."""
        if stored is None or stored.cases != baseline.cases:
            return None
        later = after_look(stored, run, undecided=undecided)
        written.extend([] if later is None else [later])
        return later

    try:
        change_baseline(file, remember)
    except BaselineError as error:
        return (f"{error}; so a later look at this run with more repeats cannot be counted",)
    if not written:
        return (f"baseline {shown} was changed by others while this run went on, so its look is not kept there",)
    if not written[0].looks:
        return (f"baseline {shown}: the looks at this run are at an end, and were dropped from the file",)
    said = plural(repeats_of(run), "repeat")
    return (f"baseline {shown} now remembers a look with {said}; one with more is judged more strictly",)
