"""The installed models of a simulated server: names, copies, deletions, and the rows of `/api/tags` and `/api/show`."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pytest_swarm.domain.limits import full_name, full_tag
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.hardware import ModelSpec

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME: Final = re.compile(rf"(?:(?:(?:[A-Za-z0-9_][A-Za-z0-9_.:-]*/)?{_PART}/)?{_PART})(?::{_PART})?")
_REGISTRY: Final = "registry.ollama.ai/library/"


def is_valid_name(name: str) -> bool:
    """Return whether a text is a valid model name: [host/][namespace/]model[:tag]."""
    return _NAME.fullmatch(name) is not None


def long_name(name: str) -> str:
    """Return the name with registry, namespace and tag, as some error messages have it."""
    return name if "/" in name else f"{_REGISTRY}{full_name(name)}"


class ModelLibrary:
    """The installed models by name; case does not matter."""

    def __init__(self, models: tuple[ModelSpec, ...]) -> None:
        self._models = {full_tag(model.name): (model.full_name, model) for model in models}

    def find(self, name: str) -> tuple[str, ModelSpec] | None:
        """Return the listed name and the model; None if the name is unknown."""
        return self._models.get(full_tag(name))

    def add(self, name: str, model: ModelSpec) -> None:
        """Add a name for a model.

        Args:
            name: The new name, with or without a tag.
            model: The model.
        """
        self._models[full_tag(name)] = (full_name(name), model)

    def remove(self, name: str) -> bool:
        """Remove a name; return False if it is unknown."""
        return self._models.pop(full_tag(name), None) is not None

    def has_blob(self, digest: str) -> bool:
        """Return whether a model has this digest (64 hex digits)."""
        return any(digest_of(model) == digest for _, model in self._models.values())

    def rows(self, modified_at: str) -> list[Json]:
        """Return the rows of `/api/tags`."""
        return [
            {
                "name": name,
                "model": name,
                "modified_at": modified_at,
                "size": model.size_bytes,
                "digest": digest_of(model),
                "details": details(model),
            }
            for name, model in self._models.values()
        ]


def digest_of(model: ModelSpec) -> str:
    """Return the digest: 64 hex digits that begin with the model's blob."""
    return (model.blob.lower() + hashlib.sha256(model.blob.encode()).hexdigest())[:64]


def details(model: ModelSpec) -> dict[str, Json]:
    """Return the `details` object: family llama, and the number of parameters that follows from the size."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": f"{_parameters(model) / 1e9:.1f}B",
        "quantization_level": "Q4_0",
    }


def show(name: str, model: ModelSpec, modified_at: str) -> dict[str, Json]:
    """Return the reply of `/api/show` for a model under its listed name; `modified_at` is RFC 3339.

    Args:
        name: The listed name.
        model: The model.
        modified_at: Time of the installation in RFC 3339.
    """
    shown: dict[str, Json] = {
        "modelfile": f"# Modelfile of a simulated model\nFROM {name}\n",
        "template": "{{ .Prompt }}",
        "details": details(model),
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": _parameters(model),
            "llama.block_count": model.layers,
            "llama.context_length": model.context_length,
            "llama.embedding_length": model.kv_heads * model.head_dim,
            "llama.attention.head_count": model.kv_heads,
            "llama.attention.head_count_kv": model.kv_heads,
        },
        "capabilities": ["completion"],
        "modified_at": modified_at,
    }
    if model.parameters:
        shown["parameters"] = "\n".join(f"{name:<30} {value}" for name, value in model.parameters.items())
    return shown


def _parameters(model: ModelSpec) -> int:
    """Return the number of parameters, at the 4.5 bits per parameter of Q4_0."""
    return max(1, round(model.size_bytes * 8 / 4.5))
