"""The models that a simulated server has on disk: names, copies, deletions, and what `tags` and `show` say of them."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.hardware import ModelSpec, full_name

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME: Final = re.compile(rf"(?:(?:(?:[A-Za-z0-9_][A-Za-z0-9_.:-]*/)?{_PART}/)?{_PART})(?::{_PART})?")
_REGISTRY: Final = "registry.ollama.ai/library/"


def is_valid_name(name: str) -> bool:
    """Whether `name` can name a model: [host/][namespace/]model[:tag]."""
    return _NAME.fullmatch(name) is not None


def long_name(name: str) -> str:
    """The name with registry, namespace and tag, as some errors write it."""
    return name if "/" in name else f"{_REGISTRY}{full_name(name)}"


class ModelLibrary:
    """The installed models by name, without regard to case."""

    def __init__(self, models: tuple[ModelSpec, ...]) -> None:
        self._models = {model.full_name.lower(): (model.full_name, model) for model in models}

    def find(self, name: str) -> tuple[str, ModelSpec] | None:
        """The listed name and the model, None where there is none."""
        return self._models.get(full_name(name).lower())

    def add(self, name: str, model: ModelSpec) -> None:
        """Give a model one more name."""
        self._models[full_name(name).lower()] = (full_name(name), model)

    def remove(self, name: str) -> bool:
        """Take a name away; False where there is none."""
        return self._models.pop(full_name(name).lower(), None) is not None

    def has_blob(self, digest: str) -> bool:
        """Whether some model's digest is `digest` (64 hex digits)."""
        return any(digest_of(model) == digest for _, model in self._models.values())

    def rows(self, modified_at: str) -> list[Json]:
        """The rows of `/api/tags`."""
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
    """The 64 hex digits that begin with the model's blob."""
    return (model.blob.lower() + hashlib.sha256(model.blob.encode()).hexdigest())[:64]


def details(model: ModelSpec) -> dict[str, Json]:
    """The `details` object. Every simulated model is of family llama; its size in parameters is told by its bytes."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": f"{_parameters(model) / 1e9:.1f}B",
        "quantization_level": "Q4_0",
    }


def show(name: str, model: ModelSpec, modified_at: str) -> dict[str, Json]:
    """The reply of `/api/show`."""
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
    """Parameters of the model, at the 4.5 bits that Q4_0 takes for each."""
    return max(1, round(model.size_bytes * 8 / 4.5))
