"""Events of a run on measured answers: what was measured for each test, and cases that were run for real as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonObject, SharedFields, to_json
from pytest_swarm.domain.measured_run import MeasuredTest, PredictedAndReal, VerifiedCase
from pytest_swarm.telemetry.event_fields import Count, Milliseconds


class MeasuredTestEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="measured_test"):
    """The cases of one test, measured together: what was asked of the server for them."""

    ts_ms: Milliseconds
    test: Annotated[str, Meta(description="the test without its case")]
    job: str
    waves: Annotated[Count, Meta(description="rounds in which something was measured")]
    answers: Annotated[Count, Meta(description="distinct answers that the cases were played on")]
    asked: Annotated[Count, Meta(description="answers that were asked")]
    loads: Annotated[Count, Meta(description="models that were loaded")]
    server_s: Annotated[float, Meta(ge=0.0, description="seconds of the server")]
    unmeasured: Annotated[Count, Meta(description="cases that lack something")] = 0
    known: Annotated[Count | None, Meta(description="of the answers, those known before")] = None
    stalled: Annotated[Count, Meta(description="answers whose prompt stalled, and is played at the usual speed")] = 0
    stalled_s: Annotated[float, Meta(ge=0.0, description="seconds that these prompts took beyond that")] = 0.0


class VerifiedCaseEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="verified_case"):
    """A case that was played on measured answers and then run for real."""

    ts_ms: Milliseconds
    case: Annotated[str, Meta(description="identity of the case")]
    job: str
    mode: str
    label: Annotated[str, Meta(description="mode, horizon and budget, as in test ids")]
    figures: Annotated[Mapping[str, PredictedAndReal], Meta(description="metric -> predicted and real")]
    questions: Annotated[Count, Meta(description="questions of tasks that were the same for real")] = 0
    other_answers: Annotated[Count, Meta(description="of these, how many got another answer")] = 0


_TEST: Final = SharedFields(MeasuredTest, MeasuredTestEvent)
_CASE: Final = SharedFields(VerifiedCase, VerifiedCaseEvent)


def encode_measured_test(test: MeasuredTest, ts_ms: float) -> JsonObject:
    """Return `measured_test`."""
    return to_json(MeasuredTestEvent(ts_ms=ts_ms, **_TEST.of(test)))


def encode_verified_case(verified: VerifiedCase, ts_ms: float) -> JsonObject:
    """Return `verified_case`."""
    return to_json(VerifiedCaseEvent(ts_ms=ts_ms, **_CASE.of(verified)))


class MeasuredReader:
    """Gathers these events; of a case that was verified twice, the later one counts."""

    def __init__(self) -> None:
        self.tests: list[MeasuredTest] = []
        self.cases: dict[str, VerifiedCase] = {}

    def take(self, event: MeasuredTestEvent | VerifiedCaseEvent) -> None:
        """Take one event."""
        if isinstance(event, MeasuredTestEvent):
            self.tests.append(MeasuredTest(**_TEST.of(event)))
        else:
            self.cases[event.case] = VerifiedCase(**_CASE.of(event))
