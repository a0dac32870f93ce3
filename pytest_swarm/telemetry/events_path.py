"""Where the events of a run are, and what a file is that holds none."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_swarm.documents import path_of
from pytest_swarm.errors import EventsError
from pytest_swarm.files import MeasuredFile, measured_kind
from pytest_swarm.telemetry import EVENTS_FILE
from pytest_swarm.telemetry.event_lines import RUN_AGAIN


def events_file(path: str | os.PathLike[str]) -> Path:
    """Return the events.jsonl of a run's folder; a path that is no folder, as it is.

    Raises:
        EventsError: the folder holds none. The message names a run below it.
    """
    path = path_of(path, EventsError)
    if not path.is_dir():
        return path
    file = path / EVENTS_FILE
    if not file.exists():
        inside = max((each.parent for each in path.glob(f"*/{EVENTS_FILE}")), default=Path("reports") / "RUN")
        raise EventsError(f"{path}: holds no events.jsonl; name the folder of a run, such as {inside}")
    return file


def no_events(path: Path, first: bytes, reason: str) -> EventsError:
    """Return the error for a file of another kind; it names the run in whose folder it lies.

    Args:
        path: The file.
        first: Its first line.
        reason: Why it holds no events, where its first line does not tell what it holds.
    """
    held = measured_kind(first)
    if held is MeasuredFile.EVENTS:
        return EventsError(f"{path}, {reason}{'' if ';' in reason else f'; {RUN_AGAIN}'}")
    if held is not None:
        reason = f"it holds {held.shown}"
    folder = path.parent
    run = folder if (folder / EVENTS_FILE).is_file() and path.name != EVENTS_FILE else Path("reports", "RUN")
    return EventsError(
        f"{path}: is no events.jsonl of pytest-swarm ({reason}); name the folder of a run, such as {run}"
    )
