"""Constants and rules that several rooms must agree on."""

from __future__ import annotations

from typing import Final

BUDGET_TOLERANCE_GB: Final = 1e-6  # a residency above the budget by more than this counts as a violation
CHARS_PER_TOKEN: Final = 4.0  # the usual rule of thumb for English text under BPE tokenizers


def full_name(name: str) -> str:
    """Return a model name with its tag, as a server lists it: `Gemma2` is `Gemma2:latest`."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def full_tag(tag: str) -> str:
    """Return the form of a model tag in which two names of one model are equal: with `:latest`, in lower case."""
    return full_name(tag).lower()


def base_node_id(node_id: str) -> str:
    """Return the node ID of a test without its parameters: `test_a.py::test_b` of `test_a.py::test_b[lp-h0-8GB]`."""
    return node_id.partition("[")[0]
