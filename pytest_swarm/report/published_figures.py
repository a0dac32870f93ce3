"""The figures of published telemetry, as the published tables define them, and as text for the terminal.

Only what the files hold: a figure that one of the jobs lacks is not given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.errors import printable
from pytest_swarm.metrics.facts import mean_of_all
from pytest_swarm.report.text_table import aligned
from pytest_swarm.report.wording import NOT_MEASURED, gigabytes, milliseconds, number, percent, seconds
from pytest_swarm.telemetry.published import PublishedJob, PublishedTelemetry
from pytest_swarm.units import plural

_LP, _LLM = "lp", "llm"
_JOB_HEAD: Final = ("job", "mode", "score", "latency", "models")
_TIE: Final = 1e-9  # the published comparison calls scores this close a tie


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModeFigures:
    """The figures of one mode over its jobs; None = not in the files.

    `score_per_token_cost` is the mean over jobs of score / token cost, as published. `solve_ms` is per job.
    """

    mode: str
    jobs: int
    score: float | None
    vram_gb: float | None
    violation_rate: float | None
    latency_s: float | None
    score_per_token_cost: float | None
    solve_ms: float | None
    steps: int
    fallback_steps: int
    tasks: int
    fallback_tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPairing:
    """LP against LLM over the jobs of both: jobs won and tied, and tasks on which the models differ.

    `differed` counts tasks with different models, of `tasks`. `lp_better`, `llm_better` and `tied` split them by task
    score; None where the files score no tasks.
    """

    jobs_lp_won: int
    jobs_llm_won: int
    jobs_tied: int
    differed: int
    tasks: int
    lp_better: int | None
    llm_better: int | None
    tied: int | None


def mode_figures(jobs: Iterable[PublishedJob]) -> tuple[PublishedModeFigures, ...]:
    """Return the figures of each mode, in the order in which the modes first appear."""
    by_mode: dict[str, list[PublishedJob]] = {}
    for job in jobs:
        by_mode.setdefault(job.mode, []).append(job)
    return tuple(_figures(mode, found) for mode, found in by_mode.items())


def _figures(mode: str, jobs: Sequence[PublishedJob]) -> PublishedModeFigures:
    tasks = [task for job in jobs for task in job.tasks]
    return PublishedModeFigures(
        mode=mode,
        jobs=len(jobs),
        score=mean_of_all(job.score for job in jobs),
        vram_gb=mean_of_all(job.vram_gb for job in jobs),
        violation_rate=mean_of_all(job.violated for job in jobs),
        latency_s=mean_of_all(job.latency_s for job in jobs),
        score_per_token_cost=mean_of_all(
            job.score / job.token_cost if job.score is not None and job.token_cost else None for job in jobs
        ),
        solve_ms=mean_of_all(job.solve_ms for job in jobs),
        steps=sum(job.steps for job in jobs),
        fallback_steps=sum(job.fallback_steps for job in jobs),
        tasks=len(tasks),
        fallback_tasks=sum(task.by_fallback for task in tasks),
    )


def pairing(jobs: Sequence[PublishedJob]) -> PublishedPairing | None:
    """Return LP against LLM over the jobs of one run under both modes; None where there is none."""
    lp, llm = _by_run(jobs, _LP), _by_run(jobs, _LLM)
    pairs = [(lp[name], llm[name]) for name in lp if name in llm]
    scored = [(a.score, b.score) for a, b in pairs if a.score is not None and b.score is not None]
    if not scored:
        return None
    models = [(task, other) for a, b in pairs for task in a.tasks for other in b.tasks if task.task == other.task]
    differing = [(a, b) for a, b in models if a.model != b.model]
    known = [(a.score, b.score) for a, b in differing if a.score is not None and b.score is not None]
    complete = len(known) == len(differing)
    return PublishedPairing(
        jobs_lp_won=_wins(scored),
        jobs_llm_won=_wins((b, a) for a, b in scored),
        jobs_tied=sum(abs(a - b) <= _TIE for a, b in scored),
        differed=len(differing),
        tasks=len(models),
        lp_better=_wins(known) if complete else None,
        llm_better=_wins((b, a) for a, b in known) if complete else None,
        tied=sum(abs(a - b) <= _TIE for a, b in known) if complete else None,
    )


def _by_run(jobs: Sequence[PublishedJob], mode: str) -> dict[tuple[str, str], PublishedJob]:
    """Return the jobs of a mode by run and name; the id of a run ends in its mode."""
    return {(job.run.removesuffix(f"-{mode}"), job.job): job for job in jobs if job.mode == mode}


def _wins(pairs: Iterable[tuple[float, float]]) -> int:
    return sum(a - b > _TIE for a, b in pairs)


def published_text(telemetry: PublishedTelemetry) -> str:
    """Return the figures as text: a table of the modes, LP against LLM, and a row for each job."""
    modes, pair = mode_figures(telemetry.jobs), pairing(telemetry.jobs)
    benchmarks = ", ".join(sorted({job.benchmark or "unnamed" for job in telemetry.jobs})) or "no finished job"
    lines = [f"Published telemetry, as recorded by others: {benchmarks}", ""]
    heading = ("", *(each.mode for each in modes))
    lines += aligned((heading, *((label, *map(shown, modes)) for label, shown in _ROWS)), left=len(heading))
    if pair is not None:
        lines += ["", *_pair_lines(pair)]
    lines += ["", *aligned((_JOB_HEAD, *map(_job_row, telemetry.jobs)), left=len(_JOB_HEAD))]
    lines += [f"note: {each}" for each in telemetry.notes]
    return "\n".join(map(printable, lines))


def _job_row(job: PublishedJob) -> tuple[str, ...]:
    return (job.job, job.mode, percent(job.score, digits=1), seconds(job.latency_s), _models(job))


def _pair_lines(pair: PublishedPairing) -> list[str]:
    share = percent(pair.differed / pair.tasks if pair.tasks else None, digits=1)
    lines = [
        f"jobs won: lp {pair.jobs_lp_won}, llm {pair.jobs_llm_won}, tied {pair.jobs_tied}",
        f"different models for {pair.differed} of {plural(pair.tasks, 'task')} ({share})",
    ]
    if pair.lp_better is None:
        lines.append("the files score no tasks, so which choice was better cannot be said")
    else:
        lines.append(f"there lp better {pair.lp_better}, llm better {pair.llm_better}, tie {pair.tied}")
    return lines


def _models(job: PublishedJob) -> str:
    return ", ".join(dict.fromkeys(task.model for task in job.tasks)) or NOT_MEASURED


_ROWS: Final[tuple[tuple[str, Callable[[PublishedModeFigures], str]], ...]] = (
    ("jobs", lambda mode: str(mode.jobs)),
    ("mean job score", lambda mode: percent(mode.score, digits=1)),
    ("mean VRAM", lambda mode: gigabytes(mode.vram_gb)),
    ("jobs over budget, as recorded", lambda mode: percent(mode.violation_rate, digits=1)),
    ("mean total latency", lambda mode: seconds(mode.latency_s)),
    ("score per token cost", lambda mode: number(mode.score_per_token_cost, 4)),
    ("solve time per job", lambda mode: milliseconds(mode.solve_ms)),
    ("steps decided by the fallback", lambda mode: f"{mode.fallback_steps} of {mode.steps}"),
    ("tasks assigned by the fallback", lambda mode: f"{mode.fallback_tasks} of {mode.tasks}"),
)
