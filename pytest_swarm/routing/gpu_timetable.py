"""One GPU as a timetable: calls run in slots, on models in VRAM; loading takes time, and room within the budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from pytest_swarm.domain.model import Model
from pytest_swarm.routing.list_schedule import Booking, earliest_gap


@dataclass(slots=True)
class _Stay:
    """A model in VRAM from `start` until `end`; while it may still stay, `end` is infinite."""

    tag: str
    start: float
    end: float = math.inf
    busy_until: float = 0.0


class GpuTimetable:
    """Books each task on the model with the earliest finish, with a load where that model is not in VRAM.

    Args:
        models: The models; of those of the same weights the one that stands for them.
        times_s: Task to the seconds that it takes on each model that may run it.
        limit_gb: The VRAM budget.
        slots: The number of calls at a time.
        resident: The models that are in VRAM at time 0.
    """

    def __init__(
        self,
        models: Iterable[Model],
        times_s: Mapping[str, Mapping[str, float]],
        *,
        limit_gb: float,
        slots: int,
        resident: frozenset[str],
    ) -> None:
        self._models = {model.tag: model for model in models}
        self._times_s = times_s
        self._limit_gb = limit_gb
        self._slots: list[list[tuple[float, float]]] = [[] for _ in range(slots)]
        self._stays = {  # by model, in their order: at most the last one has not ended
            tag: [_Stay(tag=tag, start=0.0 if tag in resident else _load_s(model))]
            for tag, model in self._models.items()
            if tag in resident or model.keep
        }
        self._last_load_s = 0.0
        self._shrink_to_budget()

    def occupy(self, running: Sequence[tuple[str, float]]) -> None:
        """Enter the calls that run at time 0, as model and seconds left: each has a slot, and its model stays."""
        for slot, (tag, left_s) in zip(self._slots, running, strict=False):
            slot.append((0.0, left_s))
            for stay in self._stays.get(tag, ()):
                stay.busy_until = max(stay.busy_until, left_s)

    def book(self, task: str, parents: Sequence[Booking]) -> Booking:
        """Book a task on the model with the earliest finish; of equals, without a load, then the least VRAM, the name.

        Args:
            task: The task.
            parents: The bookings of its parents; handing on an answer takes no time.
        """
        ready = max([each.finish for each in parents], default=0.0)
        best: _Offer | None = None
        for tag, duration in sorted(self._times_s[task].items(), key=itemgetter(1)):
            if best is not None and ready + duration > best.rank[0]:
                break  # neither this model nor a slower one can finish as early
            stays = self._stays.get(tag, [])
            offers = self._within(stays, duration, ready)
            if not stays or stays[-1].end != math.inf:
                loaded_s = self._last_load_s + _load_s(self._models[tag])
                if best is None or max(ready, loaded_s) + duration <= best.rank[0]:
                    offers.append(self._after_load(tag, duration, ready))
            for offer in offers:
                best = offer if best is None or offer.rank < best.rank else best
        assert best is not None  # each task has a model
        return self._take(task, best)

    def _within(self, stays: Sequence[_Stay], duration: float, ready: float) -> list[_Offer]:
        """Return the ways to run a task on a model while it is in VRAM."""
        offers = []
        for stay in stays:
            slot, start = self._slot(max(ready, stay.start), duration)
            if start + duration <= stay.end:
                rank = (start + duration, False, self._models[stay.tag].vram_gb, stay.tag)
                offers.append(_Offer(rank, slot, start, stay))
        return offers

    def _after_load(self, tag: str, duration: float, ready: float) -> _Offer:
        """Return the way to run a task on a model that is loaded for it, when the stays in its way have ended."""
        model, evicted = self._models[tag], self._evicted_for(tag)
        free_s = max([self._last_load_s, *[stay.busy_until for stay in evicted]])
        for stay in self._stays.get(tag, ()):
            free_s = max(free_s, stay.end)
        loaded_s = free_s + _load_s(model)
        slot, start = self._slot(max(ready, loaded_s), duration)
        return _Offer((start + duration, True, model.vram_gb, tag), slot, start, None, loaded_s, evicted)

    def _slot(self, ready: float, duration: float) -> tuple[int, float]:
        best, first = 0, math.inf
        for slot, busy in enumerate(self._slots):
            start = earliest_gap(busy, ready, duration)
            if start < first:
                best, first = slot, start
            if first <= ready:
                break
        return best, first

    def _evicted_for(self, tag: str) -> tuple[_Stay, ...]:
        """Return the stays that end for a load: those that are idle first, until the model fits."""
        present = [stays[-1] for stays in self._stays.values() if stays[-1].end == math.inf]
        free_gb = self._limit_gb - sum([self._models[stay.tag].vram_gb for stay in present])
        evicted: list[_Stay] = []
        for stay in sorted(present, key=lambda stay: (stay.busy_until, stay.tag)):
            if free_gb >= self._models[tag].vram_gb:
                break
            if not self._models[stay.tag].keep:
                evicted.append(stay)
                free_gb += self._models[stay.tag].vram_gb
        return tuple(evicted)

    def _take(self, task: str, offer: _Offer) -> Booking:
        finish, _, _, tag = offer.rank
        stay = offer.stay
        if stay is None:
            self._last_load_s = offer.loaded_s
            for leaving in offer.evicted:
                leaving.end = max(leaving.busy_until, offer.loaded_s - _load_s(self._models[tag]))
            stay = _Stay(tag=tag, start=offer.loaded_s)
            self._stays.setdefault(tag, []).append(stay)
        stay.busy_until = max(stay.busy_until, finish)
        self._slots[offer.slot] = _with_call(self._slots[offer.slot], (offer.start, finish))
        return Booking(task=task, processor=tag, start=offer.start, finish=finish)

    def _shrink_to_budget(self) -> None:
        """Leave out of the first residency what is over the budget."""
        for tag in sorted(self._stays, key=lambda tag: (self._models[tag].keep, tag)):
            if sum(self._models[each].vram_gb for each in self._stays) <= self._limit_gb:
                return
            del self._stays[tag]


def _load_s(model: Model) -> float:
    return model.load_time_ms / 1000


def _with_call(busy: list[tuple[float, float]], call: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the busy intervals with one more; intervals that touch are one, so that a full slot is searched fast."""
    joined: list[tuple[float, float]] = []
    for start, finish in sorted([*busy, call]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], finish)
        else:
            joined.append((start, finish))
    return joined


class _Offer(NamedTuple):
    """A way to run a task: `rank` is (finish, with a load, VRAM, tag), the smallest is taken; within a stay, or loaded.

    `evicted` are the stays that end for the load, `loaded_s` is when it ends.
    """

    rank: tuple[float, bool, float, str]
    slot: int
    start: float
    stay: _Stay | None
    loaded_s: float = 0.0
    evicted: tuple[_Stay, ...] = ()
