"""A policy as other tools read it. What a format cannot express stands in the file as a comment.

Names of models come from outside: YAML is written by its library, shell words are quoted, comments have one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pytest_swarm.decision.exports.litellm_config import litellm_config
from pytest_swarm.decision.exports.llama_swap_config import llama_swap_config
from pytest_swarm.decision.exports.ollama_script import ollama_script
from pytest_swarm.routing.policy_file import PolicyFile

EXPORTS: Final[Mapping[str, Callable[[PolicyFile], str]]] = MappingProxyType(
    {"llama-swap": llama_swap_config, "litellm": litellm_config, "ollama": ollama_script}
)
"""Format -> what writes it."""
