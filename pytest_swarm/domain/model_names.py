"""Names of models, as Ollama reads and compares them: [host/][namespace/]model[:tag], with defaults, in any case.

The rule is that of Ollama's `types/model/name.go`. Keys of recordings and stores are made by `full_tag`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pytest_swarm.errors import SwarmError

DEFAULT_HOST: Final = "registry.ollama.ai"
DEFAULT_NAMESPACE: Final = "library"
_DEFAULT_TAG: Final = "latest"
_MISSING: Final = "!MISSING!"  # in place of a part that is written but empty
_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """The four parts of a model's name; a part that the text leaves out has its default."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def valid(self) -> bool:
        """Whether each part has valid characters and a valid length."""
        parts = ((_HOST, self.host), (_NAMESPACE, self.namespace), (_PART, self.model), (_PART, self.tag))
        return all(pattern.fullmatch(part) for pattern, part in parts)

    @property
    def full(self) -> str:
        """All four parts, as some error messages have them."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def key(self) -> str:
        """The form in which two names of one model are equal: the shortest, in lower case."""
        return self.shortest.lower()

    @property
    def shortest(self) -> str:
        """The name without default host and namespace, always with its tag, as the server lists it."""
        if self.host.lower() != DEFAULT_HOST:
            return self.full
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"


@lru_cache(maxsize=1024)  # a job asks for the forms of the same few tags some hundred times
def full_tag(tag: str) -> str:
    """Return the form of a model's name in which two names of one model are equal, as Ollama compares them.

    It is in lower case, with `:latest`, and without a scheme and the default registry and namespace:
    `https://registry.ollama.ai/library/Gemma2` is `gemma2:latest`. Other registries stay: `hf.co/team/model:latest`.
    """
    return parse_name(tag.strip()).key


def checked_name(name: str, *, what: str, error: type[SwarmError]) -> str:
    """Return the name of a model; one that no server can have is refused.

    Args:
        name: The name, as somebody wrote it.
        what: Where it stands, as messages name that, such as `--swarm-judge`.
        error: The error to raise.
    """
    if not parse_name(name.strip()).valid:
        raise error(
            f"{what}: no server takes {name!r:.100} as the name of a model; write it as `ollama list` shows it, of the "
            "letters A to Z, digits, '_', '-' and '.': MODEL:TAG, USER/MODEL:TAG or HOST/USER/MODEL:TAG"
        )
    return name


@lru_cache(maxsize=128)
def parse_name(text: str) -> ModelName:
    """Return the parts of a name, without a scheme. A part that is written but empty is not valid."""
    path, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        path, tag = text, _DEFAULT_TAG
    before, slash, model = path.rpartition("/")
    host, second_slash, namespace = before.rpartition("/")
    return ModelName(
        host=_host(host) if second_slash else DEFAULT_HOST,
        namespace=(namespace or _MISSING) if slash else DEFAULT_NAMESPACE,
        model=(model or _MISSING) if slash or colon else model,
        tag=tag or _MISSING,
    )


def _host(text: str) -> str:
    """Return the host that is written before a namespace, without its scheme."""
    _, scheme, host = text.partition("://")
    return (host or DEFAULT_HOST) if scheme else (text or _MISSING)
