"""YAML as plain JSON values: the safe loader of PyYAML, without tags that make Python objects, dates or sets."""

from __future__ import annotations

from typing import Any, Final

import yaml

from pytest_swarm.documents import MAX_DEPTH
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json

_TWO_DOCUMENTS: Final = "but found another document"
MAX_VALUES: Final = 1_000_000  # aliases may repeat a part of a document many times over
_AS_TEXT: Final = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")


_SafeLoader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where libyaml is there


class _JsonLoader(_SafeLoader):  # type: ignore[misc]  # one of two classes
    """PyYAML's safe loader, in which dates and `=` are texts."""


_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag not in _AS_TEXT]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str, where: str) -> Json:
    """Return the value of a YAML text with one document.

    Args:
        text: The YAML text.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where the text is not YAML, or holds what JSON cannot.
    """
    try:
        value = yaml.load(text, Loader=_JsonLoader)  # a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark is not None else ""
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        if reason == _TWO_DOCUMENTS:
            reason = "it holds several documents; write each into a file of its own"
        raise GraphError(f"{where}: is not valid YAML: {reason}{place}") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # PyYAML: a tag on a wrong value
        raise GraphError(f"{where}: is not valid YAML: a value does not fit its tag ({error})") from error
    except RecursionError as error:
        raise GraphError(f"{where}: is not valid YAML: it is nested too deeply") from error
    return _Checker(where).plain(value, 0)


class _Checker:
    """Makes plain JSON of loaded YAML, and counts its values."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.count = 0

    def plain(self, value: Any, depth: int) -> Json:
        """Return the value, made of nothing but what JSON can hold."""
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_VALUES:
            raise GraphError(f"{self.where}: has more than {MAX_DEPTH} levels or {MAX_VALUES} values")
        if isinstance(value, dict):
            return {str(key): self.plain(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.plain(each, depth + 1) for each in value]
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if value - value == 0 else str(value)  # infinity and NaN are texts in JSON
        raise GraphError(f"{self.where}: a value of type {type(value).__name__} is not allowed")
