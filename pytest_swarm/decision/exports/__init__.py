"""A policy as other tools read it. What a format cannot express stands in the file as a comment.

Names of models come from outside: YAML is written by its library, shell words are quoted, comments have one line.
A format is imported when it is first written, so that the list of them costs no start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_swarm.routing.policy_file import PolicyFile


def _late(name: str) -> Callable[[PolicyFile], str]:
    """Return what imports `pytest_swarm.decision.exports.NAME` and calls its function of the same name."""

    def write(policy: PolicyFile) -> str:
        text: str = getattr(import_module(f"{__name__}.{name}"), name)(policy)
        return text

    return write


EXPORTS: Final[Mapping[str, Callable[[PolicyFile], str]]] = MappingProxyType(
    {"llama-swap": _late("llama_swap_config"), "litellm": _late("litellm_config"), "ollama": _late("ollama_script")}
)
"""Format -> what writes it."""
