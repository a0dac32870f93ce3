"""The ini file itself, where pytest has no public way in: values of native TOML, and all keys that it sets."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from warnings import catch_warnings, simplefilter

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.option_kinds import Axis, Flag, FlagOrWord, Many

if TYPE_CHECKING:
    from pytest_swarm.plugin.option_kinds import Option

_TABLES: Final = (("tool", "pytest", "ini_options"), ("tool", "pytest"), ("pytest",))
_SECTIONS: Final = ("pytest", "tool:pytest")
OTHER_TYPE: Final = (pytest.UsageError, TypeError, DeprecationWarning)
"""What `ini_value` raises for a value of another type than was registered."""


def ini_folder(config: pytest.Config) -> Path:
    """Return the folder from which paths of the ini file are read; without one, the root of the project."""
    return config.rootpath if config.inipath is None else config.inipath.parent


def ini_name(config: pytest.Config, key: str) -> str:
    """Return how messages call a key: with the file that sets it, or with -o where the command line does."""
    given = (each.partition("=")[0].strip() for each in config.option.override_ini or ())
    place = "-o" if key in given or config.inipath is None else config.inipath.name
    return f"{key} ({place})"


def ini_value(config: pytest.Config, key: str) -> object:
    """Return what pytest makes of a key; ValueError where nobody has registered it.

    Raises:
        UsageError, TypeError, DeprecationWarning: TOML gives another type than was registered, such as a list for a
            text. pytest 9 only warns of some, and pytest 10 refuses them.
    """
    with catch_warnings():
        simplefilter("error", DeprecationWarning)
        value: object = config.getini(key)
    return value


def native_value(row: Option[Any], config: pytest.Config, error: Exception) -> object:
    """Return a value of native TOML that pytest refused for its type: a number, or a list of numbers and texts.

    Args:
        row: The option.
        config: The session's configuration.
        error: Why pytest refused the value; raised as OptionError where the value is of no use to us either.
    """
    value = dict(_items(config.inipath)).get(row.dest)
    if row.bare is not None and isinstance(value, bool):
        return value
    if isinstance(row, Flag | FlagOrWord) or not all(map(_is_plain, value if isinstance(value, list) else [value])):
        reason = str(error).splitlines()[0].removeprefix(f"{config.inipath}: ").rstrip(".")
        raise OptionError(f"{ini_name(config, row.dest)}: {reason}; write {_what_is_taken(row)}") from error
    return value


def _what_is_taken(row: Option[Any]) -> str:
    """Return what may stand in the ini file for an option, in words."""
    if isinstance(row, Flag):
        return "true or false"
    if row.bare is not None:
        return "true, false, or a text"
    return "a text, a number, or a list of them" if isinstance(row, Axis | Many) else "a text or a number"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def ini_keys(inipath: Path | None) -> list[str]:
    """Return the keys that the ini file sets for pytest."""
    return [key for key, _ in _items(inipath)]


def _items(inipath: Path | None) -> Iterator[tuple[str, object]]:
    if inipath is None:
        return
    if inipath.suffix == ".toml":
        with inipath.open("rb") as file:
            document: object = tomllib.load(file)
        for table in _TABLES:
            yield from _inside(document, table)
        return
    from iniconfig import IniConfig

    for section in IniConfig(str(inipath)):
        if section.name in _SECTIONS:
            yield from section.items()


def _inside(document: object, table: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    for name in table:
        document = document.get(name) if isinstance(document, Mapping) else None
    if isinstance(document, Mapping):
        yield from document.items()
