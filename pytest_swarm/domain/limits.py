"""Constants and rules that several rooms must agree on."""

from __future__ import annotations

from typing import Final, TypeGuard

BUDGET_TOLERANCE_GB: Final = 1e-6  # a residency above the budget by more than this counts as a violation
UNPLANNED_LOAD_S: Final = 0.25  # Ollama loads in steps of 250 ms; a call on a resident model reports at most 6 ms
_DIGEST_SHOWN: Final = 12  # characters, as `ollama list` shows


def short_digests(one: str, other: str) -> tuple[str, str]:
    """Return the beginnings of two digests of model files, in as many characters as tell them apart, 12 at least."""
    one, other = one.removeprefix("sha256:"), other.removeprefix("sha256:")
    alike = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    shown = max(_DIGEST_SHOWN, alike + 1)
    return one[:shown], other[:shown]


def is_family(family: object) -> TypeGuard[str | None]:
    """Return whether a value names a family of jobs, or none."""
    return family is None or (isinstance(family, str) and bool(family.strip()))


def family_fault(family: object) -> str:
    """Return the sentence that says why a value names no family of jobs."""
    return f"family is {family!r:.60}, but must be the name of the template that the jobs are variants of"


def base_node_id(node_id: str) -> str:
    """Return the node ID of a test without its parameters: `test_a.py::test_b` of `test_a.py::test_b[lp-h0-8GB]`."""
    return node_id.partition("[")[0]
