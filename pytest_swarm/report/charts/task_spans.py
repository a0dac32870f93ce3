"""When each task of a job was ready, began and ended; lanes to draw them in; and the critical path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.record import JobRecord

_MAX_LANES: Final = 12  # more tasks at a time than this share the last lane


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpan:
    """A task that ran: when its last parent had ended, when its call began, and when it ended, in seconds."""

    task: str
    model: str
    ready_s: float
    started_s: float
    finished_s: float

    @property
    def waited_s(self) -> float:
        """Seconds that it waited for a plan, a model or a slot."""
        return self.started_s - self.ready_s


def task_spans(record: JobRecord) -> tuple[TaskSpan, ...]:
    """Return the tasks that ran, by the time of their calls; the first ones are ready when the job is planned first."""
    ended = {each.task: each.finished_s for each in record.outcomes if each.finished_s is not None}
    first_s = record.steps[0].started_s if record.steps else 0.0
    flat = record.case.key.horizon == "flat"
    spans = []
    for each in record.outcomes:
        if each.started_s is None or each.finished_s is None:
            continue
        parents = () if flat else record.case.graph.parents(each.task)
        ready_s = max((ended[parent] for parent in parents if parent in ended), default=first_s)
        spans.append(
            TaskSpan(
                task=each.task,
                model=each.model or "",
                ready_s=min(ready_s, each.started_s),
                started_s=each.started_s,
                finished_s=each.finished_s,
            )
        )
    return tuple(sorted(spans, key=lambda span: (span.started_s, span.task)))


def task_lanes(spans: Sequence[TaskSpan]) -> dict[str, int]:
    """Return a lane for each task, so that neither bars nor waits of one lane overlap, as far as there are lanes."""
    free_at: list[float] = []
    lanes: dict[str, int] = {}
    for each in sorted(spans, key=lambda span: (span.ready_s, span.started_s, span.task)):
        lane = next((n for n, at in enumerate(free_at) if at <= each.ready_s + 1e-9), len(free_at))
        if lane == len(free_at) and lane < _MAX_LANES:
            free_at.append(each.finished_s)
        lane = min(lane, _MAX_LANES - 1)
        free_at[lane] = max(free_at[lane], each.finished_s)
        lanes[each.task] = lane
    return lanes


def critical_path(record: JobRecord) -> frozenset[str]:
    """Return the chain of tasks that ends last: from each task back to the parent that ended last."""
    ended = {each.task: each.finished_s for each in record.outcomes if each.finished_s is not None}
    path: set[str] = set()
    task = max(ended, key=lambda each: (ended[each], each), default=None)
    while task is not None:
        path.add(task)
        parents = () if record.case.key.horizon == "flat" else record.case.graph.parents(task)
        task = max((each for each in parents if each in ended), key=lambda each: (ended[each], each), default=None)
    return frozenset(path)
