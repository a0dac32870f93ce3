"""Scoring Python code: found in the answer, parsed, and, only when asked, run on the task's cases in the sandbox."""

from __future__ import annotations

from pytest_swarm.domain.expectation import PythonCode
from pytest_swarm.scoring.find_code import does_nothing, find_code
from pytest_swarm.scoring.verdict import RIGHT, Score, unscored, wrong

NO_CASES = "there is no case to run, so nothing is known of this code"


def score_code_statically(expected: PythonCode, text: str) -> Score:
    """1 where the answer holds code that parses and defines the entry point; nothing is run.

    0 for a function that does nothing. Unscored where the task has no cases: no run could tell right from wrong.
    """
    found = find_code(text, expected.entry_point)
    if found.code is None:
        return wrong(found.fault)
    if not expected.cases:
        return unscored(NO_CASES)
    if does_nothing(found.code, expected.entry_point):
        return wrong(f"{expected.entry_point} does nothing")
    return RIGHT


def score_code_by_running(expected: PythonCode, text: str, *, strict: bool = False) -> Score:
    """Share of `expected.cases` that the answer's code passes in the sandbox.

    Not pure: starts a process. Unscored where there is no case, and where the sandbox itself fails. With `strict`,
    code is run only where the kernel confines it. Raises ScoringError where there is no sandbox.
    """
    from pytest_swarm.scoring.sandbox.run_cases import run_cases

    found = find_code(text, expected.entry_point)
    if found.code is None:
        return wrong(found.fault)
    if not expected.cases:
        return unscored(NO_CASES)
    results = run_cases(found.code, expected, strict=strict)
    if results.broken is not None:
        return Score(value=None, detail=results.broken, layers=results.layers)
    faults = [f"case {number}: {fault}" for number, fault in enumerate(results.faults, 1) if fault is not None]
    total = len(results.faults)
    detail = "; ".join(faults[:3]) or None
    return Score(value=(total - len(faults)) / total, detail=detail, layers=results.layers)
