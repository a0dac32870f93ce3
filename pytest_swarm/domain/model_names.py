"""Model names as the server reads them: [host/][namespace/]model[:tag], with defaults, regardless of case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

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
        """The form in which two names of one model are equal."""
        return self.full.lower()

    @property
    def shortest(self) -> str:
        """The name without default host and namespace, always with its tag, as the server lists it."""
        if self.host.lower() != DEFAULT_HOST:
            return self.full
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"


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
