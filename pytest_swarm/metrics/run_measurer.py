"""Reads the events of a run, also while they are written, and measures each job as it ends.

So a job's events are read once for its figures, and where a run is followed, its end has few of them left to read.
"""

from __future__ import annotations

import os
from itertools import compress

from pytest_swarm.domain.record import JobRecord, Run
from pytest_swarm.metrics.job_figures import JobFigures, figures_of
from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure_run
from pytest_swarm.telemetry.reader import RunReader


class RunMeasurer:
    """The jobs of a file of events, with their figures.

    Args:
        path: An events.jsonl, or the folder that holds one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._figures: list[JobFigures] = []
        self.reader = RunReader(path, ended=self._take)

    def _take(self, held: JobRecord) -> None:
        self._figures.append(figures_of(held))

    def finish(self) -> tuple[Run, tuple[MeasuredJob, ...]]:
        """Read what is left, and return the run and its measured jobs; EventsError where the file is not sound."""
        run = self.reader.finish()
        return run, measure_run(run, [*compress(self._figures, self.reader.standing)])
