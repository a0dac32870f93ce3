"""Writing a baseline anew: what is replaced, what is added, what is kept, what goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.pairing import RunCases, pair
from pytest_swarm.gate.run_context import RunContext, differences

Update: TypeAlias = Literal["new", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """The baseline to write, and how many cases came how into it."""

    baseline: Baseline
    added: int
    replaced: int
    kept: int
    dropped: int

    @property
    def sentence(self) -> str:
        """`12 cases: 3 added, 9 replaced`."""
        parts = [(self.added, "added"), (self.replaced, "replaced"), (self.kept, "kept"), (self.dropped, "dropped")]
        said = ", ".join(f"{count:,} {word}" for count, word in parts if count) or "nothing changed"
        total = len(self.baseline.cases)
        return f"{total:,} case{'' if total == 1 else 's'}: {said}"


def refuse_mixture(baseline: Baseline, now: RunContext) -> None:
    """BaselineError where cases of this run must not be added to the others: one file, one set of circumstances."""
    found = list(differences(baseline.circumstances, now))
    if baseline.circumstances.seed != now.seed:
        found.append(f"other seed: {baseline.circumstances.seed} then, {now.seed} now")
    if found:
        raise BaselineError(
            f"{baseline.where}: nothing can be added to it ({found[0]}); write it anew with --swarm-update-baseline=all"
        )


def updated(
    old: Baseline | None,
    taken: RunCases,
    now: RunContext,
    *,
    update: Update,
    covered: Callable[[BaselineCase], bool],
) -> Updated:
    """The baseline after this run.

    `all`: cases that ran are replaced, and those that the run covered but no longer has go; what it did not cover is
    kept, unless the circumstances are other ones, for then the file is written anew. `new`: cases that the file lacks
    are added, changed graphs replaced, everything else stays. A case with a job that was not completed stays as it was.
    """
    broken = {each.setup for each in taken.broken}
    whole = tuple(case for case in taken.cases if case.setup not in broken)
    if old is None:
        return _updated(Baseline(circumstances=now, cases=whole), added=len(whole))
    if update == "all" and (differences(old.circumstances, now) or old.circumstances.seed != now.seed):
        return _updated(Baseline(circumstances=now, cases=whole), added=len(whole), dropped=len(old.cases))
    found = pair(old, whole, covered=covered)
    untouched = [*found.elsewhere, *(case for case in found.missing if update == "new" or case.setup in broken)]
    if update == "new":
        untouched += [match.before for match in found.matches]
        fresh = [*found.new, *(each.now for each in found.changed)]
        circumstances = old.circumstances
    else:
        fresh, circumstances = list(whole), now
    return _updated(
        Baseline(circumstances=circumstances, cases=(*untouched, *fresh)),
        added=len(found.new),
        replaced=len(fresh) - len(found.new),
        kept=len(untouched),
        dropped=len(found.missing) - sum(case in untouched for case in found.missing),
    )


def _updated(baseline: Baseline, *, added: int = 0, replaced: int = 0, kept: int = 0, dropped: int = 0) -> Updated:
    return Updated(baseline=baseline, added=added, replaced=replaced, kept=kept, dropped=dropped)
