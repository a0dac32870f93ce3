"""Runs that are decided on together: whether they belong together, and which of them are one run again.

The gate says what makes two runs incomparable. Runs may differ in seed, jobs, modes, horizons and budgets, in what is
done with their outcome, and in the place of their server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from pytest_swarm.decision.option_effects import planners, unfelt_options
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.limits import short_digests
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import Run
from pytest_swarm.errors import OptionError
from pytest_swarm.gate.pairing import answers_digest
from pytest_swarm.gate.shards import run_differences
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.units import plural

_JUDGE: Final = "swarm_judge"
_NAMED_TWICE: Final = (
    "ask the same in jobs of other names or sizes, such as those of a table that was imported twice: they are no "
    "further jobs; give one of them"
)
_ADVICE: Final = "decide on each by itself, or run one of them anew like the other"


def check_answered(runs: Sequence[Sequence[MeasuredJob]]) -> None:
    """Raise OptionError where every task of the runs failed: more jobs would tell no more."""
    jobs = [job for each in runs for job in each]
    if any(job.metrics.tasks_failed for job in jobs) and not any(job.metrics.tasks_ok for job in jobs):
        raise OptionError(
            f"decide: every task of {plural(len(jobs), 'job')} failed, so nothing was answered and nothing can be "
            "decided; the report names the errors: look at the backend, and measure again"
        )


def check_families(runs: Iterable[Iterable[MeasuredJob]]) -> None:
    """Raise OptionError where a job is declared to belong to two families."""
    families: dict[str, str] = {}
    for job in (job for each in runs for job in each):
        family = job.record.case.graph.family
        if family is not None and (first := families.setdefault(job.record.case.graph.digest, family)) != family:
            named = f"job {job.job!r:.80} is of family {first!r:.60} and of family {family!r:.60}"
            raise OptionError(f"decide: {named}; declare the same one in all runs")


def check_together(runs: Sequence[Run]) -> None:
    """Raise OptionError, which names what differs, where two of the runs measured different things."""
    for first, other in combinations(runs, 2):
        difference = next(_differences(first, other), None)
        if difference is not None:
            names = f"run {other.info.run} was not made like {first.info.run}"
            raise OptionError(f"decide: {names} ({difference}); {_ADVICE}")


def _differences(one: Run, another: Run) -> Iterator[str]:
    first, other = one.info, another.info
    yield from run_differences(first, other, unfelt=unfelt_options(one, another))
    digests = {full_tag(tag): digest for tag, digest in first.model_digests.items()}
    for tag, digest in other.model_digests.items():
        known = digests.get(full_tag(tag), digest)
        if known != digest:
            yield f"other model {tag}: digest {' and '.join(short_digests(known, digest))}"
    if None not in (first.estimates, other.estimates) and first.estimates != other.estimates:
        yield "other estimates to start from, although --swarm-estimates is the same"
    asked = [", ".join(sorted(planners(run))) for run in (one, another)]
    if all(asked) and asked[0] != asked[1] and _JUDGE not in first.options:
        yield f"other planner: {asked[0]} and {asked[1]}, by the smallest budget of each run; name one: --swarm-planner"


def twin_numbers(runs: Sequence[Iterable[MeasuredJob]]) -> Mapping[int, int]:
    """Return the number of each run that is an earlier one again, with that of the earlier one.

    It is one again where every case that both have got the same answers and score, as with a seed that was run twice,
    or on a server that answers every seed alike. Jobs of which an answer is not known tell nothing.

    Args:
        runs: The jobs of each run.
    """
    if len(runs) < 2:
        return {}
    given = [
        {_slot(job): (digest, job.metrics.score) for job in jobs if (digest := answers_digest(job.record))}
        for jobs in runs
    ]
    twins: dict[int, int] = {}
    for number, answers in enumerate(given):
        for earlier in (each for each in range(number) if each not in twins):
            shared = answers.keys() & given[earlier].keys()
            if shared and all(answers[slot] == given[earlier][slot] for slot in shared):
                twins[number] = earlier
                break
    return twins


def check_twins(runs: Sequence[Run], measured: Sequence[Sequence[MeasuredJob]], twins: Mapping[int, int]) -> None:
    """Refuse a run that adds nothing to the one that it is again.

    Args:
        runs: The runs that are taken together.
        measured: The jobs of each.
        twins: The number of a run that holds the same as another one -> the number of that one.

    Raises:
        OptionError: A run adds nothing.
    """
    for number, earlier in twins.items():
        known = set(map(_slot, measured[earlier]))
        if all(_slot(job) in known for job in measured[number]):
            again, first = runs[number].info.run, runs[earlier].info.run
            raise OptionError(
                f"decide: run {again} gave the same answers as {first} to each of its cases: one run is given "
                "twice, or was repeated with the same seed; give it once"
            )


def check_names(runs: Sequence[Run], measured: Sequence[Sequence[MeasuredJob]]) -> None:
    """Raise OptionError where two runs ask the same under other names of jobs: they would count as further jobs.

    So it is with a table that was imported twice, under two names or in jobs of two sizes, and with renamed workflows.
    """
    graphs = [{graph.digest: graph for graph in (job.record.case.graph for job in each)} for each in measured]
    for first, other in combinations(range(len(runs)), 2):
        one, another = (
            {
                asked: (graph.name, len(graph.tasks))
                for digest, graph in graphs[here].items()
                if digest not in graphs[there]
                for asked in _asked(graph)
            }
            for here, there in ((first, other), (other, first))
        )
        shared = one.keys() & another.keys()
        if shared and 2 * len(shared) >= min(len(one), len(another)):
            edited = all(one[asked] == another[asked] for asked in shared)
            again = _two_versions({one[each][0] for each in shared}) if edited else _NAMED_TWICE
            raise OptionError(f"decide: runs {runs[first].info.run} and {runs[other].info.run} {again}")


def _two_versions(names: Collection[str]) -> str:
    more = f" and {plural(len(names) - 1, 'other')}" if len(names) > 1 else ""
    return (
        f"hold job {min(names)!r}{more} in two versions, which ask mostly the same: they are no further jobs; {_ADVICE}"
    )


def _asked(graph: TaskGraph) -> Iterator[str]:
    """Yield what tells a job from others, whatever its name: its prompts where they are apart, else the whole graph."""
    if graph.edges:
        yield replace(graph, name="-").digest
    else:
        yield from (task.prompt for task in graph.tasks)


def _slot(job: MeasuredJob) -> tuple[str, int]:
    return job.record.case.digest, job.occurrence


def run_digest(jobs: Iterable[MeasuredJob]) -> str:
    """Return the SHA-256 over the cases of a run with their status, score and makespan, in no order."""
    rows = sorted(
        repr(
            (job.record.case.digest, job.occurrence, job.record.status.value, job.metrics.score, job.record.makespan_s)
        )
        for job in jobs
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
