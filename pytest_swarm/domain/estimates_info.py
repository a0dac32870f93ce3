"""Where the estimates of a run come from: their kind, their source, and the counts behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pytest_swarm.units import plural


class EstimatesKind(StrEnum):
    """Where the estimates of a job start."""

    PRIOR = "prior"  # from the fleet file
    FILE = "file"  # from a file of estimates, the same for every job
    CROSS = "cross"  # from the answers to all other jobs, by model and task type
    TEXT = "text"  # the same, and from the text of the prompt where that adds something

    @property
    def per_job(self) -> bool:
        """Whether jobs start from different estimates: each leaves its own answers out."""
        return self in (EstimatesKind.CROSS, EstimatesKind.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatesChoice:
    """What `--swarm-estimates` says: the kind, and the file, run or table that it names (None: it names none)."""

    kind: EstimatesKind
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateCount:
    """What is known of one model on one task type.

    `mean` and `count` are those of the observed capabilities, `prior` is what the mean is shrunk to, `estimate` the
    result. All but `count` are at difficulty 1; the mean may exceed 1, the others are in [0, 1].
    """

    model: str
    type: str
    prior: float
    mean: float
    count: int
    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatesInfo:
    """What the estimates of a run were made of.

    `source` names the run, table or file; `answers` and `jobs` count what it holds. `strength` is the number of
    answers that a prior is worth; None where it is unlimited, because the answers differ from the priors by no more
    than chance, or where there are none. `rows` are over all jobs: a cross-fitted estimate leaves those of the job
    itself out. `text` says in a sentence how much the text of the prompts counts, and why.
    """

    kind: EstimatesKind
    learning: bool
    source: str | None = None
    answers: int = 0
    jobs: int = 0
    strength: float | None = None
    rows: tuple[EstimateCount, ...] = ()
    text: str | None = None

    @property
    def counted(self) -> str:
        """Return `6 answers to 1 job of reports/RUN`: what the estimates are made of."""
        return f"{plural(self.answers, 'answer')} to {plural(self.jobs, 'job')} of {self.source}"

    @property
    def sentence(self) -> str:
        """What a header line and a report say of them."""
        learned = "they follow each answer" if self.learning else "they do not follow answers (--swarm-learning=off)"
        if self.kind is EstimatesKind.PRIOR:
            return f"estimates start from the fleet file's priors; {learned}"
        crossed = "of each job come from the answers to all other jobs:"
        made = "are shrunk from" if self.kind is EstimatesKind.FILE else crossed
        strength = "" if self.strength is None else f", a prior is worth {self.strength:.1f} answers"
        said = "" if self.text is None else f"; {self.text}"
        return f"estimates {made} {self.counted}{strength}{said}; {learned}"
