"""What the simulated server's replies take of a run: `harness` copies this file beside a benchmark, as conftest.py.

There it times the steps of each reply, and at the end writes their seconds to a file. Two things that the server does
to compose an answer are left out, because the harness finds them done: the scores of answers, and what is right for the
answers that a task is given.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeVar

from pytest_swarm.simulator.models import answer_texts, profile_generator
from pytest_swarm.simulator.server.simulated_server import SimulatedServer

T = TypeVar("T")
FILE: Final = "server_s.txt"
ask: Final = SimulatedServer.ask


class Stopwatch:
    """The seconds in replies; `inside` while one is worked at."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.inside = False

    def within(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function and count its time, except what it spends in functions that are left out."""
        started_s, self.inside = perf_counter(), True
        try:
            return function(*arguments)
        finally:
            self.seconds += perf_counter() - started_s
            self.inside = False

    def without(self, function: Callable[..., T]) -> Callable[..., T]:
        """Return the same function, whose time is left out of a reply's."""

        def called(*arguments: Any) -> T:
            if not self.inside:
                return function(*arguments)
            started_s, self.inside = perf_counter(), False
            try:
                return function(*arguments)
            finally:
                self.seconds -= perf_counter() - started_s
                self.inside = True

        return called


WATCH: Final = Stopwatch()


class TimedSteps:
    """A coroutine to await, of which each step is timed, but not what it waits for."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine

    def __await__(self) -> TimedSteps:
        return self

    def __iter__(self) -> TimedSteps:
        return self

    def __next__(self) -> Any:
        return WATCH.within(self.coroutine.send, None)

    def send(self, value: Any) -> Any:
        """Go on with a value."""
        return WATCH.within(self.coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        """Go on with an error, as where the task is cancelled."""
        return WATCH.within(self.coroutine.throw, *error)


async def timed_ask(server: SimulatedServer, body: dict[str, Any], *, chat: bool) -> dict[str, Any]:
    """Answer a request as `SimulatedServer.ask` does."""
    reply: dict[str, Any] = await TimedSteps(ask(server, body, chat=chat))
    return reply


def pytest_configure() -> None:
    """Time each reply from now on."""
    SimulatedServer.ask = timed_ask  # type: ignore[method-assign]  # a stopwatch around it
    answer_texts.score_text = WATCH.without(answer_texts.score_text)
    profile_generator.local_expectation = WATCH.without(profile_generator.local_expectation)


def pytest_unconfigure() -> None:
    """Write down what the replies took."""
    Path(FILE).write_text(str(WATCH.seconds), encoding="ascii")
