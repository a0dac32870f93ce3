"""Constants and rules that several rooms must agree on."""

from __future__ import annotations

from typing import Final, TypeGuard

BUDGET_TOLERANCE_GB: Final = 1e-6  # a residency above the budget by more than this counts as a violation


def is_family(family: object) -> TypeGuard[str | None]:
    """Return whether a value names a family of jobs, or none."""
    return family is None or (isinstance(family, str) and bool(family.strip()))


def family_fault(family: object) -> str:
    """Return the sentence that says why a value names no family of jobs."""
    return f"family is {family!r:.60}, but must be the name of the template that the jobs are variants of"


def base_node_id(node_id: str) -> str:
    """Return the node ID of a test without its parameters: `test_a.py::test_b` of `test_a.py::test_b[lp-h0-8GB]`."""
    return node_id.partition("[")[0]
