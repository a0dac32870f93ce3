"""A policy as other tools read it: the table of formats.

Names of models come from outside: YAML is written by its library, shell words are quoted, comments have one line.
`exported_policy` writes a file; importing the table costs no start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A format: its `name` in `--export`, the `tool` that reads the file, and what the `file` is to that tool.

    `module` is the one of this folder whose `write` makes the file. `one_copy`: models of the same weights take VRAM
    once there. `first_line` stands before the comments.
    """

    name: str
    tool: str
    file: str
    module: str
    one_copy: bool = True
    first_line: str = ""


_FORMATS: Final = (
    ExportFormat(
        name="llama-swap", tool="llama-swap", file="configuration", module="llama_swap_config", one_copy=False
    ),
    ExportFormat(name="litellm", tool="LiteLLM", file="configuration", module="litellm_config"),
    ExportFormat(name="ollama", tool="Ollama", file="settings", module="ollama_script", first_line="#!/bin/sh\n"),
)
EXPORTS: Final[Mapping[str, ExportFormat]] = MappingProxyType({each.name: each for each in _FORMATS})
"""Each format by its name in `--export`."""
