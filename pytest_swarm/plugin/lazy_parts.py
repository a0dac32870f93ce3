"""Parts of an object that are made when somebody first asks for them: whether one was, without making it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar, cast

Owner = TypeVar("Owner")
T = TypeVar("T")


def made(owner: Owner, part: Callable[[Owner], T]) -> T | None:
    """Return a part of an object; None where nobody has asked for it.

    Args:
        owner: The object.
        part: The cached property of its class; to the type checker, the method that makes it.
    """
    name = cast("cached_property[T]", part).attrname
    return cast("T | None", None if name is None else vars(owner).get(name))
