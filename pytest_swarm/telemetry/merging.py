"""Several runs written as one events.jsonl: the parts of one run, which were run apart.

Whether the parts belong together is decided by the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_swarm.codec import encode_line
from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.record import MEASURED_BACKEND, Run, RunInfo
from pytest_swarm.errors import EventsError
from pytest_swarm.fields import Json
from pytest_swarm.files import replacing
from pytest_swarm.telemetry import EVENTS_FILE
from pytest_swarm.telemetry.event_lines import EventHead, decode_head
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.events import encode_collection, encode_run_end, encode_run_start
from pytest_swarm.telemetry.reader import RunReader

_OF_A_PART: Final = frozenset(("swarm_shard", "swarm_resume"))
"""Options that say something of a part, and nothing of the whole."""
_END: Final = "job_dag_summary"


def write_merged(
    parts: Sequence[tuple[Path, Run]], folder: Path, *, missing: Sequence[str], numbered: MergedParts | None = None
) -> Path:
    """Write the events of all parts into one file, and return its path.

    The events of jobs are copied as they are, but for the server of each, where the parts had several. Those of a job
    that the reader leaves out stay behind: of one that never ended, or whose lines are damaged. The file is written
    aside and renamed, so that it is whole or not there.

    Args:
        parts: The path of each part, and the part as it was read.
        folder: The folder of the merged run.
        missing: Sentences about what the whole lacks, which become notes of the run.
        numbered: Which parts are there; None where they have no numbers.

    Raises:
        EventsError: The folder holds a run already, or cannot be written.
    """
    target = folder / EVENTS_FILE
    if target.exists():
        raise EventsError(f"{target} is there already; give another folder, or remove it first")
    try:
        with replacing(target) as aside, aside.open("wb") as file:
            for line in _lines(parts, name=folder.resolve().name, missing=missing, numbered=numbered):
                file.write(line)
    except OSError as error:
        raise EventsError(f"{target}: cannot be written: {error.strerror}; give another --out") from error
    return target


def merged_info(infos: Sequence[RunInfo], *, name: str) -> RunInfo:
    """Return what the whole run was. Texts in which the parts differ stand side by side; the command is the first's.

    Args:
        infos: What each part was.
        name: The name of the whole run.
    """
    first = infos[0]
    options = _side_by_side([info.options for info in infos])
    return replace(
        first,
        run=name,
        started_ts_ms=min(info.started_ts_ms for info in infos),
        backend_detail="; ".join(dict.fromkeys(info.backend_detail for info in infos)),
        versions=_side_by_side([info.versions for info in infos]),
        machine=_side_by_side([info.machine for info in infos]),
        options={option: text for option, text in options.items() if option not in _OF_A_PART},
        host=first.host if _is_one_server(infos) else None,
    )


def _is_one_server(infos: Sequence[RunInfo]) -> bool:
    return len({info.host for info in infos}) == 1


def _side_by_side(texts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return each key with its values, each once, joined by commas; that of a merged part may be several."""
    found: dict[str, str] = {}
    for key in dict.fromkeys(key for each in texts for key in each):
        values = dict.fromkeys(each[key] for each in texts if key in each)
        several = dict.fromkeys(one for value in values for one in value.split(","))
        found[key] = ",".join(values if len(values) == 1 else several)
    return found


def _lines(
    parts: Sequence[tuple[Path, Run]], *, name: str, missing: Sequence[str], numbered: MergedParts | None
) -> Iterator[bytes]:
    runs = [run for _, run in parts]
    started_ms = [run.info.started_ts_ms for run in runs]
    info = merged_info([run.info for run in runs], name=name)
    yield _line(encode_run_start(info))
    collected = dict.fromkeys(test for run in runs for test in run.collected)
    yield _line(encode_collection(min(started_ms), collected))
    last_ms, copied = max(started_ms), set[str]()
    several = not _is_one_server([run.info for run in runs])
    for path, run in parts:
        for event, line in _job_lines(path):
            last_ms = max(last_ms, event.ts_ms)
            copied.add(event.text)
            is_end = event.event == _END and event.host is None and run.info.backend != MEASURED_BACKEND
            ran_at = run.info.host if several and is_end else None
            yield line if ran_at is None else _with_host(line, ran_at)
    commands = dict.fromkeys(" ".join(run.info.command) for run in runs)
    notes = [note for run in runs for note in run.notes if note not in copied and note not in run.lost]
    if len(commands) > 1:
        notes.append(f"the parts were run with several commands: {'; '.join(commands)}")
    notes += [
        f"the parts were run with several versions of {package}: {versions.replace(',', ', ')}"
        for package, versions in info.versions.items()
        if "," in versions
    ]
    end = RunEndEvent(
        ts_ms=last_ms,
        complete=not missing,
        notes=tuple(dict.fromkeys((*notes, *missing))),
        failed=None if any(run.failed is None for run in runs) else tuple(t for run in runs for t in run.failed or ()),
        parts=numbered,
        jobs=sum(len(run.jobs) for run in runs),
    )
    yield _line(encode_run_end(end))


def _job_lines(path: Path) -> Iterator[tuple[EventHead, bytes]]:
    """Yield the events of a part that belong to ended jobs, and its notes on cases, in their order."""
    reader = RunReader(path, numbered=True)
    reader.finish()
    kept, copied = reader.sound_lines(), set[bytes]()
    with reader.file.path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.strip() + b"\n"
            if number in kept and text not in copied:
                copied.add(text)
                yield decode_head(text, where=f"{path}, line {number}"), text


def _with_host(line: bytes, host: str) -> bytes:
    """Return the end of a job with the server that ran it, which only the first line of its part tells."""
    return _line({**json.loads(line), "host": host})


def _line(event: Mapping[str, Json]) -> bytes:
    return encode_line(event).encode() + b"\n"
