"""What the functions of the metrics compute from: one job's record, and figures of it that several of them need."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from types import MappingProxyType
from typing import Final, TypeVar

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.record import JobRecord, JobStatus, TaskOutcome, TaskStatus
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import VramSample
from pytest_swarm.errors import CallTimeoutError
from pytest_swarm.metrics.packed_values import shared

V = TypeVar("V")
N = TypeVar("N", int, float)
_SHARED_ENTRIES: Final = 32


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """One job."""

    record: JobRecord

    @cached_property
    def task_scores(self) -> dict[str, float | None]:
        """Return the score of each task as it counts in the job's mean: 0 where it was not run, None if it is left out.

        A task whose call failed for the server's sake is left out. One that was not run is left out only if it could
        never have been scored: it has no expectation, or it is for a judge and a judged task of this job that did run
        has no score, so there was no judge.
        """
        graph, outcomes = self.record.case.graph, self.record.outcomes
        expected = {each.task: graph.task(each.task).expected for each in outcomes}
        judged = [each for each in outcomes if each.status is TaskStatus.OK and isinstance(expected[each.task], Judge)]
        no_judge = bool(judged) and all(each.score is None for each in judged)
        scores: dict[str, float | None] = {}
        for each in outcomes:
            if each.status is TaskStatus.OK or each.server_fault:
                scores[each.task] = each.score
            else:
                wanted = expected[each.task]
                never = wanted is None or (no_judge and isinstance(wanted, Judge))
                scores[each.task] = None if never else 0.0
        return scores

    @cached_property
    def answered(self) -> bool:
        """Return whether any task was answered: else the job has no loads, for it did nothing."""
        return any(each.status is TaskStatus.OK for each in self.record.outcomes)

    @cached_property
    def timed(self) -> bool:
        """Return whether the job has a time: a task was answered, or a call took all of its time limit.

        A job of which all was refused was not fast.
        """
        return self.answered or any(map(ran_out_of_time, self.record.outcomes))

    @cached_property
    def task_models(self) -> dict[str, str]:
        """Return the model of each task that was dispatched."""
        return {each.task: each.model for each in self.record.outcomes if each.model is not None}

    @cached_property
    def score(self) -> float | None:
        """Return the job's score; None for a job that is not completed: an error is not a low score."""
        return mean_of_known(self.task_scores.values()) if self.record.status is JobStatus.COMPLETED else None

    @cached_property
    def token_cost(self) -> float | None:
        """Return the cost of all tokens of the job; None where that of an answer is not known."""
        return self.sum_over_answers(lambda each: each.token_cost)

    def sum_over_answers(self, figure: Callable[[TaskOutcome], N | None]) -> N | None:
        """Return the sum of a figure over the tasks; None where nothing has it, or where a text that is there lacks it.

        A task without a text, because it failed or was measured elsewhere, may lack it.
        """
        figures = [(figure(each), each.answer or each.thinking_chars) for each in self.record.outcomes]
        if any(value is None and text for value, text in figures):
            return None
        return sum_of_known(value for value, _ in figures)

    @cached_property
    def latencies_s(self) -> tuple[float, ...]:
        """Return the seconds of each call that was answered, or ran into its time limit.

        A call that was refused, as for a model that the server does not have, tells no latency of a model.
        """
        return tuple(
            each.latency_s
            for each in self.record.outcomes
            if each.latency_s is not None and (each.status is TaskStatus.OK or ran_out_of_time(each))
        )

    @cached_property
    def vram_samples(self) -> tuple[VramSample, ...]:
        """Return the looks at the server's list; none where models were resident and none of them ever in VRAM."""
        rows = [row for sample in self.record.samples for row in sample.resident]
        on_cpu = bool(rows) and not any(row.size_vram_bytes for row in rows)
        return () if on_cpu else tuple(self.record.samples)

    @cached_property
    def held_gb(self) -> tuple[float, ...]:
        """Return, for each plan step, the most that its fleet's models held at a load since it, in GB; 0 without one.

        A model holds its memory from the start of its load to the end of its unload. A load belongs to the last step
        that began before it. Where each step ends before the next begins, nothing is held beside the plan: all are 0.
        """
        steps = self.record.steps
        peaks = [0.0] * len(steps)
        if not steps or steps[0].running is None:
            return tuple(peaks)
        starts = [step.started_s for step in steps]
        changes = sorted(
            (each.started_s, 1, each.model) if each.action == "load" else (each.finished_s, 0, each.model)
            for each in self.record.switches
        )
        held = set(steps[0].resident_before)
        for at_s, loads, model in changes:
            if not loads:
                held.discard(model)
                continue
            held.add(model)
            n = max(0, bisect_right(starts, at_s) - 1)
            peaks[n] = max(peaks[n], sum(steps[n].vram_gb.get(each, 0.0) for each in sorted(held)))
        return tuple(peaks)

    @cached_property
    def loads(self) -> tuple[Switch, ...]:
        """Return the explicit loads."""
        return tuple(each for each in self.record.switches if each.action == "load")


def ran_out_of_time(outcome: TaskOutcome) -> bool:
    """Return whether a call of the task, or of the load of its model, ran into its time limit."""
    return outcome.error_kind == CallTimeoutError.kind


def shared_map(values: Mapping[str, V]) -> Mapping[str, V]:
    """Return an equal map; a small one is one and the same for jobs that do not differ in it."""
    return values if len(values) > _SHARED_ENTRIES else shared(MappingProxyType(dict(values)))


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """Return the mean of what was measured; None where nothing was."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def mean_of_all(values: Iterable[float | None]) -> float | None:
    """Return the mean; None where a value was not measured, or there are none."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return fmean(known) if known and len(known) == len(listed) else None


def median_of_known(values: Iterable[float | None]) -> float | None:
    """Return the median of what was measured; None where nothing was."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def sum_of_known(values: Iterable[N | None]) -> N | None:
    """Return the sum of what was measured; None where nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
