"""Updates of a baseline by a run: which cases are added, replaced, kept and dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, sorted_samples
from pytest_swarm.gate.looks import repeats_of
from pytest_swarm.gate.pairing import RunCases, pair_cases
from pytest_swarm.gate.run_context import RunContext, differences
from pytest_swarm.units import plural

Update: TypeAlias = Literal["new", "all", "append"]
MOST_RUNS: Final = 10
"""Runs that a baseline keeps: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineUpdate:
    """The baseline to write, and how many of its cases were added, given more repeats, replaced, kept and dropped."""

    baseline: Baseline
    added: int = 0
    extended: int = 0
    replaced: int = 0
    kept: int = 0
    dropped: int = 0

    @property
    def sentence(self) -> str:
        """What changed, as in `12 cases: 3 added, 9 replaced`."""
        parts = [
            (self.added, "added"),
            (self.extended, "with a further run"),
            (self.replaced, "replaced"),
            (self.kept, "kept"),
            (self.dropped, "dropped"),
        ]
        said = ", ".join(f"{count:,} {word}" for count, word in parts if count) or "nothing changed"
        return f"{plural(len(self.baseline.cases), 'case')}: {said}"


def require_same_context(baseline: Baseline, now: RunContext, *, append: bool = False) -> None:
    """Check that cases of a run may be added to a baseline.

    Args:
        baseline: the stored results.
        now: the context of the run.
        append: whether the run is added as a further one, which may have another seed.

    Raises:
        BaselineError: the run has another context or seed. A file holds results of one context only.
    """
    found = list(differences(baseline.context, now))
    if not append and baseline.context.seed != now.seed:
        found.append(f"other seed: {baseline.context.seed} then, {now.seed} now")
    if found:
        raise BaselineError(
            f"{baseline.where}: nothing can be added to it ({found[0]}); replace it with --swarm-update-baseline=all"
        )


def update_baseline(
    old: Baseline | None,
    run: RunCases,
    now: RunContext,
    *,
    update: Update,
    covered: Callable[[BaselineCase], bool],
) -> BaselineUpdate:
    """Return the baseline after a run. A case with a job that was not completed stays as it was.

    Args:
        old: the stored baseline; None where there is none.
        run: the cases of the run.
        now: the context of the run.
        update: `all` replaces the cases that ran, and drops those that their own test no longer has though it ran. A
            test that did not run, for whatever reason, keeps its cases. In another context, it keeps nothing. `new`
            adds the cases that the file lacks, replaces changed graphs, and keeps all else. `append` adds the run to
            those that the file holds, and keeps the newest MOST_RUNS; it drops no case.
        covered: whether the run would have run a case of the baseline if it still existed.
    """
    incomplete = {each.setup for each in run.incomplete}
    whole = tuple(case for case in run.cases if case.setup not in incomplete)
    if old is None:
        return BaselineUpdate(baseline=Baseline(context=now, cases=whole), added=len(whole))
    if update == "all" and (differences(old.context, now) or old.context.seed != now.seed):
        return BaselineUpdate(baseline=Baseline(context=now, cases=whole), added=len(whole), dropped=len(old.cases))
    if update == "append":
        return _append(old, whole, now)
    grows = update == "new" or repeats_of(run) > repeats_of(RunCases(cases=old.cases))
    looks = old.looks if grows else ()  # more repeats of what is stored go on with a series of looks
    found = pair_cases(old, whole, covered=covered)
    ran = {case.test_name for case in run.cases}
    untouched = [
        *found.elsewhere,
        *(case for case in found.missing if update == "new" or case.setup in incomplete or case.test_name not in ran),
    ]
    if update == "new":
        untouched += [match.before for match in found.matches]
        fresh = [*found.new, *(each.now for each in found.changed)]
        context = old.context
    else:
        fresh, context = list(whole), now
    return BaselineUpdate(
        baseline=Baseline(context=context, cases=(*untouched, *fresh), looks=looks),
        added=len(found.new),
        replaced=len(fresh) - len(found.new),
        kept=len(untouched),
        dropped=len(found.missing) - sum(case in untouched for case in found.missing),
    )


def _append(old: Baseline, cases: tuple[BaselineCase, ...], now: RunContext) -> BaselineUpdate:
    """The samples of the run beside those of earlier runs; a changed graph starts anew."""
    stored = {case.identity: _of_run(case.samples, old.context.run) for case in old.cases}
    ran = {case.identity for case in cases}
    changed = {case.setup for case in cases if case.identity not in stored}
    kept = [case for case in old.cases if case.setup not in changed and case.identity not in ran]
    fresh = [
        replace(case, samples=sorted_samples((*stored.get(case.identity, ()), *_of_run(case.samples, now.run))))
        for case in cases
    ]
    runs = sorted({sample.run for case in (*kept, *fresh) for sample in case.samples})[-MOST_RUNS:]
    fresh = [replace(case, samples=tuple(each for each in case.samples if each.run in runs)) for case in fresh]
    added = sum(case.identity not in stored for case in cases)
    return BaselineUpdate(
        baseline=Baseline(context=now, cases=(*kept, *fresh), looks=old.looks),
        added=added,
        extended=len(fresh) - added,
        kept=len(kept),
        dropped=len(old.cases) - len(kept) - (len(fresh) - added),
    )


def _of_run(samples: Iterable[BaselineSample], run: str) -> list[BaselineSample]:
    """The samples with the run that they come from, where they do not say it yet."""
    return [sample if sample.run else replace(sample, run=run) for sample in samples]
