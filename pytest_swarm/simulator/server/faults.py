"""Faults on demand: what goes wrong, for which model, how often. `busy:times=3`, `cut:model=phi4:14b,after=2`.

KIND[:key=value,...]
after=N     the first N calls that match go well (0)
times=N     so many calls are hit (all)
model=TAG   calls of this model only (any)
chance=P    each call that matches is hit with this probability, drawn from the server's seed (1)
seconds=S   of `slow`: how much later the answer comes (5)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from pytest_swarm.errors import OptionError, SwarmError
from pytest_swarm.simulator.server.hardware import full_name

SLOW_S: Final = 5.0


class FaultKind(StrEnum):
    """What can go wrong."""

    REFUSE = "refuse"  # the connection is refused, whatever is asked
    MISSING = "missing"  # 404: the model is not there
    LOAD_ERROR = "load-error"  # 500 when the model has to be loaded
    BUSY = "busy"  # 503: the queue is full
    CUT = "cut"  # the answer ends in the middle
    NO_DONE = "no-done"  # the answer comes without `done: true`
    HANG = "hang"  # no answer ever comes
    SLOW = "slow"  # the answer comes later
    GARBAGE = "garbage"  # the answer is no JSON
    HTML = "html"  # a web page, as from a proxy
    WRONG_MODEL = "wrong-model"  # the answer says that it is another model's
    CRASH = "crash"  # the model's runner dies while it answers; the next call loads it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, of `kind`; `times` None: every call that matches, `model` None: any model."""

    kind: FaultKind
    model: str | None = None
    after: int = 0
    times: int | None = None
    chance: float = 1.0
    seconds: float = SLOW_S


def parse_fault(text: str, *, error: type[SwarmError] = OptionError, what: str = "--swarm-fault") -> Fault:
    """The fault that `text` describes; `error` naming `what` for anything else."""
    kind_text, _, rest = text.partition(":")
    try:
        kind = FaultKind(kind_text.strip())
    except ValueError:
        known = ", ".join(kind.value for kind in FaultKind)
        raise error(f"{what}: {kind_text!r} is no fault; known are {known}") from None
    given: dict[str, str] = {}
    for item in filter(None, (item.strip() for item in rest.split(","))):
        key, equals, value = item.partition("=")
        if not equals or key not in _KEYS:
            raise error(f"{what}: {item!r} says nothing; write {', '.join(f'{key}=...' for key in _KEYS)}")
        given[key] = value.strip()
    try:
        return Fault(
            kind=kind,
            model=given.get("model"),
            after=_whole(given, "after", 0, least=0),
            times=_whole(given, "times", 1, least=1) if "times" in given else None,
            chance=_real(given, "chance", 1.0, most=1.0),
            seconds=_real(given, "seconds", SLOW_S, most=_MOST_S),
        )
    except ValueError as wrong:
        raise error(f"{what}: {text!r}: {wrong}") from wrong


class FaultSchedule:
    """Counts the calls that match each fault, and says which fault, if any, hits the next one."""

    def __init__(self, faults: tuple[Fault, ...], *, seed: int) -> None:
        self._faults = faults
        self._matched = [0] * len(faults)
        self._hits = [0] * len(faults)
        self._rng = Random(seed)

    @property
    def empty(self) -> bool:
        """Whether nothing can ever go wrong."""
        return not self._faults

    def next_fault(self, model: str | None, *, loads: bool) -> Fault | None:
        """The fault of a call for `model` (None: a call for none); `loads`: the model would have to be loaded."""
        chosen = None
        for number, fault in enumerate(self._faults):
            if not _matches(fault, model, loads=loads):
                continue
            self._matched[number] += 1
            spent = fault.times is not None and self._hits[number] >= fault.times
            if chosen is not None or spent or self._matched[number] <= fault.after:
                continue
            if fault.chance >= 1 or self._rng.random() < fault.chance:
                self._hits[number] += 1
                chosen = fault
        return chosen


def _matches(fault: Fault, model: str | None, *, loads: bool) -> bool:
    if fault.kind is FaultKind.REFUSE and fault.model is None:
        return True
    if model is None or (fault.kind is FaultKind.LOAD_ERROR and not loads):
        return False
    return fault.model is None or full_name(fault.model).lower() == full_name(model).lower()


_KEYS: Final = ("model", "after", "times", "chance", "seconds")
_MOST_S: Final = 1e6


def _whole(given: dict[str, str], key: str, default: int, *, least: int) -> int:
    text = given.get(key, str(default))
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{key} must be a whole number of at least {least}, not {text!r}")
    return int(text)


def _real(given: dict[str, str], key: str, default: float, *, most: float) -> float:
    text = given.get(key, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise ValueError(f"{key} must be a number from 0 to {most:g}, not {text!r}")
    return value
