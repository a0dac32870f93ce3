"""Which cases a benchmark is run as, which of the collected tests are run, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_swarm.domain.limits import base_node_id, family_fault, is_family
from pytest_swarm.errors import NoBudgetError, OptionError
from pytest_swarm.plugin.options import ROWS, Options
from pytest_swarm.plugin.settings import Axes, Settings, axes_of_texts
from pytest_swarm.plugin.spelling import check_markers, unknown_keyword
from pytest_swarm.units import format_gb, plural

if TYPE_CHECKING:
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.plugin.option_kinds import Option
    from pytest_swarm.plugin.session_inputs import SessionInputs
    from pytest_swarm.routing.mode_table import ModeTable

_CASE_ID: Final = re.compile(
    r"^(?P<test>.*?::[^\[]*\[)(?P<mode>.+?)-(?:h\d+|flat)-[\d.]+GB(?:-t[\d.e+-]+\d)?(?:-r\d+)?(?=[-\]])"
)
CASE: Final = "swarm_case"
MARKER: Final = "swarm"
MOST_CASES: Final = 100_000  # of one test
VERSION: Final = "version"
FAMILY: Final = "family"  # the two keywords of the marker that are no options


def asks_for_case(item: pytest.Item) -> bool:
    """Return whether a test names `swarm_run`, also where pytest could not parametrize it."""
    return isinstance(item, pytest.Function) and CASE in item.fixturenames


def is_swarm(item: pytest.Item) -> bool:
    """Return whether a test is a benchmark of ours, with a case.

    A method of a unittest.TestCase has none, nor has a test without a budget.
    """
    return asks_for_case(item) and hasattr(item, "callspec") and lacking_budget(item) is None


def lacking_budget(item: pytest.Item) -> NoBudgetError | None:
    """Return why a test that names `swarm_run` has no budget; None where it has one."""
    given = item.callspec.params.get(CASE) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    return given if isinstance(given, NoBudgetError) else None


def key_of(item: pytest.Item) -> CaseKey:
    """Return the case that a benchmark is run as."""
    from pytest_swarm.domain.record import CaseKey

    assert isinstance(item, pytest.Function), "a benchmark is a function"
    key = item.callspec.params[CASE]
    assert isinstance(key, CaseKey), "the plugin parametrizes this name itself"
    return key


def mode_of_id(node_id: str, known: ModeTable) -> str | None:
    """Return the routing mode of a benchmark by its node ID; None for any other test, also one of a like ID.

    Args:
        node_id: The node ID of a test.
        known: The routing modes of the session.
    """
    found = _CASE_ID.match(node_id)
    return None if found is None or not known.knows(found["mode"]) else found["mode"]


def workflow_of_id(node_id: str) -> str:
    """Return the node ID of a test without its case: what all cases of one workflow have in common."""
    return _CASE_ID.sub(r"\g<test>", node_id)


def axes_of_marker(args: tuple[object, ...], values: dict[str, object], *, known: ModeTable) -> Axes:
    """Return the axes of `@pytest.mark.swarm(...)`: texts as on the command line, single values, or lists of them."""
    keywords = (*(row.marker for row in ROWS if row.marker), VERSION, FAMILY)
    what = f"@pytest.mark.{MARKER}"
    if args:
        raise OptionError(f"{what} takes keywords only: {', '.join(keywords)}")
    for key in values:
        if key not in keywords:
            raise unknown_keyword(what, key, keywords)

    def text(row: Option[Any]) -> str | None:
        value = None if row.marker is None else values.get(row.marker)
        if value is None:
            return None
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    axes = axes_of_texts(text, what=lambda row: f"{what}({row.marker}=)", known=known)
    if axes.auto_repeat:
        raise OptionError(f"{what}(repeat=): auto belongs on the command line or in the ini file")
    version, family = values.get(VERSION), values.get(FAMILY)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise OptionError(f"{what}({VERSION}=): {version!r} is not a whole number of at least 0")
    if not is_family(family):
        raise OptionError(f"{what}({FAMILY}=): {family_fault(family)}")
    return replace(axes, version=version, family=family)


class Cases:
    """The cases of benchmarks, by command line, marker and ini file."""

    def __init__(self, inputs: SessionInputs) -> None:
        self._left_out: dict[str, str] = {}
        """Modes of `all` that the fleet cannot run, and why."""
        self._shortened = False
        """Whether a list of a marker or of the ini file counts with its first value only."""
        self._axes: dict[tuple[int, ...], tuple[Axes, list[pytest.Mark]]] = {}
        """What was said by markers, by their identities; an identity is theirs only while they are held."""
        self._inputs = inputs
        self._settings = inputs.settings

    @property
    def remarks(self) -> list[str]:
        """Sentences on what is not run though somebody named it."""
        remarks = [f"left out of all: {reason}" for reason in self._left_out.values()]
        if self._shortened:
            remarks.append(
                f"without {Options.compare.flag} each benchmark runs once: lists of markers and of the ini file count "
                f"with their first value, and {Options.repeat.dest} does not"
            )
        return remarks

    def axes_of(self, item: pytest.Item) -> Axes:
        """Return what command line, the test's markers and ini say together."""
        markers = list(item.iter_markers(MARKER))  # mostly those of the function, which all of its cases share
        found = self._axes.get(tuple(map(id, markers)))
        if found is None:
            found = self._axes[tuple(map(id, markers))] = self._settings.axes(self._said_by(markers)), markers
        return found[0]

    def carryover_of(self, item: pytest.Item) -> Carryover:
        """Return whether a test's cases start from nothing, or from what their group has learned and loaded."""
        return self.axes_of(item).carryover or "case"

    def _said_by(self, markers: Iterable[pytest.Mark]) -> Axes:
        """Return what a test's markers say; the closest comes first."""
        said = Axes()
        for marker in markers:
            said = said.over(axes_of_marker(marker.args, dict(marker.kwargs), known=self._inputs.modes))
        return said

    def keys_of(self, item: pytest.Item) -> tuple[CaseKey, ...]:
        """Return every case of a benchmark: modes x horizons x budgets x weights of token cost x repeats.

        Raises:
            OptionError: A marker is not understood, or the test would run as more than 100,000 cases.
            NoBudgetError: The test has no budget, which is an error where it is to be run.
        """
        from pytest_swarm.domain.record import CaseKey

        check_markers(item)
        said = self._said_by(item.iter_markers(MARKER))
        self._shortened |= self._settings.shortens(said)
        axes = self._settings.axes(said)
        budgets_gb, weights = self._budgets_gb(axes, item.nodeid), _swept(axes)
        settings = len(axes.modes or ()) * len(axes.horizons or ()) * len(budgets_gb) * len(weights)
        count = settings * (axes.repeat or 1)
        if count > MOST_CASES:
            raise OptionError(
                f"{item.nodeid} would run as {count:,} cases (modes x horizons x budgets x weights x repeats), "
                f"and {MOST_CASES:,} are the most; give fewer of them"
            )
        return tuple(
            CaseKey(mode=str(mode), horizon=horizon, vram_budget_gb=budget, repeat=repeat, lambda_token=lambda_token)
            for mode in axes.modes or ()
            if not self._leaves_out(mode)
            for horizon in axes.horizons or ()
            for budget in budgets_gb
            for lambda_token in weights
            for repeat in range(1, (axes.repeat or 1) + 1)
        )

    def _leaves_out(self, mode: str) -> bool:
        """Return whether `all` names a mode that the fleet cannot run; one that is named itself is an error later."""
        from pytest_swarm.routing.mode_table import ModeOfAll

        if isinstance(mode, ModeOfAll) and "speeds" in self._inputs.modes.spec(mode).needs:
            reason = self._inputs.modes.lacks_speeds(mode, self._inputs.fleet)
            if reason is not None:
                self._left_out[str(mode)] = reason
        return isinstance(mode, ModeOfAll) and str(mode) in self._left_out

    def _budgets_gb(self, axes: Axes, test: str) -> tuple[float, ...]:
        """The budgets as numbers; `auto`, also the default, asks the GPU, and never invents one."""
        given = axes.budgets or ()
        budgets_gb = dict.fromkeys(self._inputs.gpu.budget_gb(test) if each == "auto" else each for each in given)
        named: dict[str, float] = {}
        for budget_gb in budgets_gb:
            other = named.setdefault(format_gb(budget_gb), budget_gb)
            if other != budget_gb:
                raise OptionError(
                    f"{Options.vram.flag}: {other!r} GB and {budget_gb!r} GB are both called {format_gb(budget_gb)}; "
                    "leave one of them out"
                )
        return tuple(budgets_gb)

    def ordered(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Return the tests in the order in which they are run; each that is no benchmark keeps its place."""
        return self._in_rounds(self._in_groups(self._by_workflow(items)))

    def _by_workflow(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """In a worker of xdist, the cases of one workflow in a row, so that one worker gets them."""
        if not self._inputs.process.is_worker:
            return items
        return _dealt(items, chain(*_grouped(filter(is_swarm, items), workflow_of)))

    def _in_groups(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Under --swarm-carryover=group, jobs of one mode, horizon, budget and repeat in a row.

        Each group has its workflows in one order, that of their first cases, though a plugin shuffled the tests: what a
        job finds loaded and learned depends on the jobs before it.
        """
        grouped = [item for item in items if is_swarm(item) and self.axes_of(item).carryover == "group"]
        alike = list(chain(*_grouped(grouped, workflow_of)))
        return _dealt(items, chain(*_grouped(alike, key_of)))

    def _in_rounds(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Under --swarm-repeat=auto, the first repeats of all benchmarks, then the second ones, and so on."""
        if not self._settings.auto_repeat:
            return items
        return _dealt(items, sorted(filter(is_swarm, items), key=lambda item: key_of(item).repeat))


def _swept(axes: Axes) -> tuple[float | None, ...]:
    """The weights of token cost that are swept; None alone where there is one, which needs no place in the key."""
    weights = axes.lambda_tokens or ()
    return weights if len(weights) > 1 else (None,)


def selected(items: list[pytest.Item], settings: Settings) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the tests to keep and to drop, by --swarm-only, --swarm-skip and --swarm-shard."""
    kept = items
    if settings.only or settings.skip:
        kept = [item for item in kept if asks_for_case(item) is not settings.skip]
    if settings.shard is not None:
        shard = _in_shard(kept, settings.shard)
        kept = [item for item in kept if item in shard]
    there = frozenset(kept)
    return kept, [item for item in items if item not in there]


def workflow_of(item: pytest.Item) -> str:
    """Return what all cases of one workflow share: the id of the test without the case."""
    if not (isinstance(item, pytest.Function) and is_swarm(item)):
        return base_node_id(item.nodeid)
    key, parameters = key_of(item), item.callspec.id
    case = next((each for each in (f"{key.label}-r{key.repeat}", key.label) if each in parameters), "")
    return f"{base_node_id(item.nodeid)}[{parameters.replace(case, '', 1)}]"


def _in_shard(items: list[pytest.Item], shard: tuple[int, int]) -> frozenset[pytest.Item]:
    """Return the tests of one part: the workflows are dealt out, the largest first, each to the part with the least.

    Other machines deal out the other parts, so the order of the tests does not count: a plugin may shuffle them.
    """
    part, parts = shard
    workflows = _grouped(items, workflow_of)
    if items and len(workflows) < parts:
        raise OptionError(
            f"{Options.shard.flag}: {parts} parts of {plural(len(workflows), 'workflow')} would leave one empty; give "
            "fewer parts"
        )
    dealt: list[list[pytest.Item]] = [[] for _ in range(parts)]
    for group in sorted(workflows, key=lambda group: (-len(group), workflow_of(group[0]))):
        min(dealt, key=len).extend(group)
    return frozenset(dealt[part - 1])


def _grouped(items: Iterable[pytest.Item], key: Callable[[pytest.Item], object]) -> list[list[pytest.Item]]:
    """The items by what `key` returns, groups and items in the order given."""
    groups: dict[object, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _dealt(items: list[pytest.Item], ordered: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The items with those of `ordered` dealt out over their own places, in that order."""
    own = list(ordered)
    dealt, places = iter(own), set(own)
    return [next(dealt) if item in places else item for item in items]
