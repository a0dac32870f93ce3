"""Faults of the simulated server: their kinds, their text form, and when each one occurs.

Examples: `busy:times=3`, `cut:model=phi4:14b,after=2`. Knows no HTTP; `fault_injection` carries the faults out.

KIND[:key=value,...]
after=N     the first N matching calls succeed (0)
times=N     number of calls that fail (all)
model=TAG   calls of this model only (any)
chance=P    probability that a matching call fails, drawn from the server's seed and the request (1)
seconds=S   delay of `slow` (5)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.errors import OptionError, SwarmError

SLOW_S: Final = 5.0


class FaultKind(StrEnum):
    """The kinds of faults."""

    REFUSE = "refuse"  # the connection is refused, for every request
    MISSING = "missing"  # 404: the model is not installed
    LOAD_ERROR = "load-error"  # 500 when the model has to be loaded
    BUSY = "busy"  # 503: the queue is full
    CUT = "cut"  # the reply ends in the middle
    NO_DONE = "no-done"  # the reply comes without `done: true`
    HANG = "hang"  # no reply is sent
    SLOW = "slow"  # the reply is delayed
    GARBAGE = "garbage"  # the reply is not JSON
    HTML = "html"  # a web page, as from a proxy
    WRONG_MODEL = "wrong-model"  # the reply names another model
    CRASH = "crash"  # the model's process dies while it generates; the next call reloads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and the calls that it applies to.

    `model` None: any model. `after`: matching calls that succeed first. `times`: calls that fail, None for all.
    `chance`: probability per call, in [0, 1]. `seconds`: delay of a slow reply.
    """

    kind: FaultKind
    model: str | None = None
    after: int = 0
    times: int | None = None
    chance: float = 1.0
    seconds: float = SLOW_S


def read_faults(
    texts: Iterable[str], tags: Sequence[str], *, error: type[SwarmError] = OptionError, what: str = "--swarm-fault"
) -> tuple[Fault, ...]:
    """Return the faults of a server that has the models `tags`.

    Args:
        texts: The text of each, such as `busy:times=3`.
        tags: The models that a fault may name.
        error: The exception class for an invalid text.
        what: The option or key that holds the texts, named in the message.

    Raises:
        SwarmError: A text describes no fault, or one of a model that the server does not have; of class `error`.
    """
    faults = tuple(parse_fault(text, error=error, what=what) for text in texts)
    known = set(map(full_tag, tags))
    for model in (fault.model for fault in faults):
        if model is not None and full_tag(model) not in known:
            raise error(f"{what}: the profile has no model {model!r}; it has {', '.join(tags)}")
    return faults


def parse_fault(text: str, *, error: type[SwarmError] = OptionError, what: str = "--swarm-fault") -> Fault:
    """Return the fault that a text describes.

    Args:
        text: The text, such as `busy:times=3`.
        error: The exception class for an invalid text.
        what: The option or key that holds the text, named in the message.

    Raises:
        SwarmError: The text describes no fault; of class `error`.
    """
    kind_text, _, rest = text.partition(":")
    try:
        kind = FaultKind(kind_text.strip())
    except ValueError:
        known = ", ".join(kind.value for kind in FaultKind)
        raise error(f"{what}: {kind_text!r} is not a fault; known faults are {known}") from None
    given: dict[str, str] = {}
    for item in filter(None, (item.strip() for item in rest.split(","))):
        key, equals, value = item.partition("=")
        if not equals or key not in _KEYS:
            raise error(f"{what}: {item!r} is not a setting; write {', '.join(f'{key}=...' for key in _KEYS)}")
        if key in given:
            raise error(f"{what}: {text!r}: {key} is given twice; give it once")
        given[key] = value.strip()
    if "seconds" in given and kind is not FaultKind.SLOW:
        raise error(f"{what}: {text!r}: seconds is the delay of slow alone; take it out, or write slow")
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
    """Counts the calls that match each fault, and decides which fault the next call gets."""

    def __init__(self, faults: tuple[Fault, ...], *, seed: int) -> None:
        self._faults = faults
        self._matched = [0] * len(faults)
        self._hits = [0] * len(faults)
        self._drawn: Counter[tuple[int, str]] = Counter()
        self._seed = seed

    def next_fault(self, model: str | None, *, loads: bool, request: bytes = b"") -> Fault | None:
        """Return the fault of the next call; None if it succeeds.

        Args:
            model: The model of the call; None for a request that names none.
            loads: Whether the model has to be loaded for the call.
            request: Its body.
        """
        chosen = None
        for number, fault in enumerate(self._faults):
            if not _matches(fault, model, loads=loads):
                continue
            self._matched[number] += 1
            spent = fault.times is not None and self._hits[number] >= fault.times
            if chosen is not None or spent or self._matched[number] <= fault.after:
                continue
            if fault.chance >= 1 or self._draw(number, request) < fault.chance:
                self._hits[number] += 1
                chosen = fault
        return chosen

    def _draw(self, number: int, request: bytes) -> float:
        """Return a number from 0 to 1 by the seed, the request, and how often it came.

        Each case has a server of its own. A draw by the number of the call would hit the same calls of all cases.
        """
        key = number, sha256(request).hexdigest()
        self._drawn[key] += 1
        return stable_rng("fault", self._seed, *key, self._drawn[key]).random()


def _matches(fault: Fault, model: str | None, *, loads: bool) -> bool:
    if fault.kind is FaultKind.REFUSE and fault.model is None:
        return True
    if model is None or (fault.kind is FaultKind.LOAD_ERROR and not loads):
        return False
    return fault.model is None or full_tag(fault.model) == full_tag(model)


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
