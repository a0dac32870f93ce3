"""Plays one case in virtual time, as far as its answers are known; it goes on where it stopped when more are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_swarm.domain.record import Case, JobRecord
from pytest_swarm.execution.answer_gate import Need
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.played_world import PlayedWorld
from pytest_swarm.execution.playing_backend import Played, playing_backend
from pytest_swarm.execution.playing_transport import PlayingTransport
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.simulator.virtual_loop import VirtualTimeLoop
from pytest_swarm.telemetry.sink import Event, ListSink

MakeBench = Callable[[Backend], Bench]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompleteCase:
    """A case that was played to its end.

    Attributes:
        record: What happened; None where the test itself ended it.
        events: Its events.
        answers: The answers that it used, by key.
        stalled_s: Of those whose prompt stalled, the seconds that it took beyond those that it is played with.
        error: What ended it, where that was the test itself, such as a scorer that skips it.
    """

    record: JobRecord | None
    events: tuple[Event, ...]
    answers: Mapping[str, StoredAnswer]
    stalled_s: Mapping[str, float] = field(default_factory=dict)
    error: BaseException | None = None


class CasePlayer:
    """One case on a loop and a simulated server of its own.

    Args:
        case: The case.
        played: What is played.
        make_bench: Returns a bench for a backend; each case has its own, because routers may have a state.
    """

    def __init__(self, case: Case, *, played: Played, make_bench: MakeBench) -> None:
        self.case = case
        self.limits = played.world.limits
        self._transports: list[PlayingTransport] = []
        self._bench = make_bench(playing_backend(played, on_connect=self._transports.append))
        self._sink = ListSink()
        self._loop: VirtualTimeLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._records: list[JobRecord] = []
        self.ended: CompleteCase | None = None

    @property
    def needs(self) -> tuple[Need, ...]:
        """What the case lacks; empty where it has ended, or has not begun."""
        return self._transports[0].gate.needs() if self._transports and self.ended is None else ()

    def fits(self, world: PlayedWorld) -> bool:
        """Return whether playing the case again on a server would give the same."""
        return self.limits == world.limits and all(each.figures.same_in(world) for each in self._transports)

    def advance(self) -> None:
        """Play until the case ends or lacks something."""
        if self._task is None:
            self._begin()
        elif not self._transports[0].gate.open():
            return
        assert self._loop is not None
        assert self._task is not None
        self._loop.run_forever()
        if self._task.done():
            self._end(self._task)

    def _begin(self) -> None:
        started = self._bench.start(self.case, sink=self._sink)
        loop = started.state.runner.get_loop()
        assert isinstance(loop, VirtualTimeLoop), "a playing backend has virtual time"
        loop.stop_instead_of_advancing(lambda: self._transports[0].gate.closed)

        async def run() -> None:
            self._records.append(await started.running)

        self._loop, self._task = loop, loop.create_task(run())
        self._task.add_done_callback(lambda _: loop.stop())

    def _end(self, task: asyncio.Task[None]) -> None:
        error = task.exception()
        if isinstance(error, Exception):
            self.close()
            raise error
        self.ended = CompleteCase(
            record=self._records[0] if self._records else None,
            events=tuple(self._sink.events),
            answers=self._transports[0].used,
            stalled_s=self._transports[0].stalled_s,
            error=error,
        )
        self._bench.close()

    def close(self) -> None:
        """End a case that lacks something."""
        if self._task is not None and self._loop is not None and not self._task.done():
            self._loop.stop_instead_of_advancing(lambda: False)
            self._task.cancel()
            self._loop.run_forever()  # until the task is done
        if self._task is not None and not self._task.cancelled():
            self._task.exception()  # Ctrl-C is its exception too, which asyncio would show if nobody asked for it
        self._bench.close()
