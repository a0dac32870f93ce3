"""What a run on measured answers has measured and verified: facts beside the records of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTest:
    """The cases of one test that were measured together, as one process saw it.

    Attributes:
        test: The test, without its case.
        job: The job.
        waves: Rounds in which something was measured.
        answers: Distinct answers that its cases were played on.
        asked: Answers that were asked.
        loads: Models that were loaded.
        server_s: Seconds of the server that it took.
        unmeasured: Cases that lack something.
        known: Of the answers, those that were there before the session began; None = an older version did not tell.
        stalled: Answers whose prompt stalled, and is played at the usual speed.
        stalled_s: Seconds that these prompts took beyond that.
    """

    test: str
    job: str
    waves: int
    answers: int
    asked: int
    loads: int
    server_s: float
    unmeasured: int = 0
    known: int | None = None
    stalled: int = 0
    stalled_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedAndReal:
    """A figure of a case as it was predicted, and as it was when the case was run for real; null: not measured."""

    predicted: float | None
    real: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCase:
    """A case that was also run for real. `figures` are by the name of their metric; `mode` is its routing mode.

    `questions` are those of tasks that were the same for real, `other_answers` those of them with another answer.
    """

    case: str
    job: str
    mode: str
    label: str
    figures: Mapping[str, PredictedAndReal]
    questions: int = 0
    other_answers: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))
