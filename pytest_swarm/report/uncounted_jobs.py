"""Why jobs that were run do not count in a decision, and what to do about it."""

from __future__ import annotations

from collections import Counter

from pytest_swarm.decision.criteria import SCORE
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.report.score_basis import ADVICE_JUDGE, ADVICE_UNSCORED, names_no_judge
from pytest_swarm.units import plural


def uncounted_jobs(decision: PolicyDecision) -> str:
    """Return ` 13 of 20 jobs do not count, because ...`; nothing where every job of the present policy counts."""
    run = decision.measured.by_setting[decision.present]
    causes = Counter(_cause(decision, digest) for digest in run if digest not in decision.measured.jobs)
    jobs = plural(len(run), "job")
    return "".join(f" {count:,} of {jobs} do not count, because {cause}." for cause, count in causes.items())


def _cause(decision: PolicyDecision, digest: str) -> str:
    tables = (decision.measured.by_setting[policy] for policy in decision.policies)
    jobs = [table[digest] for table in tables if digest in table]
    needed = decision.question.by.needed
    lacking = [each.name for each in needed if any(job.mean(each.metric) is None for job in jobs)]
    draws = [draw for job in jobs for draw in job.draws.values()]
    ended = all(draw.record.status is JobStatus.COMPLETED for draw in draws)
    if SCORE.name in lacking and ended and all(draw.metrics.score is None for draw in draws):
        expected = [task.expected for task in jobs[0].graph.tasks if task.expected is not None]
        if not expected:
            return f"no task in them says what is right: {ADVICE_UNSCORED}"
        if all(isinstance(each, Judge) for each in expected) and names_no_judge(decision.runs[0]):
            return f"a judge is to grade them and none was named: {ADVICE_JUDGE}"
    return f"{' or '.join(lacking or [each.name for each in needed])} is not known under every policy"
