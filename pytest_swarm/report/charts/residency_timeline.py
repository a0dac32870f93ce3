"""The residency timeline of one job: models in VRAM as stacked bands against the budget, tasks as bars over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.metrics.vram_metrics import is_violation
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, fitted
from pytest_swarm.report.charts.task_spans import TaskSpan, critical_path, task_lanes, task_spans
from pytest_swarm.report.wording import gigabytes, seconds

WIDTH: Final = 560
LEFT, RIGHT, TOP, BELOW = 44, 536, 6, 34
VRAM_HEIGHT: Final = 96
LANE: Final = 18
_SHORTEST_WAIT_S: Final = 0.05  # a shorter wait is not a pixel of a job of half a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle: a model in VRAM, a load, or a task. `model` gives its color, `label` is written in it if it fits."""

    x: float
    y: float
    width: float
    height: float
    model: str
    label: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything that is drawn of one job, in pixels, and the same as rows of a table.

    A task's bar begins when its call does; in `waits` it waits for a model or a slot before that. `critical` are the
    tasks of the critical path.
    """

    frame: Frame
    budget_y: float
    budget_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bands: tuple[Bar, ...]
    loads: tuple[Bar, ...]
    over: tuple[Bar, ...]
    tasks: tuple[Bar, ...]
    waits: tuple[Bar, ...]
    critical: frozenset[str]
    evictions: tuple[Tick, ...]
    violations: tuple[Tick, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stay:
    """A model in VRAM from `start_s` to `end_s`, its loading ending at `ready_s`."""

    model: str
    start_s: float
    ready_s: float
    end_s: float


def timeline(record: JobRecord) -> Timeline | None:
    """Return the timeline of a job; None where no step was planned or nothing took time."""
    end_s = _end_s(record)
    if not record.steps or end_s <= 0:
        return None
    vram_gb = record.steps[0].vram_gb
    budget_gb = record.case.key.vram_budget_gb
    stays = _stays(record, end_s)
    spans = task_spans(record)
    lanes = task_lanes(spans)
    critical = critical_path(record)
    top = TOP + LANE * (1 + max(lanes.values(), default=0)) + 8
    x = Scale(low=0.0, high=end_s, start=LEFT, end=RIGHT)
    pieces = _pieces(stays, vram_gb)
    highest = max([budget_gb, *(each.top_gb for each in pieces)])
    bottom = top + VRAM_HEIGHT
    y = fitted([0.0, highest], start=bottom, end=top, zero=True)
    return Timeline(
        frame=Frame(width=WIDTH, height=bottom + BELOW, left=LEFT, right=RIGHT, top=TOP, bottom=bottom),
        budget_y=y(budget_gb),
        budget_label=f"budget {gigabytes(budget_gb)}",
        x_ticks=x.ticks(6),
        y_ticks=y.ticks(3),
        bands=tuple(_band(x, y, each, vram_gb.get(each.model)) for each in pieces),
        loads=tuple(_load(x, y, stay, each) for stay in stays for each in pieces if _is_loaded_in(stay, each)),
        over=tuple(_over(x, y, each, budget_gb) for each in pieces if each.top_gb > budget_gb + BUDGET_TOLERANCE_GB),
        tasks=tuple(_task(x, each, lanes[each.task], critical=each.task in critical) for each in spans),
        waits=tuple(_wait(x, each, lanes[each.task]) for each in spans if each.waited_s > _SHORTEST_WAIT_S),
        critical=critical,
        evictions=tuple(
            Tick(at=x(each.finished_s), label=f"{each.model} unloaded at {seconds(each.finished_s)}")
            for each in record.switches
            if each.action == "unload"
        ),
        violations=tuple(
            Tick(at=x(step.started_s), label=f"step {step.step} plans {gigabytes(step.planned_vram_gb)}")
            for step in record.steps
            if is_violation(step)
        ),
        rows=_rows(record),
    )


def _end_s(record: JobRecord) -> float:
    ends = [each.finished_s for each in record.outcomes if each.finished_s is not None]
    return max([record.makespan_s or 0.0, *ends, *(each.finished_s for each in record.switches)])


def _stays(record: JobRecord, end_s: float) -> list[_Stay]:
    """Return when each model was in VRAM: resident before the first step, or from its load to its unloading."""
    found: list[_Stay] = []
    since: dict[str, tuple[float, float]] = dict.fromkeys(record.steps[0].resident_before, (0.0, 0.0))
    for each in record.switches:
        if each.action == "load":
            since[each.model] = (each.started_s, each.finished_s)
        elif each.model in since:
            start_s, ready_s = since.pop(each.model)
            found.append(_Stay(model=each.model, start_s=start_s, ready_s=ready_s, end_s=each.finished_s))
    found += [_Stay(model=m, start_s=start, ready_s=ready, end_s=end_s) for m, (start, ready) in since.items()]
    return sorted(found, key=lambda stay: (stay.start_s, stay.model))


class _Piece(NamedTuple):
    """A model in VRAM between two changes of the stack: from and to in seconds, bottom and top in GB."""

    start_s: float
    end_s: float
    model: str
    base_gb: float
    top_gb: float


def _pieces(stays: Sequence[_Stay], vram_gb: Mapping[str, float]) -> list[_Piece]:
    """Return the stays cut where the stack changes, each with the height below it; equal neighbors are joined."""
    cuts = sorted({at for stay in stays for at in (stay.start_s, stay.end_s)})
    pieces: list[_Piece] = []
    open_at: dict[tuple[str, float], int] = {}
    for start_s, end_s in pairwise(cuts):
        base_gb = 0.0
        still: dict[tuple[str, float], int] = {}
        for stay in stays:
            if stay.start_s <= start_s and stay.end_s >= end_s:
                top_gb = base_gb + vram_gb.get(stay.model, 0.0)
                key = (stay.model, base_gb)
                at = open_at.get(key, len(pieces))
                if at < len(pieces):
                    pieces[at] = pieces[at]._replace(end_s=end_s)
                else:
                    pieces.append(_Piece(start_s, end_s, stay.model, base_gb, top_gb))
                still[key] = at
                base_gb = top_gb
        open_at = still
    return pieces


def _bar(x: Scale, y: Scale, piece: _Piece, *, title: str, label: str = "") -> Bar:
    return Bar(
        x=x(piece.start_s),
        y=y(piece.top_gb),
        width=max(0.5, x(piece.end_s) - x(piece.start_s)),
        height=max(0.0, y(piece.base_gb) - y(piece.top_gb)),
        model=piece.model,
        label=label,
        title=title,
    )


def _band(x: Scale, y: Scale, piece: _Piece, size_gb: float | None) -> Bar:
    span = f"from {seconds(piece.start_s)} to {seconds(piece.end_s)}"
    return _bar(x, y, piece, title=f"{piece.model}, {gigabytes(size_gb)}, in VRAM {span}", label=piece.model)


def _is_loaded_in(stay: _Stay, piece: _Piece) -> bool:
    """Return whether a load begins in a piece of its model's band."""
    begins = piece.model == stay.model and piece.start_s <= stay.start_s < piece.end_s
    return begins and stay.ready_s > stay.start_s


def _load(x: Scale, y: Scale, stay: _Stay, piece: _Piece) -> Bar:
    title = f"loading {stay.model}: {seconds(stay.ready_s - stay.start_s)}"
    return _bar(x, y, piece._replace(start_s=stay.start_s, end_s=stay.ready_s), title=title)


def _over(x: Scale, y: Scale, piece: _Piece, budget_gb: float) -> Bar:
    """Return the part of a band above the budget."""
    span = f"from {seconds(piece.start_s)} to {seconds(piece.end_s)}"
    title = f"{gigabytes(piece.top_gb - budget_gb)} over budget {span}"
    return _bar(x, y, piece._replace(base_gb=max(piece.base_gb, budget_gb)), title=title)


def _task(x: Scale, span: TaskSpan, lane: int, *, critical: bool) -> Bar:
    return Bar(
        x=x(span.started_s),
        y=TOP + LANE * lane,
        width=max(1.0, x(span.finished_s) - x(span.started_s)),
        height=LANE - 4,
        model=span.model,
        label=span.task,
        title=f"{span.task} on {span.model}: {seconds(span.started_s)} to {seconds(span.finished_s)}"
        + (", on the critical path" if critical else ""),
    )


def _wait(x: Scale, span: TaskSpan, lane: int) -> Bar:
    return Bar(
        x=x(span.ready_s),
        y=TOP + LANE * lane + LANE / 2 - 3,
        width=max(0.5, x(span.started_s) - x(span.ready_s)),
        height=2,
        model=span.model,
        label="",
        title=f"{span.task} waits for {seconds(span.waited_s)}",
    )


def _rows(record: JobRecord) -> tuple[tuple[str, ...], ...]:
    """Return the same in words, by time: loads, unloads and tasks."""
    events = [(s.started_s, s.finished_s, f"{s.action} {s.model}") for s in record.switches]
    events += [
        (each.started_s, each.finished_s, f"task {each.task} on {each.model}")
        for each in record.outcomes
        if each.started_s is not None and each.finished_s is not None
    ]
    events += [
        (each.ready_s, each.started_s, f"task {each.task} waits")
        for each in task_spans(record)
        if each.waited_s > _SHORTEST_WAIT_S
    ]
    return tuple((seconds(start), seconds(end), what) for start, end, what in sorted(events))
