"""The findings of a run in plain sentences, by rules from its metrics; never more than the interval supports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pytest_swarm.domain.record import JobStatus, TaskStatus
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.budget_text import budget_sentences
from pytest_swarm.report.claims import TONES, Claim, Tone, claim_of
from pytest_swarm.report.note_groups import grouped
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.savings import savings_parts
from pytest_swarm.report.score_basis import oracle_sentences, score_basis_sentences
from pytest_swarm.report.server_text import main_memory_sentences, slow_run_sentences
from pytest_swarm.report.wording import joined, one_line, part_of, percent, point_range, points, signed_points
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.statistics.intervals import Interval
from pytest_swarm.units import plural

_FEW_MODES: Final = 3  # more claims than these need a caution; more names than these are counted
AnswerKind: TypeAlias = Literal["comparison", "saving", "caution", "budget", "planner", "code", "hosts", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One sentence of the answer."""

    kind: AnswerKind
    tone: Tone
    text: str


def answers(report: Report) -> tuple[Answer, ...]:
    """Return all sentences: comparisons first, then the budget, who really decided, and what is missing.

    Where nothing was measured, that comes first, in place of the comparisons.
    """
    nothing = nothing_measured(report)
    spoken = [compared(each) for each in main_comparisons(report)] if nothing is None else [nothing]
    return (
        *spoken,
        *(_savings(report) if nothing is None else ()),
        *_caution(spoken),
        *(
            Answer(kind="caution", tone="open", text=each)
            for each in (
                *(score_basis_sentences(report) if nothing is None else ()),
                *main_memory_sentences(report.jobs),
                *slow_run_sentences(report),
                *oracle_sentences(report),
            )
        ),
        *(Answer(kind="budget", tone=tone, text=text) for tone, text in budget_sentences(report)),
        *_planner(report.modes),
        *_code(report),
        *_hosts(report),
        *_missing(report),
    )


def _hosts(report: Report) -> Iterator[Answer]:
    """Yield which server ran how many jobs, where there were several."""
    ran = Counter(job.record.host for job in report.jobs if job.record.host is not None)
    if ran:
        shares = ", ".join(f"{host} ran {plural(count, 'job')}" for host, count in sorted(ran.items()))
        yield Answer(kind="hosts", tone="plain", text=f"Servers: {shares}.")


def nothing_measured(report: Report) -> Answer | None:
    """Return a sentence where no job was run, or every task failed: scores of 0 then say nothing about any model."""
    if not report.run.jobs:
        text = "No job was run, so nothing was measured; look at the notes, and run it again."
        return Answer(kind="missing", tone="bad", text=text)
    count, skipped, first = 0, 0, None
    for job in report.run.jobs:
        for each in job.outcomes:
            if each.status is TaskStatus.OK:
                return None
            if each.status is TaskStatus.SKIPPED:
                skipped += 1
            else:
                count, first = count + 1, first or each
    if first is None:
        return None
    behind = f"; skipped behind them: {skipped:,}" if skipped else ""
    text = (
        f"Every task failed ({count:,} of {count:,}{behind}), so nothing was measured; look at the backend."
        f" The first was {first.task!r} on {first.model}: {one_line(first.error or 'no reason given', 300)}"
    )
    return Answer(kind="missing", tone="bad", text=text)


def main_comparisons(report: Report) -> tuple[Comparison, ...]:
    """Return the overall comparisons worth a sentence: of two modes the one, of more each against the reference."""
    return report.overall if len(report.modes) == 2 else report.against(report.reference)


def compared(c: Comparison) -> Answer:
    """Return one comparison in words: both scores, over what, and what the interval supports."""
    mode, reference = mode_name(c.mode), mode_name(c.reference)
    if c.difference is None:
        text = f"{mode} and {reference} cannot be compared: no pair of jobs has a score under both."
        return Answer(kind="comparison", tone="open", text=text)
    head = f"{mode} scored {percent(c.score_mode, digits=1)}, {reference} {percent(c.score_reference, digits=1)}"
    over = f"over {plural(c.difference.samples, 'pair')} from {plural(c.difference.clusters, c.difference.unit)}"
    claim = claim_of(c)
    tone = TONES[Claim.BETTER if claim is Claim.WORSE else claim]  # it is said of the better mode
    text = f"{head}, {over}: {_supported(c, c.difference)}{_divergence(c, mode, reference)}"
    return Answer(kind="comparison", tone=tone, text=text)


def _supported(c: Comparison, found: Interval) -> str:
    """Return what the data support of a difference."""
    claim, size = claim_of(c), points(found.mean)
    signed = f"the difference of {signed_points(found.mean)} points"
    difference = "a difference below 0.1 points" if size.startswith("0.0 ") else signed
    if found.low is None or found.high is None:
        if claim is Claim.EQUAL:
            return f"the same score in every pair ({found.note})."
        return f"whether {difference} is real cannot be said ({found.note})."
    low, high = found.low, found.high
    if found.is_below_zero:  # said of the better mode, so seen from its side
        low, high = -high, -low
    interval = f"95 % interval {point_range(low, high)} points"
    match claim:
        case Claim.SAME:
            return f"the same within {points(found.reach or 0.0)}, {interval}."
        case Claim.EQUAL:
            return f"the same score in every pair; for other workflows the {interval}."
        case Claim.OPEN:
            return f"{difference} is within noise, {interval}."
    return f"{mode_name(c.mode if claim is Claim.BETTER else c.reference)} is better by {size}, {interval}."


def _divergence(c: Comparison, mode: str, reference: str) -> str:
    if c.routing_divergence_pct is None:
        return ""
    if c.tasks_diverged == 0:
        return f" They chose the same model for {part_of(c.tasks_compared, c.tasks_compared, 'task')}."
    head = f" They chose different models for {part_of(c.tasks_diverged, c.tasks_compared, 'task')}"
    if c.tasks_diverged == c.when_differed_unscored:
        return f"{head}, {'which has no score' if c.tasks_diverged == 1 else 'none of them scored'}."
    unscored = f"{c.when_differed_unscored:,} without a score" if c.when_differed_unscored else ""
    counts = [
        f"{mode} did better on {c.when_differed_better:,}",
        f"{reference} on {c.when_differed_worse:,}",
        f"{c.when_differed_tie:,} tied",
        *([f"{unscored}"] if unscored else []),
    ]
    return f"{head}; there {joined(counts)}."


def _savings(report: Report) -> Iterable[Answer]:
    """Say what each mode saves against `fixed`, where that ran."""
    parts = savings_parts(report)
    if parts:
        yield Answer(kind="saving", tone="plain", text=f"{'; '.join(parts)}.")


def _caution(spoken: Sequence[Answer]) -> Iterable[Answer]:
    """Warn that many intervals at 95 % each are not 95 % together."""
    count = len(spoken)
    if count > _FEW_MODES and any(each.tone == "good" for each in spoken):
        text = (
            f"Each of the {count} intervals is 95 % on its own; among so many, one that excludes zero may be chance"
            f" (a family-wise claim wants {100 - 5 / count:.1f} %)."
        )
        yield Answer(kind="caution", tone="open", text=text)


def _planner(modes: Sequence[Aggregate]) -> Iterable[Answer]:
    """Say how much of a planner's routing was really the planner's."""
    for each in modes:
        asked = each.origins.get("planner", 0) + each.origins.get("replanner", 0)
        filled = each.origins.get("fill-in", 0)
        if filled == 0:
            continue
        failures = ", ".join(f"{kind} {count:,}" for kind, count in each.planner_failures.items())
        text = (
            f"{mode_name(each.mode)}: {part_of(filled, asked + filled, 'assignment')}"
            f" {'was' if filled in (1, asked + filled) else 'were'} not"
            f" the planner's but filled in by greedy{f' (failures: {failures})' if failures else ''}."
        )
        yield Answer(kind="planner", tone="bad", text=text)


def _code(report: Report) -> Iterable[Answer]:
    """Say what confined the answered code that was run."""
    for layers in dict.fromkeys(layers for job in report.jobs for layers in job.sandboxes):
        missing = [name for name in ("landlock", "seccomp") if name not in layers]
        text = f"Answered code was run, confined by {joined(list(layers))}"
        text += f"; {joined(missing)} did not hold, so it could read files." if missing else "."
        yield Answer(kind="code", tone="bad" if missing else "plain", text=text)


def _missing(report: Report) -> Iterable[Answer]:
    """Say what has no score, and whether the run stopped early."""
    lost = [(each.errors + each.infeasible, each) for each in report.modes if each.errors + each.infeasible]
    for count, each in lost:
        causes = ((each.errors, "by an error"), (each.infeasible, "infeasible"))
        why = ", ".join(f"{jobs:,} {cause}" for jobs, cause in causes if jobs)
        text = (
            f"{mode_name(each.mode)}: {part_of(count, each.jobs, 'job')} ended without a score"
            f" ({why}) and {'counts' if count in (1, each.jobs) else 'count'} in no mean."
        )
        yield Answer(kind="missing", tone="bad", text=text)
    completed = [each for each in report.jobs if each.record.status is JobStatus.COMPLETED]
    not_run = sum(len(each.metrics.not_run) for each in completed)
    if not_run:
        verb = "was" if not_run == 1 else "were"
        kept = "each that could be scored counts 0, and no time or cost of its job is compared"
        text = f"{plural(not_run, 'task')} failed or {verb} skipped; {kept}."
        yield Answer(kind="missing", tone="bad", text=text)
    if tests := report.run.lost_tests:
        are, more = ("is", "") if len(tests) == 1 else ("are", f" and {len(tests) - 1:,} more")
        text = f"{plural(len(tests), 'benchmark')} failed before a job had ended, and {are} not in this report"
        yield Answer(kind="missing", tone="bad", text=f"{text}: {one_line(tests[0], 100)}{more}.")
    yield from _cut(report.modes)
    again = len(report.run.jobs) - len(report.jobs)
    if again:
        whose = "its job" if again == 1 else "their jobs"
        text = f"{plural(again, 'attempt')} ended early, and {whose} ran again; only the last attempt of a job counts."
        yield Answer(kind="missing", tone="plain", text=text)
    if not report.run.complete:
        yield Answer(kind="missing", tone="bad", text="The run did not come to its end; this is what was finished.")


def _cut(modes: Sequence[Aggregate]) -> Iterable[Answer]:
    """Say how many prompts and answers of a mode were cut off, and how many answers say nothing."""
    for each in modes:
        counts = (
            (each.truncated_prompts, "prompt", "that the server cut, whose answers do not count"),
            (each.cut_answers, "answer", "cut off at the model's own limit of tokens (num_predict)"),
            (each.empty_answers, "answer", "without a word outside of thinking"),
        )
        parts = [f"{plural(count, noun)} {what}" for count, noun, what in counts if count]
        if parts:
            yield Answer(kind="missing", tone="bad", text=f"{mode_name(each.mode)}: {joined(parts)}.")


def missing_sentences(report: Report) -> list[str]:
    """Return the run's notes, and what happened to jobs without a score or with tasks that were not run; by kinds."""
    sentences = [*report.run.notes]
    for each in report.jobs:
        place = f"{each.job} [{each.key.label}{f'-r{each.key.repeat}' if each.key.repeat > 1 else ''}]"
        if each.record.status is not JobStatus.COMPLETED:
            why = (each.record.error or "no reason given").removeprefix(f"{each.record.case.label}, ")
            sentences.append(f"{place} ended as {each.record.status}: {why}")
        elif each.metrics.not_run:
            names = ", ".join(f"{task.task} {task.status}" for task in each.metrics.not_run)
            sentences.append(f"{place}: {names}: {each.metrics.not_run[0].error or 'no reason given'}")
    return grouped(sentences)
