"""One GPU as a timetable: calls run in slots, on models in VRAM; loading takes time, and room within the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_swarm.routing.list_schedule import Booking, earliest_gap


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuModel:
    """A model on the GPU: its footprint (GB), seconds of a load, and whether it may never be evicted."""

    tag: str
    vram_gb: float
    load_s: float
    pinned: bool = False


@dataclass(slots=True)
class _Stay:
    """A model in VRAM from `start` until `end`; while it may still stay, `end` is infinite."""

    tag: str
    start: float
    end: float = math.inf
    busy_until: float = field(default=0.0)


class GpuTimetable:
    """Books each task on the model with the earliest finish, with a load where that model is not in VRAM.

    Args:
        models: The models by tag.
        times_s: Task to the seconds that it takes on each model that may run it.
        limit_gb: The VRAM budget.
        slots: The number of calls at a time.
        resident: The models that are in VRAM at time 0.
    """

    def __init__(
        self,
        models: Mapping[str, GpuModel],
        times_s: Mapping[str, Mapping[str, float]],
        *,
        limit_gb: float,
        slots: int,
        resident: frozenset[str],
    ) -> None:
        self._models = models
        self._times_s = times_s
        self._limit_gb = limit_gb
        self._slots: list[list[tuple[float, float]]] = [[] for _ in range(slots)]
        self._stays = [
            _Stay(tag=tag, start=0.0 if tag in resident else model.load_s)
            for tag, model in models.items()
            if tag in resident or model.pinned
        ]
        self._last_load_s = 0.0
        self._shrink_to_budget()

    def occupy(self, running: Sequence[tuple[str, float]]) -> None:
        """Enter the calls that run at time 0, as model and seconds left: each has a slot, and its model stays."""
        for slot, (tag, left_s) in zip(self._slots, running, strict=False):
            slot.append((0.0, left_s))
            for stay in self._stays:
                if stay.tag == tag:
                    stay.busy_until = max(stay.busy_until, left_s)

    def book(self, task: str, parents: Sequence[Booking]) -> Booking:
        """Book a task on the model with the earliest finish; of equals, without a load, then the least VRAM, the name.

        Args:
            task: The task.
            parents: The bookings of its parents; handing on an answer takes no time.
        """
        ready = max((each.finish for each in parents), default=0.0)

        def rank(offer: _Offer) -> tuple[float, bool, float, str]:
            model = self._models[offer.tag]
            return (offer.finish, offer.evicted is not None, model.vram_gb, model.tag)

        offers = [offer for tag in self._times_s[task] for offer in self._offers(task, tag, ready)]
        return self._take(task, min(offers, key=rank))

    def _offers(self, task: str, tag: str, ready: float) -> list[_Offer]:
        """Return the ways to run a task on a model: within each of its stays, and after a load."""
        duration = self._times_s[task][tag]
        stays = [stay for stay in self._stays if stay.tag == tag]
        offers = []
        for stay in stays:
            slot, start = self._slot(max(ready, stay.start), duration)
            if start + duration <= stay.end:
                offers.append(_Offer(tag=tag, slot=slot, start=start, finish=start + duration, stay=stay))
        if all(stay.end < math.inf for stay in stays):
            evicted = self._evicted_for(tag)
            free_s = max((stay.busy_until for stay in evicted), default=0.0)
            loaded_s = max(free_s, self._last_load_s, *(stay.end for stay in stays), 0.0) + self._models[tag].load_s
            slot, start = self._slot(max(ready, loaded_s), duration)
            stay = _Stay(tag=tag, start=loaded_s)
            finish = start + duration
            offers.append(_Offer(tag=tag, slot=slot, start=start, finish=finish, stay=stay, evicted=evicted))
        return offers

    def _slot(self, ready: float, duration: float) -> tuple[int, float]:
        starts = [earliest_gap(busy, ready, duration) for busy in self._slots]
        slot = min(range(len(starts)), key=lambda n: starts[n])
        return slot, starts[slot]

    def _evicted_for(self, tag: str) -> tuple[_Stay, ...]:
        """Return the stays that end for a load: those that are idle first, until the model fits."""
        stays = [stay for stay in self._stays if stay.end == math.inf]
        free_gb = self._limit_gb - sum(self._models[stay.tag].vram_gb for stay in stays)
        evicted: list[_Stay] = []
        for stay in sorted(stays, key=lambda stay: (stay.busy_until, stay.tag)):
            if free_gb >= self._models[tag].vram_gb:
                break
            if not self._models[stay.tag].pinned:
                evicted.append(stay)
                free_gb += self._models[stay.tag].vram_gb
        return tuple(evicted)

    def _take(self, task: str, offer: _Offer) -> Booking:
        if offer.evicted is not None:
            self._last_load_s = offer.stay.start
            for stay in offer.evicted:
                stay.end = max(stay.busy_until, offer.stay.start - self._models[offer.tag].load_s)
            self._stays.append(offer.stay)
        offer.stay.busy_until = max(offer.stay.busy_until, offer.finish)
        self._slots[offer.slot] = _with_call(self._slots[offer.slot], (offer.start, offer.finish))
        return Booking(task=task, processor=offer.tag, start=offer.start, finish=offer.finish)

    def _shrink_to_budget(self) -> None:
        """Leave out of the first residency what is over the budget."""
        for stay in sorted(self._stays, key=lambda stay: (self._models[stay.tag].pinned, stay.tag)):
            if sum(self._models[each.tag].vram_gb for each in self._stays) <= self._limit_gb:
                return
            self._stays.remove(stay)


def _with_call(busy: list[tuple[float, float]], call: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the busy intervals with one more; intervals that touch are one, so that a full slot is searched fast."""
    joined: list[tuple[float, float]] = []
    for start, finish in sorted([*busy, call]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], finish)
        else:
            joined.append((start, finish))
    return joined


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A way to run a task: in a slot, within a stay. `evicted` are the stays that end for its load; None = no load."""

    tag: str
    slot: int
    start: float
    finish: float
    stay: _Stay
    evicted: tuple[_Stay, ...] | None = None
