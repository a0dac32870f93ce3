"""Which collected tests are run, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.domain.record import CaseKey
from pytest_swarm.plugin.hooks import CASE

if TYPE_CHECKING:
    from pytest_swarm.plugin.session import SwarmSession
    from pytest_swarm.plugin.settings import Settings


def is_swarm(item: pytest.Item) -> bool:
    """Whether a test is a benchmark of ours."""
    return isinstance(item, pytest.Function) and CASE in item.fixturenames


def selected(items: list[pytest.Item], settings: Settings) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests to keep and to drop, by --swarm-only and --swarm-skip."""
    if not (settings.only or settings.skip):
        return items, []
    kept = [item for item in items if is_swarm(item) is not settings.skip]
    return kept, [item for item in items if is_swarm(item) is settings.skip]


def in_groups(items: list[pytest.Item], session: SwarmSession) -> list[pytest.Item]:
    """Under --swarm-carryover=group, jobs of one mode, horizon, budget and repeat in a row, in the order given.

    Anything else in the list stays where it is: the benchmarks are dealt out again over their own places.
    """
    grouped = [item for item in items if is_swarm(item) and session.axes_of(item).carryover == "group"]
    order: dict[object, list[pytest.Item]] = {}
    for item in grouped:
        assert isinstance(item, pytest.Function)
        order.setdefault(item.callspec.params[CASE], []).append(item)
    return _dealt(items, [item for group in order.values() for item in group])


def in_rounds(items: list[pytest.Item], session: SwarmSession) -> list[pytest.Item]:
    """Under --swarm-repeat=auto, the first repeats of all benchmarks, then the second ones, and so on."""
    if not session.settings.auto_repeat:
        return items
    benchmarks = [item for item in items if isinstance(item, pytest.Function) and is_swarm(item)]
    rounds: list[pytest.Function] = sorted(benchmarks, key=_repeat)
    return _dealt(items, rounds)


def _repeat(item: pytest.Function) -> int:
    key = item.callspec.params[CASE]
    assert isinstance(key, CaseKey), "the plugin parametrises this name itself"
    return key.repeat


def _dealt(items: list[pytest.Item], ordered: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items with those of `ordered` dealt out over their own places, in that order."""
    dealt, places = iter(ordered), set(ordered)
    return [next(dealt) if item in places else item for item in items]
