"""The installed models of a simulated server: names, copies, deletions, and the rows of `/api/tags`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pytest_swarm.domain.model_names import ModelName, parse_name
from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.template_check import template_fields

INSTALLED_S: Final = 1_764_547_200.0  # 2025-12-01, when the models were installed that are there at the start
DEFAULT_TEMPLATE: Final = "{{ .Prompt }}"
_CAPABILITIES: Final = {"tools": "tools", "suffix": "insert"}  # by the field of the template that gives it
VOCABULARY: Final = 32_000  # tokens that a model knows
_BITS_PER_PARAMETER: Final = 4.5  # of Q4_0
BAD_DIGEST: Final = "invalid digest format"
_DIGEST: Final = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_PARTS: Final = ("host", "namespace", "model", "tag")
_PARAMETER_UNITS: Final = ((1e9, "B"), (1e6, "M"), (1e3, "K"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryModel:
    """A model under one of its names, with what `/api/create` may add to the weights.

    `name` is the name as the server lists it. `parent` is the listed name of the model that it was made from,
    `modified_s` the time of the installation in seconds since 1970.
    """

    name: str
    spec: ModelSpec
    template: str = DEFAULT_TEMPLATE
    system: str = ""
    licenses: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    requires: str = ""
    renderer: str = ""
    parser: str = ""
    parent: str = ""
    modified_s: float = INSTALLED_S

    @property
    def capabilities(self) -> list[Json]:
        """What it can do: complete texts, and what its template has a field for."""
        fields = template_fields(self.template)
        return ["completion", *(what for field, what in _CAPABILITIES.items() if field in fields)]


class ModelLibrary:
    """The installed models by name; case, default host and default namespace do not matter."""

    def __init__(self, models: tuple[ModelSpec, ...]) -> None:
        names = _spelled_alike(tuple(model.name for model in models))
        pairs = zip(names, models, strict=True)
        self._uploads: set[str] = set()
        self._models = {name.key: LibraryModel(name=name.shortest, spec=model) for name, model in pairs}

    def find(self, name: str) -> LibraryModel | None:
        """Return the model of that name; None if the name is unknown."""
        return self._models.get(parse_name(name).key)

    def add(self, model: LibraryModel) -> None:
        """Add a model under its name, in place of another one of that name."""
        name = self.spelled(parse_name(model.name))
        self._models[name.key] = replace(model, name=name.shortest)

    def spelled(self, name: ModelName) -> ModelName:
        """Return a name with each part spelled as in the name of an installed model, where one has that part."""
        return _spelled(name, (parse_name(model.name) for model in self._models.values()))

    def remove(self, name: str) -> bool:
        """Remove a name; return False if it is unknown."""
        return self._models.pop(parse_name(name).key, None) is not None

    def add_upload(self, digest: str) -> None:
        """Remember that a blob of this digest (64 hex digits) was uploaded; its bytes are not kept."""
        self._uploads.add(digest)

    def has_blob(self, digest: str) -> bool:
        """Return whether a blob of this digest (64 hex digits) was uploaded, or is the weights of a model."""
        return digest in self._uploads or any(weights_digest(model.spec) == digest for model in self._models.values())

    def rows(self) -> list[Json]:
        """Return the rows of `/api/tags`: the latest second of installation first."""
        return [
            {
                "name": model.name,
                "model": model.name,
                "modified_at": rfc3339(model.modified_s),
                "size": model.spec.size_bytes,
                "digest": digest_of(model.spec),
                "details": {
                    **details(model.spec, parent=model.parent),
                    "context_length": model.spec.context_length,
                    "embedding_length": embedding_length(model.spec),
                },
                "capabilities": model.capabilities,
            }
            for model in sorted(self._models.values(), key=lambda model: -int(model.modified_s))
        ]


@lru_cache(maxsize=64)
def _spelled_alike(names: tuple[str, ...]) -> tuple[ModelName, ...]:
    """Return names, each with its parts spelled as in those before it."""
    spelled: list[ModelName] = []
    for name in names:
        spelled.append(_spelled(parse_name(name), spelled))
    return tuple(spelled)


def _spelled(name: ModelName, known: Iterable[ModelName]) -> ModelName:
    """Return a name with each part spelled as in a known one, where one has that part."""
    for each in known:
        pairs = [(part, getattr(name, part), getattr(each, part)) for part in _PARTS]
        other = {part: new for part, old, new in pairs if old != new and old.lower() == new.lower()}
        if other:
            name = replace(name, **other)
    return name


def digest_of(model: ModelSpec) -> str:
    """Return the digest by which a model is listed (64 hex digits).

    Models of the same weights have different ones where `/api/create` gave them other parameters or texts.
    """
    return whole_digest(model.manifest) if model.manifest else weights_digest(model)


def manifest_digest(model: LibraryModel) -> str:
    """Return the digest of a model that was made of another one (64 hex digits): equal for equal content."""
    layers = (weights_digest(model.spec), model.parent, model.template, model.system, model.licenses, model.messages)
    said = (model.requires, model.renderer, model.parser)
    told = json.dumps([repr((*layers, *said)), dict(model.spec.parameters)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def weights_digest(model: ModelSpec) -> str:
    """Return the digest of the file of weights: 64 hex digits that begin with the model's blob."""
    return whole_digest(model.blob)


def hex_digest(digest: str) -> str | None:
    """Return the 64 hex digits of a digest in a request; None if it is not valid."""
    found = _DIGEST.fullmatch(digest)
    return None if found is None else found[1]


def whole_digest(beginning: str) -> str:
    """Return 64 hex digits that begin with those of a profile."""
    return (beginning.lower() + hashlib.sha256(beginning.encode()).hexdigest())[:64]


def details(model: ModelSpec, *, parent: str = "") -> dict[str, Json]:
    """Return the `details` object: family llama, and the number of parameters that follows from the size.

    Args:
        model: The model.
        parent: The listed name of the model that it was made from.
    """
    return {
        "parent_model": parent,
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": _human_number(parameter_count(model)),
        "quantization_level": "Q4_0",
    }


def embedding_length(model: ModelSpec) -> int:
    """Return the width of the model's embedding that follows from its shape."""
    return model.kv_heads * model.head_dim


def parameter_count(model: ModelSpec) -> int:
    """Return the number of parameters that follows from the size of the weights."""
    return max(1, round(model.size_bytes * 8 / _BITS_PER_PARAMETER))


def _human_number(count: int) -> str:
    for unit, letter in _PARAMETER_UNITS:
        if count >= unit:
            return f"{count / unit:.1f}{letter}" if letter == "B" else f"{count / unit:.2f}{letter}"
    return str(count)
