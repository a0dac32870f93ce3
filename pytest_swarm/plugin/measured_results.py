"""What a session makes of cases that were played on measured answers: their records, events, and what is said."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.domain.measured_run import MeasuredTest
from pytest_swarm.errors import AnswersError, NotMeasuredError
from pytest_swarm.execution.asked_server import OUT_OF_TIME
from pytest_swarm.execution.case_player import CompleteCase
from pytest_swarm.execution.waves import NotMeasured
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.execution.reference_matrix import ReferenceMatrix
    from pytest_swarm.execution.waves import Measured, WaveReport
    from pytest_swarm.plugin.cost_estimate import CostEstimate
    from pytest_swarm.telemetry.sink import Sink

OFFLINE: Final = "--swarm-offline forbids to ask a server"
_SHOWN: Final = 3  # missing answers that a message names


def measured_test(case: Case, measured: Measured, *, known_before: Set[str]) -> MeasuredTest:
    """Return what was measured for the cases of a test.

    Args:
        case: One of them.
        measured: What came of them.
        known_before: The keys of the answers that were known when the session began.
    """
    complete = [result for result in measured.cases.values() if isinstance(result, CompleteCase)]
    answers = {key for result in complete for key in result.answers}
    stalled_s = {key: seconds for result in complete for key, seconds in result.stalled_s.items()}
    return MeasuredTest(
        test=base_node_id(case.test),
        job=case.job,
        waves=len(measured.waves),
        answers=len(answers),
        asked=sum(wave.asked for wave in measured.waves),
        loads=sum(wave.loads for wave in measured.waves),
        server_s=sum(wave.server_s for wave in measured.waves),
        unmeasured=len(measured.cases) - len(complete),
        known=len(answers & known_before),
        stalled=len(stalled_s),
        stalled_s=max(0.0, sum(stalled_s.values())),
    )


def played_record(result: CompleteCase, sink: Sink) -> JobRecord:
    """Return the record of a played case after its events; raise what ended it, where that was the test itself.

    Args:
        result: The case.
        sink: Takes its events.
    """
    for event in result.events:
        sink.emit(event)
    if result.error is not None:
        raise result.error
    assert result.record is not None, "a case without an error has a record"
    return result.record


def lacking_time(
    cases: Sequence[Case], asked: Sequence[WaveReport], *, matrix: ReferenceMatrix, run_seed: int
) -> dict[str, NotMeasured]:
    """Return the cases, by digest, that lack answers because --swarm-complete ran out of time.

    Args:
        cases: Cases whose mode needs the answer of every model to every task.
        asked: What --swarm-complete has asked.
        matrix: The questions of all tasks to all models.
        run_seed: The seed of the run.
    """
    if not any(OUT_OF_TIME in wave.failures.values() for wave in asked):
        return {}
    needs = {case.digest: matrix.needs(case.graph, run_seed=run_seed, repeats=(case.key.repeat,)) for case in cases}
    return {
        digest: NotMeasured(lacks=tuple(need.label for need in lacks), reason=OUT_OF_TIME)
        for digest, lacks in needs.items()
        if lacks
    }


def unmeasured_sentence(case: Case, result: NotMeasured) -> str:
    """Return that a case was not measured, and the first answers that it lacks."""
    return f"{case.label} was not measured: it lacks {_lacks(result)}"


def ended_sentence(case: Case, stop: BaseException) -> str:
    """Return that a case was not measured, because its test was ended while answers were asked."""
    reason = f"its test was ended while answers were asked, by {type(stop).__name__}: {stop}"
    return f"{case.label} was not measured: {reason}; what was answered is kept, and the next run goes on"


def unmeasured_error(case: Case, result: NotMeasured, *, answers: Path) -> AnswersError:
    """Return the error of a case that lacks something: NotMeasuredError where only the time was up.

    Args:
        case: The case.
        result: What it lacks, and why.
        answers: The answer store.
    """
    if result.reason == OUT_OF_TIME:
        return NotMeasuredError(f"{unmeasured_sentence(case, result)}; {OUT_OF_TIME}, and the next run goes on")
    advice = "; measure it without --swarm-offline" if result.reason == OFFLINE else f": {result.reason}"
    return AnswersError(f"answers {answers}: {case.label} lacks {_lacks(result)}{advice}")


def _lacks(result: NotMeasured) -> str:
    return ", ".join(result.lacks[:_SHOWN]) + (", ..." if len(result.lacks) > _SHOWN else "")


def cost_sentence(cases: Sequence[Case], estimate: CostEstimate) -> str:
    """Return what cases will ask, such as `24 cases; about 26 calls, 5 loads, ...; 12 answers are known`.

    Args:
        cases: The cases.
        estimate: Counts their cost; it is closed afterwards.
    """
    try:
        errors = sum(estimate.add(case) is not None for case in cases)
    finally:
        estimate.close()
    less = f" ({errors:,} will not complete)" if errors else ""
    new = estimate.new
    told = (f"{plural(len(cases), 'case')}{less}", f"about {new.text}", new.known_text, *estimate.verified_texts)
    return "; ".join(told)
