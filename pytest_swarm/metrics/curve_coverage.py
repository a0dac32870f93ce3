"""Which modes, weights and workflows the curves of score against cost leave out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.metrics.measured_jobs import MeasuredJob, lambda_order
from pytest_swarm.routing.registry import mode_order


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveCoverage:
    """The jobs of each mode and weight at one horizon and budget: how many, and what those without a point lack.

    `jobs` has the numbers of jobs, `lacks` those of jobs by what they lack, `workflows` is the number of all.
    """

    jobs: Mapping[tuple[str, float], int]
    lacks: Mapping[tuple[str, float], Counter[str]]
    workflows: int

    @classmethod
    def of(cls, jobs: Sequence[MeasuredJob]) -> Self:
        """Return the coverage of the jobs of one horizon and budget."""
        keys = [(job.key.mode, lambda_order(job.key.lambda_token)) for job in jobs]
        lacks: dict[tuple[str, float], Counter[str]] = {key: Counter() for key in keys}
        for key, job in zip(keys, jobs, strict=True):
            missing = missing_figure(job)
            if missing is not None:
                lacks[key][missing] += 1
        return cls(jobs=Counter(keys), lacks=lacks, workflows=len({job.record.case.graph.digest for job in jobs}))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The modes without a point at any weight, in the order of reports."""
        modes = sorted({mode for mode, _ in self.jobs}, key=mode_order)
        return tuple(mode for mode in modes if all(key in self._empty for key in self.jobs if key[0] == mode))

    @property
    def _empty(self) -> tuple[tuple[str, float], ...]:
        return tuple(key for key, number in self.jobs.items() if self.lacks[key].total() == number)

    def sentences(self, counted: int) -> Iterator[str]:
        """Yield a sentence for each mode or weight that is left out, and one where workflows are.

        Args:
            counted: The number of workflows that every curve is made of.
        """
        empty, gone = self._empty, self.left_out
        modes = sorted({mode for mode, _ in self.jobs}, key=mode_order)
        for mode in gone:
            yield f"{mode} is left out: {self._why([key for key in self.jobs if key[0] == mode])}"
        for key in sorted(empty):
            if key[0] not in gone:
                yield f"{key[0]} has no point at weight {key[1]:g}: {self._why([key])}"
        if counted < self.workflows and len(gone) < len(modes):
            short = [mode for mode in modes if mode not in gone and self._of(mode, but=empty)]
            causes = ", ".join(f"{mode} ({self._why(self._of(mode, but=empty))})" for mode in short)
            most = "no workflow has" if counted == 0 else f"only {counted} of {self.workflows} workflows have"
            yield f"{most} a score and a token cost everywhere" + (f": {causes}" if causes else "")

    def _of(self, mode: str, *, but: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        return [key for key in self.jobs if key[0] == mode and key not in but and self.lacks[key]]

    def _why(self, keys: Sequence[tuple[str, float]]) -> str:
        counts: Counter[str] = sum((self.lacks[key] for key in keys), Counter())
        number = sum(self.jobs[key] for key in keys)
        return " and ".join(f"{count} of {number} of its jobs {what}" for what, count in counts.most_common())


def missing_figure(job: MeasuredJob) -> str | None:
    """Return why a job has no point on a curve; None where it has one."""
    if job.record.status is JobStatus.INFEASIBLE:
        return "found no plan"
    if job.record.status is not JobStatus.COMPLETED:
        return "ended in an error"
    if job.metrics.score is None:
        return "have no score"
    return "lack token counts" if job.metrics.token_cost is None else None
