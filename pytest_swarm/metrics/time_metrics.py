"""Metrics of time on the run's clock: loads of models, and what the tasks took."""

from __future__ import annotations

import math

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.domain.switch import Switch, SwitchPurpose
from pytest_swarm.metrics.facts import JobFacts, mean_of_known, sum_of_known
from pytest_swarm.metrics.spec import Column, Kind, MetricGroup, MetricSpec, Show, Unit
from pytest_swarm.metrics.summaries import (
    mean,
    mean_of_entries,
    not_summed_up,
    quantile,
    quantile_of_entries,
)


def _switches(job: JobFacts) -> int | None:
    return len(job.loads) if job.answered else None


def _evictions(job: JobFacts) -> int | None:
    return len(job.record.switches) - len(job.loads) if job.answered else None


def _load_s(job: JobFacts) -> float | None:
    return sum(each.finished_s - each.started_s for each in job.loads) if job.answered else None


def _loads_unused(job: JobFacts) -> int | None:
    loads = [each for each in job.loads if each.purpose is not SwitchPurpose.AUXILIARY]
    return sum(not _is_used(job.record, each) for each in loads) if job.answered else None


def _is_used(record: JobRecord, load: Switch) -> bool:
    """Return whether a task was started on a model after a load, and before the model was unloaded again."""
    gone_s = min(
        (
            each.started_s
            for each in record.switches
            if (each.action, each.model) == ("unload", load.model) and each.started_s >= load.finished_s
        ),
        default=math.inf,
    )
    return any(
        each.model == load.model and each.started_s is not None and load.finished_s <= each.started_s <= gone_s
        for each in record.outcomes
    )


def _makespan_s(job: JobFacts) -> float | None:
    return job.record.makespan_s if job.timed else None


def _total_latency_s(job: JobFacts) -> float | None:
    return sum_of_known(job.latencies_s)


def _latencies_s(job: JobFacts) -> tuple[float, ...]:
    return job.latencies_s


def _p50_latency_s(job: JobFacts) -> float | None:
    return quantile(job.latencies_s, 0.5)


def _p95_latency_s(job: JobFacts) -> float | None:
    return quantile(job.latencies_s, 0.95)


def _ttfts_s(job: JobFacts) -> tuple[float, ...]:
    """Return the seconds to the first token of each call: all of it but the decoding, by the server's count.

    Answers are not streamed, so that nobody sees the first token come; what comes before it is waiting, loading and
    prefill.
    """
    known = ((each.latency_s, each.decode_s) for each in job.record.outcomes)
    return tuple(max(0.0, whole - decode) for whole, decode in known if whole is not None and decode is not None)


def _ttft_s(job: JobFacts) -> float | None:
    return mean_of_known(_ttfts_s(job))


def median_of_calls(column: Column[float | None]) -> float | None:
    """Median over the calls of all jobs."""
    return quantile_of_entries(column, _calls(column), 0.5)


def high_of_calls(column: Column[float | None]) -> float | None:
    """95 % quantile over the calls of all jobs."""
    return quantile_of_entries(column, _calls(column), 0.95)


def mean_of_calls(column: Column[float | None]) -> float | None:
    """Mean over the calls of all jobs."""
    return mean_of_entries(column, [TimeMetrics.ttft_s_per_task.of_job(job) for job in column.jobs])


def _calls(column: Column[float | None]) -> list[tuple[float, ...]]:
    return [TimeMetrics.latency_s_per_task.of_job(job) for job in column.jobs]


class TimeMetrics(MetricGroup):
    """Loads, and what the tasks took."""

    __slots__ = ()
    GROUP = "Time"

    switches = MetricSpec(
        label="Model loads",
        short="loads",
        gives_way=4,
        definition="Explicit loads of models. `null` where no task was answered",
        of=_switches,
        over=mean,
        show=Show.FILES | Show.CURVE | Show.GATE | Show.SCOREBOARD | Show.CHART | Show.TEXT | Show.DETAIL,
        digits=1,
    )
    evictions = MetricSpec(
        label="Model unloads",
        definition="Explicit unloads of models. `null` where no task was answered",
        of=_evictions,
        over=not_summed_up,
        show=Show.CASE | Show.CSV | Show.GATE,
    )
    loads_unused = MetricSpec(
        label="Loads that nothing used",
        short="unused",
        definition="Loads ahead of time for tasks whose model ran none before it was unloaded, or the job ended. Loads "
        "for a planner or judge do not count. `null` where no task was answered",
        of=_loads_unused,
        over=mean,
        show=Show.FILES | Show.GATE,
        digits=1,
    )
    load_s = MetricSpec(
        label="Load time",
        definition="Seconds that the explicit loads took. `null` where no task was answered",
        of=_load_s,
        over=mean,
        show=Show.FILES | Show.CURVE | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    makespan_s = MetricSpec(
        label="Makespan",
        gives_way=1,
        definition="First dispatch to last completion of the job. `null` where all tasks were refused",
        of=_makespan_s,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.TEXT | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    total_latency_s = MetricSpec(
        label="Total latency",
        short="latency",
        definition="Sum of the calls of the job that have a latency",
        of=_total_latency_s,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    latency_s_per_task = MetricSpec(
        label="Latency per task",
        definition="Seconds of each call, as the client saw it, also of one that ran into its time limit; none of one "
        "that was refused",
        of=_latencies_s,
        over=not_summed_up,
        show=Show.CASE,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    p50_latency_s = MetricSpec(
        label="Latency, median",
        short="p50",
        definition="Median seconds of a call",
        of=_p50_latency_s,
        over=median_of_calls,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    p95_latency_s = MetricSpec(
        label="Latency, 95 %",
        short="p95",
        definition="95 % quantile of the seconds of a call (linear between calls)",
        of=_p95_latency_s,
        over=high_of_calls,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    ttft_s_per_task = MetricSpec(
        label="First token per task",
        definition="Seconds to the first token of each call",
        of=_ttfts_s,
        over=not_summed_up,
        show=Show.CASE,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    ttft_s = MetricSpec(
        label="Time to first token",
        short="ttft",
        definition="Seconds of a call before its first token: its latency less the server's time of decoding. `null` "
        "where the server reports no decoding",
        of=_ttft_s,
        over=mean_of_calls,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
