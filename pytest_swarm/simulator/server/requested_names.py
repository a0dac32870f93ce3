"""The model that a request means: blanks around a name and its suffix `:local` or `:cloud` are not part of the name.

A server without cloud refuses `NAME:cloud` and `NAME:TAG-cloud`, but keeps such names in its library.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from pytest_swarm.domain.model_names import ModelName, parse_name
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.request_error import RequestError

INVALID_NAME: Final = "invalid model name"
NO_CLOUD_MODEL: Final = "remote model is unavailable"
NO_CLOUD_DETAILS: Final = "remote model details are unavailable"
_CLOUD, _LOCAL = "cloud", "local"
_CLOUD_END: Final = "-cloud"


@lru_cache(maxsize=128)
def requested_name(text: str, *, unavailable: str = NO_CLOUD_MODEL) -> ModelName:
    """Return the name of the model that a request wants to use.

    Args:
        text: The name in the request.
        unavailable: What the server says of a model of the cloud.

    Raises:
        RequestError: The name is not valid (400), or that of a model of the cloud (403).
    """
    base, source = _split(text)
    name = _valid(base)
    if source == _CLOUD:
        raise RequestError(403, f"ollama cloud is disabled: {unavailable}")
    return name


def refuse_cloud_model(text: str, *, unavailable: str = NO_CLOUD_MODEL) -> None:
    """Raise RequestError 403 for a model of the cloud, and nothing for any other name.

    Args:
        text: The name in the request.
        unavailable: What the server says of a model of the cloud.
    """
    try:
        requested_name(text, unavailable=unavailable)
    except RequestError as refusal:
        if refusal.status == HTTPStatus.FORBIDDEN:
            raise


def stored_name(text: str) -> ModelName:
    """Return the name under which a model is kept, as `delete`, `pull` and `create` (`from`) read it.

    Raises RequestError 400 for a name that is not valid.
    """
    base, source = _split(text)
    if source == _CLOUD:
        tagged = ":" in base.rpartition("/")[2]
        base += _CLOUD_END if tagged else f":{_CLOUD}"
    return _valid(base)


def _valid(text: str) -> ModelName:
    name = parse_name(text)
    if not name.valid:
        raise RequestError(400, INVALID_NAME)
    return name


def _split(text: str) -> tuple[str, str]:
    """Return a name without its source, and the source: cloud, local or "". Raises RequestError for two sources."""
    name = text.strip()
    base, source = _split_once(name)
    if source and _split_once(base)[1]:
        raise RequestError(400, f"use either :local or :cloud, not both: {go_quoted(name)}")
    return base, source


def _split_once(text: str) -> tuple[str, str]:
    before, colon, tag = text.rpartition(":")
    suffix = tag.strip().lower()
    if colon and suffix in (_CLOUD, _LOCAL):
        return before, suffix
    if colon and "/" not in suffix and suffix.endswith(_CLOUD_END):
        return f"{before}:{tag.strip()[: -len(_CLOUD_END)]}", _CLOUD
    return text, ""
