"""Updates of a baseline by a run: which cases are added, replaced, kept and dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.pairing import RunCases, pair_cases
from pytest_swarm.gate.run_context import RunContext, differences

Update: TypeAlias = Literal["new", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineUpdate:
    """The baseline to write, and how many of its cases were added, replaced, kept and dropped."""

    baseline: Baseline
    added: int = 0
    replaced: int = 0
    kept: int = 0
    dropped: int = 0

    @property
    def sentence(self) -> str:
        """What changed, as in `12 cases: 3 added, 9 replaced`."""
        parts = [(self.added, "added"), (self.replaced, "replaced"), (self.kept, "kept"), (self.dropped, "dropped")]
        said = ", ".join(f"{count:,} {word}" for count, word in parts if count) or "nothing changed"
        total = len(self.baseline.cases)
        return f"{total:,} case{'' if total == 1 else 's'}: {said}"


def require_same_context(baseline: Baseline, now: RunContext) -> None:
    """Check that cases of a run may be added to a baseline.

    Raises:
        BaselineError: the run has another context or seed. A file holds results of one context only.
    """
    found = list(differences(baseline.context, now))
    if baseline.context.seed != now.seed:
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
        update: `all` replaces the cases that ran, drops those that the run covered but no longer has, and keeps what
            it did not cover; in another context, it keeps nothing. `new` adds the cases that the file lacks, replaces
            changed graphs, and keeps all else.
        covered: whether the run would have run a case of the baseline if it still existed.
    """
    incomplete = {each.setup for each in run.incomplete}
    whole = tuple(case for case in run.cases if case.setup not in incomplete)
    if old is None:
        return BaselineUpdate(baseline=Baseline(context=now, cases=whole), added=len(whole))
    if update == "all" and (differences(old.context, now) or old.context.seed != now.seed):
        return BaselineUpdate(baseline=Baseline(context=now, cases=whole), added=len(whole), dropped=len(old.cases))
    found = pair_cases(old, whole, covered=covered)
    untouched = [*found.elsewhere, *(case for case in found.missing if update == "new" or case.setup in incomplete)]
    if update == "new":
        untouched += [match.before for match in found.matches]
        fresh = [*found.new, *(each.now for each in found.changed)]
        context = old.context
    else:
        fresh, context = list(whole), now
    return BaselineUpdate(
        baseline=Baseline(context=context, cases=(*untouched, *fresh)),
        added=len(found.new),
        replaced=len(fresh) - len(found.new),
        kept=len(untouched),
        dropped=len(found.missing) - sum(case in untouched for case in found.missing),
    )
