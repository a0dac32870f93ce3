"""Constants and rules that several rooms must agree on."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeGuard

BUDGET_TOLERANCE_GB: Final = 1e-6  # a residency above the budget by more than this counts as a violation
DEFAULT_REGISTRY: Final = "registry.ollama.ai/"  # what Ollama adds to a name without host ...
DEFAULT_NAMESPACE: Final = "library/"  # ... and then to one without namespace; it lists names without both


def full_name(name: str) -> str:
    """Return a model name with its tag, as a server lists it: `Gemma2` is `Gemma2:latest`."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


@lru_cache(maxsize=1024)  # a job asks for the forms of the same few tags some hundred times
def full_tag(tag: str) -> str:
    """Return the form of a model tag in which two names of one model are equal, as Ollama compares them.

    It is in lower case, with `:latest`, and without a scheme and the default registry and namespace:
    `https://registry.ollama.ai/library/Gemma2` is `gemma2:latest`. Other registries stay: `hf.co/team/model:latest`.
    """
    name = full_name(tag.strip()).lower()
    name = name.partition("://")[2] or name
    name = name.removeprefix(DEFAULT_REGISTRY)
    return name.removeprefix(DEFAULT_NAMESPACE) if name.count("/") == 1 else name


def is_family(family: object) -> TypeGuard[str | None]:
    """Return whether a value names a family of jobs, or none."""
    return family is None or (isinstance(family, str) and bool(family.strip()))


def family_fault(family: object) -> str:
    """Return the sentence that says why a value names no family of jobs."""
    return f"family is {family!r:.60}, but must be the name of the template that the jobs are variants of"


def base_node_id(node_id: str) -> str:
    """Return the node ID of a test without its parameters: `test_a.py::test_b` of `test_a.py::test_b[lp-h0-8GB]`."""
    return node_id.partition("[")[0]
