"""The jobs of a run, measured while other processes run them, so that its end has little left to read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_swarm.domain.record import Run
from pytest_swarm.errors import EventsError
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.run_measurer import RunMeasurer

_READ_ON: Final = 2**18  # bytes: the events of some twenty jobs


class RunFollower:
    """Reads the events of a run back.

    Args:
        events: Its events.jsonl.
    """

    def __init__(self, events: Path) -> None:
        self._events = events
        self._measurer: RunMeasurer | None = RunMeasurer(events)
        """None where it was broken off, or could not go on: then the end reads the file from its beginning."""

    def follow(self, *, size: int) -> None:
        """Measure the jobs that have ended, where enough was written since the last time.

        Args:
            size: The bytes of the file.
        """
        if self._measurer is not None and size - self._measurer.reader.file.end >= _READ_ON:
            self._read_on()

    def count(self) -> int | None:
        """Read on; return how many jobs the file has, and None where that cannot be told."""
        measurer = self._read_on()
        return None if measurer is None else sum(measurer.reader.standing)

    def _read_on(self) -> RunMeasurer | None:
        """Measure the jobs that have ended, and return what measures them; None where that cannot go on."""
        measurer, self._measurer = self._measurer, None
        if measurer is None:
            return None
        try:
            measurer.reader.read_on()
        except Exception:  # noqa: BLE001 # it comes again at the end, where it is said; here it must not end the run
            return None
        self._measurer = measurer
        return measurer

    def finish(self) -> tuple[Run, tuple[MeasuredJob, ...]]:
        """Return the run and its measured jobs; EventsError where the events cannot be read."""
        measurer, self._measurer = self._measurer, None  # what it holds of the file is not needed any more
        if measurer is not None and measurer.reader.file.is_as_read():
            with suppress(EventsError):  # such as of a file that was written again in full
                return measurer.finish()
        return RunMeasurer(self._events).finish()
