"""Events of a run on measured answers: what was measured for each test, and cases that were run for real as well."""

from __future__ import annotations

from pytest_swarm.codec import JsonObject, to_json
from pytest_swarm.domain.measured_run import MeasuredTest, PredictedAndReal, VerifiedCase
from pytest_swarm.telemetry.measured_event_types import FigurePair, MeasuredTestEvent, VerifiedCaseEvent


def encode_measured_test(test: MeasuredTest, ts_ms: float) -> JsonObject:
    """Return `measured_test`."""
    return to_json(
        MeasuredTestEvent(
            ts_ms=ts_ms,
            test=test.test,
            job=test.job,
            waves=test.waves,
            answers=test.answers,
            asked=test.asked,
            loads=test.loads,
            server_s=test.server_s,
            unmeasured=test.unmeasured,
            known=test.known,
            stalled=test.stalled,
            stalled_s=test.stalled_s,
        )
    )


def encode_verified_case(verified: VerifiedCase, ts_ms: float) -> JsonObject:
    """Return `verified_case`."""
    return to_json(
        VerifiedCaseEvent(
            ts_ms=ts_ms,
            case=verified.case,
            job=verified.job,
            mode=verified.mode,
            label=verified.label,
            figures={
                name: FigurePair(predicted=pair.predicted, real=pair.real) for name, pair in verified.figures.items()
            },
            questions=verified.questions,
            other_answers=verified.other_answers,
        )
    )


class MeasuredReader:
    """Gathers these events; of a case that was verified twice, the later one counts."""

    def __init__(self) -> None:
        self.tests: list[MeasuredTest] = []
        self.cases: dict[str, VerifiedCase] = {}

    def take(self, event: MeasuredTestEvent | VerifiedCaseEvent) -> None:
        """Take one event."""
        if isinstance(event, MeasuredTestEvent):
            self.tests.append(
                MeasuredTest(
                    test=event.test,
                    job=event.job,
                    waves=event.waves,
                    answers=event.answers,
                    asked=event.asked,
                    loads=event.loads,
                    server_s=event.server_s,
                    unmeasured=event.unmeasured,
                    known=event.known,
                    stalled=event.stalled,
                    stalled_s=event.stalled_s,
                )
            )
            return
        self.cases[event.case] = VerifiedCase(
            case=event.case,
            job=event.job,
            mode=event.mode,
            label=event.label,
            figures={name: PredictedAndReal(pair.predicted, pair.real) for name, pair in event.figures.items()},
            questions=event.questions,
            other_answers=event.other_answers,
        )
