"""The policy that others are compared with: what is done now, as `--against` names it or by rule, or a stand-in."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Final, TypeAlias

from pytest_swarm.decision.criteria import Criterion
from pytest_swarm.decision.measured_policies import (
    LEAST_SHARE,
    JobsByDigest,
    PolicySetting,
    complete_jobs,
    fault_of,
    in_hindsight,
)
from pytest_swarm.errors import OptionError
from pytest_swarm.units import format_gb

_PLAIN: Final = ("fixed", "single", "best-single")
"""What people do without a router, in this order: the present policy where none is named."""
_STAND_INS: Final = (*_PLAIN, "llm")
"""What stands for it where none of these tells; after them the modes in their order."""
_ALIKE: Final = ("fixed", "single")  # plan alike at every horizon
Grouped: TypeAlias = Mapping[PolicySetting, JobsByDigest]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentPolicy:
    """The policy in use now; `assumed` says that nothing tells what is in use, so that it only stands for it."""

    setting: PolicySetting
    assumed: bool = False


def present_mode(modes: Iterable[str]) -> str:
    """Return the mode that stands for what is done now, by the names of the modes alone.

    Args:
        modes: The modes that were run, at least one; those that know the answers beforehand stand for nothing else.
    """
    settings = [PolicySetting(mode=mode, horizon=0) for mode in modes]
    ranked = sorted(settings, key=lambda each: (in_hindsight(each), _rank(each)))
    return (_first(ranked, _plain_modes([ranked])) or ranked[0]).mode


def named_policy(grouped: Grouped, against: str, budget_gb: float) -> PresentPolicy:
    """Return the policy in use now that `--against` names.

    Args:
        grouped: The jobs of each policy at the budget.
        against: The option.
        budget_gb: The budget, for errors.

    Raises:
        OptionError: It was not run there, at several horizons, or knows the answers beforehand.
    """
    settings = sorted(grouped, key=lambda each: each.order)
    wanted = against.strip().lower()
    named = [each for each in settings if wanted in (each.mode.lower(), each.label.lower())]
    if not named:
        near = get_close_matches(wanted, [each.mode.lower() for each in settings], n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        known, where = ", ".join(dict.fromkeys(each.mode for each in settings)), format_gb(budget_gb)
        raise OptionError(f"--against: {against!r} was not run at {where}{hint}; modes that were run: {known}")
    if in_hindsight(named[0]):
        others = ", ".join(dict.fromkeys(each.mode for each in settings if not in_hindsight(each)))
        raise OptionError(
            f"--against: {against!r} knows the answers beforehand, so it cannot be in use now; other modes that "
            f"were run: {others or 'none'}"
        )
    if len(named) > 1 and _kind(named[0]) not in _ALIKE:
        labels = ", ".join(each.label for each in named)
        raise OptionError(f"--against: {against!r} was run at several horizons; name one of {labels}")
    return PresentPolicy(setting=named[0])


def present_policies(grouped: Mapping[float, Grouped], criteria: Sequence[Criterion]) -> dict[float, PresentPolicy]:
    """Return for each budget what people do without a router, or what stands for it.

    A plain mode tells it where it has figures for enough jobs. Elsewhere a policy that has them and can be used stands
    for it, the same one at all of these budgets where there is one. Where none can be used, it is the plain mode again.

    Args:
        grouped: Budget -> the jobs of each policy.
        criteria: The figures that each job must have.

    Raises:
        OptionError: Only policies that know the answers beforehand were run at a budget.
    """
    ranked = {budget_gb: _ranked(table) for budget_gb, table in grouped.items()}
    plain = _plain_modes(ranked.values())
    judged = {each: _with_figures(grouped[each], settings, criteria) for each, settings in ranked.items()}
    told = {each: first for each, settings in judged.items() if (first := _first(settings, plain)) is not None}
    usable = {
        each: [setting for setting in judged[each] if fault_of(grouped[each][setting]) is None]
        for each in grouped
        if each not in told
    }
    shared = _in_each([settings for settings in usable.values() if settings])
    found = {each: PresentPolicy(setting=first) for each, first in told.items()}
    for budget_gb, settings in usable.items():
        first = None if settings else _first(ranked[budget_gb], plain)
        offered = shared or settings if settings else ranked[budget_gb]
        found[budget_gb] = PresentPolicy(setting=first or offered[0], assumed=first is None)
    return found


def _in_each(lists: Sequence[Sequence[PolicySetting]]) -> list[PolicySetting]:
    """Return the policies that are in every list, in the order of the first one."""
    return [each for each in (lists[0] if lists else ()) if all(each in others for others in lists)]


def _ranked(grouped: Grouped) -> list[PolicySetting]:
    """Return the policies that could be in use, in the order in which they stand for what is done now."""
    settings = sorted((each for each in grouped if not in_hindsight(each)), key=_rank)
    if not settings:
        modes = ", ".join(dict.fromkeys(each.mode for each in grouped))
        raise OptionError(f"decide: only {modes} was run, which knows the answers beforehand; run mode fixed as well")
    return settings


def _rank(setting: PolicySetting) -> tuple[object, ...]:
    kind = _kind(setting)
    return _STAND_INS.index(kind) if kind in _STAND_INS else len(_STAND_INS), setting.order


def _plain_modes(ranked: Iterable[Sequence[PolicySetting]]) -> set[str]:
    """Return the plain modes of which no other one of their kind was run: two single models tell nothing."""
    modes: dict[str, set[str]] = {kind: set() for kind in _PLAIN}
    for each in chain(*ranked):
        modes.get(_kind(each), set()).add(each.mode)
    return {mode for found in modes.values() if len(found) == 1 for mode in found}


def _first(settings: Iterable[PolicySetting], modes: Container[str]) -> PolicySetting | None:
    return next((each for each in settings if each.mode in modes), None)


def _with_figures(
    grouped: Grouped, settings: Sequence[PolicySetting], criteria: Sequence[Criterion]
) -> list[PolicySetting]:
    """Return the policies that have figures for nearly as many jobs as the one that has most."""
    known = {each: len(complete_jobs(grouped[each], criteria)) for each in settings}
    return [each for each in settings if known[each] >= LEAST_SHARE * max(known.values())]


def _kind(setting: PolicySetting) -> str:
    return setting.mode.partition(":")[0]
