"""The types of the events of a run on measured answers."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Milliseconds: TypeAlias = Annotated[float, Meta(description="milliseconds since 1970")]
_LARGEST = 2**63 - 1


class MeasuredTestEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="measured_test"):
    """The cases of one test, measured together: what was asked of the server for them."""

    ts_ms: Milliseconds
    test: Annotated[str, Meta(description="the test without its case")]
    job: str
    waves: Annotated[int, Meta(ge=0, le=_LARGEST, description="rounds in which something was measured")]
    answers: Annotated[int, Meta(ge=0, le=_LARGEST, description="distinct answers that the cases were played on")]
    asked: Annotated[int, Meta(ge=0, le=_LARGEST, description="answers that were asked")]
    loads: Annotated[int, Meta(ge=0, le=_LARGEST, description="models that were loaded")]
    server_s: Annotated[float, Meta(ge=0.0, description="seconds of the server")]
    unmeasured: Annotated[int, Meta(ge=0, le=_LARGEST, description="cases that lack something")] = 0
    known: Annotated[
        Annotated[int, Meta(ge=0, le=_LARGEST)] | None, Meta(description="of the answers, those known before")
    ] = None
    stalled: Annotated[
        int, Meta(ge=0, le=_LARGEST, description="answers whose prompt stalled, and is played at the usual speed")
    ] = 0
    stalled_s: Annotated[float, Meta(ge=0.0, description="seconds that these prompts took beyond that")] = 0.0


class FigurePair(Struct, frozen=True, kw_only=True):
    """A figure as it was predicted, and as it was for real; null: not measured."""

    predicted: float | None
    real: float | None


class VerifiedCaseEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="verified_case"):
    """A case that was played on measured answers and then run for real."""

    ts_ms: Milliseconds
    case: Annotated[str, Meta(description="identity of the case")]
    job: str
    mode: str
    label: Annotated[str, Meta(description="mode, horizon and budget, as in test ids")]
    figures: Annotated[dict[str, FigurePair], Meta(description="metric -> predicted and real")]
    questions: Annotated[int, Meta(ge=0, le=_LARGEST, description="questions of tasks that were the same for real")] = 0
    other_answers: Annotated[int, Meta(ge=0, le=_LARGEST, description="of these, how many got another answer")] = 0
