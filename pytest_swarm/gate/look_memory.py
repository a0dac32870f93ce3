"""Writes looks at a growing run into the baseline file, and drops them when a look has decided."""

from __future__ import annotations

from pathlib import Path

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline
from pytest_swarm.gate.baseline_codec import write_baseline
from pytest_swarm.gate.evaluate import GateResult
from pytest_swarm.gate.looks import after_look, repeats_of
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.verdicts import Verdict


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
    later = after_look(baseline, run, undecided=result.undecided)
    if later is None:
        return ()
    try:
        write_baseline(later, file)
    except BaselineError as error:
        return (f"{error}; so a later look at this run with more repeats cannot be counted",)
    if not later.looks:
        return (f"baseline {shown}: the looks at this run are at an end, and were dropped from the file",)
    repeats = repeats_of(run)
    said = f"{repeats} repeat{'' if repeats == 1 else 's'}"
    return (f"baseline {shown} now remembers a look with {said}; one with more is judged more strictly",)
