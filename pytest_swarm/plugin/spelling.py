"""Misspelled names of options, ini keys, markers and their keywords: each is an error that gives the nearest name."""

from __future__ import annotations

import argparse
import copy
import difflib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.ini_file import OTHER_TYPE, ini_keys, ini_value
from pytest_swarm.plugin.option_kinds import DEST_PREFIX, FLAG_PREFIX
from pytest_swarm.plugin.options import ROWS

MARKERS: Final = ("swarm", "swarm_gate")
_ALIKE: Final = 0.7  # of difflib's ratio: two swapped letters in `swarm` give 0.8, `smoke` for `swarm` 0.4


def nearest(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return ` (did you mean X?)` for the known name most like the word; empty where none is like it.

    Args:
        word: The unknown name.
        known: The names that there are.
        prefix: What all of them begin with, which makes no two of them alike.
    """
    rest = [name.removeprefix(prefix) for name in known]
    found = difflib.get_close_matches(word.removeprefix(prefix), rest, n=1, cutoff=_ALIKE)
    return f" (did you mean {prefix}{found[0]}?)" if found else ""


def unknown_keyword(what: str, keyword: str, known: Sequence[str]) -> OptionError:
    """Return the error for a keyword that a marker does not take."""
    return OptionError(f"{what}: unknown keyword {keyword!r}{nearest(keyword, known)}; known are {', '.join(known)}")


def check_flags(parser: pytest.Parser, args: list[str], options: argparse.Namespace) -> None:
    """Raise UsageError for a `--swarm-...` option that neither the plugin nor a conftest.py has registered."""
    _, unknown = parser.parse_known_and_unknown_args(args, copy.copy(options))
    for flag in (each.partition("=")[0] for each in unknown):
        if flag.startswith(FLAG_PREFIX):
            hint = nearest(flag, [row.flag for row in ROWS], prefix=FLAG_PREFIX) or "; pytest --help lists the options"
            raise pytest.UsageError(f"{flag}: pytest-swarm has no such option{hint}")


def check_ini_keys(config: pytest.Config) -> None:
    """Raise UsageError for a `swarm_...` key that nobody has registered: of itself, pytest only warns of it."""
    overrides: list[str] = config.getoption("override_ini") or []
    given = [(str(config.inipath), key) for key in ini_keys(config.inipath)]
    given += [("-o", each.partition("=")[0].strip()) for each in overrides]
    for where, key in given:
        if key.startswith(DEST_PREFIX) and not _is_registered(config, key):
            hint = nearest(key, [row.dest for row in ROWS], prefix=DEST_PREFIX) or "; pytest --help lists the keys"
            raise pytest.UsageError(f"{where}: pytest-swarm has no ini key {key}{hint}")


def check_markers(item: pytest.Item) -> None:
    """Raise OptionError for a marker of a benchmark that nobody has registered and that is almost one of ours."""
    for marker in item.iter_markers():
        hint = "" if marker.name in MARKERS else nearest(marker.name, MARKERS)
        if hint and marker.name not in _registered_markers(item.config):
            raise OptionError(f"{item.nodeid}: @pytest.mark.{marker.name} is not a known marker{hint}")


def _registered_markers(config: pytest.Config) -> set[str]:
    lines: list[str] = config.getini("markers")
    return {line.partition(":")[0].partition("(")[0].strip() for line in lines}


def _is_registered(config: pytest.Config, key: str) -> bool:
    try:
        with suppress(*OTHER_TYPE):
            ini_value(config, key)
    except ValueError:  # pytest's word for "nobody has registered it"
        return False
    return True
