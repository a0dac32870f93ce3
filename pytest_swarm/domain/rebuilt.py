"""How values with read-only mappings are copied and pickled; it knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any


class Rebuilt:
    """A base of frozen dataclasses that `copy` and `pickle` build anew from what their constructor takes.

    Their mappings are mostly `MappingProxyType`, which Python can neither copy in depth nor pickle.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type, dict[str, Any]]]:
        """Return what builds the value again, with its mappings as dicts."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.init}  # type: ignore[arg-type]
        return _build, (type(self), {name: _plain(value) for name, value in values.items()})


def _build(kind: type, values: Mapping[str, Any]) -> Any:
    return kind(**values)


def _plain(value: Any) -> Any:
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value
