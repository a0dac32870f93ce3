"""--swarm-dry-run: what a run would cost, before anything is asked. Each case is played on imagined answers."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.text_tokens import counted_tokens
from pytest_swarm.execution.imagined_answers import USUAL_TOKENS_PER_S, unmeasured_models
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.plugin.cost_estimate import CostEstimate, EstimateSetup, WholeCost, estimate_with, without_own_scorers
from pytest_swarm.plugin.lazy_parts import made
from pytest_swarm.plugin.options import Options
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.plugin.resources import Resources

_FIRST_ONLY: Final = "a test that runs several graphs is counted with the first of them alone"  # it is skipped there
_ALL_REPEATS: Final = "all repeats are counted; --swarm-repeat=auto leaves out those of a case that is decided"
_CUT_OFF: Final = "the dry run did not come to its end, so the run costs more"


class DryRun:
    """Counts the cost of the cases that a session would run.

    Args:
        resources: The session's resources.
        auto_repeat: Whether the run may stop a case before its last repeat.
    """

    def __init__(self, resources: Resources, *, auto_repeat: bool) -> None:
        self._resources = resources
        self._auto_repeat = auto_repeat
        self._ran = WholeCost()
        self._added = False
        self._opened = ExitStack()
        self.failed = 0
        """Cases that would not complete; they are not counted."""
        self.finished = 0
        """Cases of the run that goes on, which it has finished."""
        self.complete = True
        """Whether every collected case was counted."""

    @property
    def _asks(self) -> bool:
        """Whether the backend asks a real server, or keeps answers; else the cases can be run as they are."""
        return self._resources.backend.live or self._resources.measuring is not None

    @cached_property
    def _estimate(self) -> CostEstimate:
        resources = self._resources
        if resources.measuring is not None:
            estimate = resources.measuring.estimate()
        else:
            setup = EstimateSetup(make_bench=resources.bench_of, complete=False, seed=0)
            models = unmeasured_models(resources.demand.tags)
            store = self._opened.enter_context(AnswerStore(None))
            estimate = estimate_with(store, models, resources.fleet, setup=setup)
        self._opened.callback(estimate.close)
        return estimate

    def add(self, case: Case, *, carryover: Carryover) -> str | None:
        """Count a case; return why it would not complete, None where it would as far as that is known.

        Args:
            case: The case.
            carryover: Whether it starts from nothing, or from what its group has loaded.
        """
        error = self._estimate.add(case, carryover=carryover) if self._asks else self._run(case, carryover)
        self._added = True
        self.failed += error is not None
        return error

    def add_finished(self, earlier: JobRecord, *, verify: bool) -> None:
        """Count a case that the run which goes on has finished.

        Args:
            earlier: Its record.
            verify: Whether it is still to be run for real as well.
        """
        self.finished += 1
        if verify:
            self._estimate.verified.add(earlier, tokens=_tokens(earlier))

    def _run(self, case: Case, carryover: Carryover) -> str | None:
        """Run a case that asks nobody; its tokens are those of its tasks."""
        record = self._resources.bench.run(without_own_scorers(case), carryover=carryover)
        if record.status is not JobStatus.COMPLETED:
            return record.error or record.status.value
        self._ran.add(record, tokens=_tokens(record))
        return None

    def lines(self) -> list[str]:
        """Return what the run would cost, as lines for the terminal."""
        estimate = made(self, DryRun._estimate)  # where no case was counted, it is too late to make one
        verified = () if estimate is None else estimate.verified_texts
        if not self._added:
            return [f"dry run of 0 cases ({self.finished:,} have ended earlier)", *verified] if self.finished else []
        whole = self._estimate.whole if self._asks else self._ran
        if not whole.cases:
            return []
        cases = plural(whole.cases, "case")
        more = [f"{self.failed:,} more would not complete"] if self.failed else []
        more += [f"{self.finished:,} more have ended earlier"] if self.finished else []
        cases += f" ({', '.join(more)})" if more else ""
        remarks = [*self._assumed(), _FIRST_ONLY]
        remarks += [_ALL_REPEATS] if self._auto_repeat else []
        remarks += [] if self.complete else [_CUT_OFF]
        remarks += self._ignored()
        if self._resources.measuring is None:
            return [f"dry run of {cases}: about {whole.text}", *remarks]
        new = self._estimate.new
        return [
            f"dry run of {cases}; {new.known_text}, and what is not known is estimated",
            f"now: about {new.text}",
            *verified,
            f"without the store: about {whole.text}",
            *remarks,
        ]

    def _ignored(self) -> list[str]:
        """Return a sentence for each option of the run's end, which a dry run does not have."""
        settings = self._resources.settings
        asked = ((Options.update_baseline, settings.update_baseline), (Options.decide, settings.decide))
        return [f"{row.flag} has no effect on a dry run" for row, value in asked if value]

    def _assumed(self) -> list[str]:
        """Return what the minutes rest on where nobody has stated or measured how fast a model is."""
        models = self._estimate.without_speed if self._asks else ()
        if not models:
            return []
        speed = f"the minutes assume {USUAL_TOKENS_PER_S:.0f} tokens/s for {', '.join(models)}"
        return [f"{speed}, whose speed is not known: state decode_tokens_per_s in the fleet file"]

    def close(self) -> None:
        """Close the bench, and the store."""
        self._opened.close()


def _tokens(record: JobRecord) -> int:
    """Return the tokens of the tasks of a case."""
    done = record.outcomes
    return sum((each.prompt_tokens or 0) + counted_tokens(each.completion_tokens, each.answer or "") for each in done)
