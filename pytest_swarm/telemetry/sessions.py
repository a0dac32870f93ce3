"""The sessions of a run: what each was to run, how it ended, and what none of them ran."""

from __future__ import annotations

import sys
from typing import Final

from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.telemetry.event_types import CollectionEvent, RunEndEvent
from pytest_swarm.units import plural

_NAMED: Final = 3  # tests that are named


class Sessions:
    """What the sessions of a file say of the run; those that resume it may be of some of its tests alone."""

    def __init__(self) -> None:
        self.collected: dict[str, None] = {}
        """The tests of all sessions."""
        self.complete = False
        """Whether the last session came to its end."""
        self.notes: tuple[str, ...] = ()
        self.failed: tuple[str, ...] | None = None
        """The tests that failed when they were last run; None where that is not known."""
        self.parts: MergedParts | None = None
        self._last: frozenset[str] = frozenset()  # the tests of the last session
        self._cut_off: set[str] = set()  # tests of sessions that were cut off, which none ran to its end
        self._jobs_at_end = 0  # most jobs at an end, since the last session that was to run all tests

    def begin(self, event: CollectionEvent) -> bool:
        """Take that a session begins; return whether it is to run all tests of those before."""
        self.complete = False  # until this session too has ended
        self._last = frozenset(map(sys.intern, event.tests))  # jobs name them too
        self._cut_off |= self._last
        has_all = self.collected.keys() <= self._last
        if has_all:
            self._jobs_at_end = 0
        self.collected.update(dict.fromkeys(map(sys.intern, event.tests)))
        return has_all

    def end(self, event: RunEndEvent) -> None:
        """Take that a session ended. Tests that it was not to run keep what is known of them."""
        self.complete, self.notes, self.parts = event.complete, event.notes, event.parts
        self._jobs_at_end = max(self._jobs_at_end, event.jobs or 0)
        if event.complete:
            self._cut_off -= self._last
        earlier = (test for test in self.failed or () if test in self.collected and test not in self._last)
        self.failed = None if event.failed is None else tuple(dict.fromkeys((*earlier, *event.failed)))

    def lost(self, jobs: int, *, damage: tuple[str, ...]) -> tuple[str, ...]:
        """Return sentences for what the file lacks although its last session came to its end.

        Args:
            jobs: How many jobs there are.
            damage: The sentences for damaged lines whose jobs did not run again; they explain a wrong number of jobs.
        """
        if not self.complete:
            return damage
        told = self._jobs_at_end
        removed = f"events.jsonl has {jobs} of {told} jobs; go on with --swarm-resume to run the others"
        return (*(damage or ((removed,) if jobs < told else ())), *self._not_run())

    def _not_run(self) -> tuple[str, ...]:
        tests = [test for test in self.collected if test in self._cut_off]
        if not tests:
            return ()
        named = ", ".join((*tests[:_NAMED], *(("...",) if len(tests) > _NAMED else ())))
        return (
            f"{plural(len(tests), 'benchmark')} of a session that was cut off may lack jobs ({named}); go on with "
            "--swarm-resume, without a selection of tests, to run what is missing",
        )
