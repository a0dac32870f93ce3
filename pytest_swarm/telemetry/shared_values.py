"""Equal values of a run, held in memory once: what one step says of models and tasks, those of other modes say too.

The events of a job repeat names, estimates and answers in each step, mode and repeat. Sharing them halves the memory of
a large run, and changes nothing that can be read of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import msgspec

from pytest_swarm.domain.record import EstimateRow

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T", bound=Hashable)
_LIMIT: Final = 50_000  # values that are remembered; then it begins anew, so that a run without repeats costs no more


class Sharing(Protocol):
    """Gives a tuple that equals the one it is given, and that others may hold too."""

    def __call__(self, values: tuple[T, ...], /) -> tuple[T, ...]:
        """Return an equal tuple."""


@dataclass(slots=True)
class SharedValues:
    """The values that were seen last."""

    _seen: dict[object, Any] = field(default_factory=dict)
    _floats: dict[float | str, float] = field(default_factory=dict)

    def within(self, event: S) -> S:
        """Return an equal event whose fields are shared with earlier ones."""
        for known in (self._seen, self._floats):
            if len(known) > _LIMIT:
                known.clear()
        names = event.__struct_fields__
        return msgspec.structs.replace(event, **{name: self._of(getattr(event, name)) for name in names})

    def values(self, values: tuple[T, ...], /) -> tuple[T, ...]:
        """Return an equal tuple of values that compare by their type and fields: the one that was seen first."""
        known: tuple[T, ...] = self._seen.setdefault((tuple, values), values)
        return known

    def same(self, values: tuple[Any, ...], /) -> tuple[Any, ...]:
        """Return a tuple of the very same objects: the one that was seen first, which keeps their ids from others."""
        known: tuple[Any, ...] = self._seen.setdefault(array("Q", map(id, values)).tobytes(), values)
        return known

    def _of(self, value: Any) -> Any:
        """Return an equal value of the same types: the one that was seen first."""
        if type(value) is float:
            return self._floats.setdefault(value or str(value), value)  # 0.0 equals -0.0, and is another one
        if type(value) is int:
            return self._seen.setdefault(value, value)
        if isinstance(value, str):
            return self._seen.setdefault(value, value) if type(value) is str else value  # enums are shared already
        if isinstance(value, EstimateRow):
            return self._row(value)
        if isinstance(value, tuple):
            return self._tuple(value)
        if isinstance(value, Mapping):
            return self._map(value)
        return value

    def _row(self, row: EstimateRow) -> EstimateRow:
        known: EstimateRow | None = self._seen.get(row)
        if known is None:
            known = EstimateRow(
                task=self._of(row.task),
                model=self._of(row.model),
                quality=row.quality,
                token_cost=row.token_cost,
                utility=row.utility,
            )
            self._seen[known] = known
        return known

    def _tuple(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        shared = tuple(map(self._of, values))
        key = (tuple, tuple(map(type, shared)), shared)
        try:
            known: tuple[Any, ...] = self._seen.setdefault(key, shared)
        except TypeError:  # it holds a map, which has no hash
            return shared
        return known

    def _map(self, values: Mapping[Any, Any]) -> Mapping[Any, Any]:
        items = tuple((self._of(name), self._of(value)) for name, value in values.items())
        key = (Mapping, tuple(type(value) for _, value in items), items)
        try:
            known: Mapping[Any, Any] | None = self._seen.get(key)
        except TypeError:
            return MappingProxyType(dict(items))
        if known is None:
            known = self._seen[key] = MappingProxyType(dict(items))
        return known
