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
    """The policy in use now; `assumed` says that nothing tells what is in use, so that it only stands for it.

    `instead_of` is the mode that the names of the modes alone would tell, where it lacks figures or cannot be used.
    """

    setting: PolicySetting
    assumed: bool = False
    instead_of: PolicySetting | None = None


def present_mode(presents: Mapping[float, PresentPolicy]) -> str:
    """Return the one mode that stands for what is done now at all budgets together: what tells it comes first.

    Args:
        presents: Budget -> the present policy there, for at least one.
    """
    return min(presents.values(), key=lambda each: (each.assumed, _rank(each.setting))).setting.mode


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
    A budget at which only policies were run that know the answers beforehand has none.

    Args:
        grouped: Budget -> the jobs of each policy.
        criteria: The figures that each job must have.
    """
    ranked = {budget_gb: settings for budget_gb, table in grouped.items() if (settings := _ranked(table))}
    plain = _plain_modes(ranked.values())
    named = {each: _first(settings, plain) or settings[0] for each, settings in ranked.items()}
    judged = {each: _with_figures(grouped[each], settings, criteria) for each, settings in ranked.items()}
    told = {each: first for each, settings in judged.items() if (first := _first(settings, plain)) is not None}
    usable = {
        each: [setting for setting in judged[each] if fault_of(grouped[each][setting]) is None]
        for each in ranked
        if each not in told
    }
    shared = _in_each([settings for settings in usable.values() if settings])
    found = dict(told)
    for each, settings in usable.items():
        found[each] = (shared or settings)[0] if settings else named[each]
    return {
        each: PresentPolicy(
            setting=setting,
            assumed=setting.mode not in plain,
            instead_of=None if setting.mode == named[each].mode else named[each],
        )
        for each, setting in found.items()
    }


def _in_each(lists: Sequence[Sequence[PolicySetting]]) -> list[PolicySetting]:
    """Return the policies that are in every list, in the order of the first one."""
    return [each for each in (lists[0] if lists else ()) if all(each in others for others in lists)]


def _ranked(grouped: Grouped) -> list[PolicySetting]:
    """Return the policies that could be in use, in the order in which they stand for what is done now."""
    return sorted((each for each in grouped if not in_hindsight(each)), key=_rank)


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
