"""Runs with other options are decided together where no case could have felt the difference, and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.decision.option_effects import CONCURRENCY, TIMEOUT
from pytest_swarm.decision.policy_writing import policy_of
from pytest_swarm.domain.record import JobRecord, JobStatus, Run
from pytest_swarm.domain.run_options import RUN_OPTIONS, OptionRole, names_of
from pytest_swarm.domain.switch import Switch, SwitchPurpose
from pytest_swarm.errors import OptionError
from tests.decision.runs import many
from tests.report.factories import GEMMA, PHI


def all_jobs(run: Run, change: Callable[[JobRecord], JobRecord]) -> Run:
    return replace(run, jobs=tuple(map(change, run.jobs)))


def two_runs(options: dict[str, str], modes: tuple[str, ...] = ("fixed", "milp")) -> tuple[Run, Run]:
    """Two runs of the same modes on the same jobs; the second one has further options."""
    chances = {mode: 0.4 + 0.2 * n for n, mode in enumerate(modes)}
    first, second = (many(chances, jobs=8, seed=seed) for seed in (1, 2))
    return first, replace(
        second, info=replace(second.info, run="other", seed=9, options={**second.info.options, **options})
    )


def with_steps(**fields: object) -> Callable[[Run], Run]:
    return lambda run: all_jobs(run, lambda job: replace(job, steps=tuple(replace(s, **fields) for s in job.steps)))


def in_outcomes(**fields: object) -> Callable[[Run], Run]:
    return lambda run: all_jobs(
        run, lambda job: replace(job, outcomes=tuple(replace(each, **fields) for each in job.outcomes))
    )


def failed(run: Run) -> Run:
    return all_jobs(run, lambda job: replace(job, status=JobStatus.ERROR) if job is run.jobs[0] else job)


def long_load(run: Run) -> Run:
    load = Switch(step=0, model=GEMMA.tag, action="load", started_s=0.0, finished_s=61.0)
    return all_jobs(run, lambda job: replace(job, switches=(load,)))


def same(run: Run) -> Run:
    return run


UNFELT: dict[str, dict[str, str]] = {
    "timeout": {"swarm_timeout": "60s"},
    "timeout, other spelling": {"swarm_timeout": "2m"},
    "concurrency": {"swarm_concurrency": "1"},  # one task is in view at a time
    "planner": {"swarm_planner": PHI.tag},
    "replan": {"swarm_replan": "layer"},
    "floor": {"swarm_quality_floor": "0.1"},
    "weight, other spelling": {"swarm_lambda_token": "0.50"},
}


@pytest.mark.parametrize("what", UNFELT)
def test_an_option_that_no_case_could_feel_keeps_no_runs_apart(what: str) -> None:
    (decision,) = decide_runs(two_runs(UNFELT[what]), DecisionQuestion())
    assert decision.repeats == 2


FELT: dict[str, tuple[dict[str, str], tuple[str, ...], Callable[[Run], Run]]] = {
    "timeout met by a task": ({"swarm_timeout": "60s"}, ("fixed", "milp"), in_outcomes(finished_s=70.0)),
    "timeout met by a load": ({"swarm_timeout": "60s"}, ("fixed", "milp"), long_load),
    "timeout met by a planner": ({"swarm_timeout": "60s"}, ("fixed", "llm"), with_steps(decision_ms=60_000.0)),
    "timeout ran out": ({"swarm_timeout": "60s"}, ("fixed", "milp"), in_outcomes(error_kind="timeout")),
    "timeout of a job that ended": ({"swarm_timeout": "60s"}, ("fixed", "milp"), failed),
    "reply": ({"swarm_reply_limit": "1MiB"}, ("fixed", "milp"), same),
    "solve": ({"swarm_solve_limit": "500ms"}, ("fixed", "milp"), same),
    "concurrency": ({"swarm_concurrency": "1"}, ("fixed", "milp"), with_steps(horizon_tasks=("s0", "s1"))),
    "planner": ({"swarm_planner": PHI.tag}, ("fixed", "llm"), same),
    "planner of a policy": ({"swarm_planner": PHI.tag}, ("fixed", "policy:a.json"), same),
    "floor": ({"swarm_quality_floor": "0.1"}, ("fixed", "heft"), same),
    "floor of an own mode": ({"swarm_quality_floor": "0.1"}, ("fixed", "house"), same),
    "context": ({"swarm_context": "full"}, ("fixed", "milp"), same),
    "replan": ({"swarm_replan": "layer"}, ("fixed", "llm:phi4:14b"), same),
    "weight": ({"swarm_lambda_token": "0.25"}, ("fixed", "milp"), same),
}


@pytest.mark.parametrize("what", FELT)
def test_an_option_that_a_case_could_feel_keeps_runs_apart(what: str) -> None:
    options, modes, change = FELT[what]
    first, other = two_runs(options, modes)
    name = next(iter(options)).replace("_", "-")
    with pytest.raises(OptionError, match=rf"^decide: run other was not made like [^\n]*other --{name}: "):
        decide_runs([first, change(other)], DecisionQuestion())


def test_each_pair_of_runs_is_compared() -> None:
    first, second = two_runs({"swarm_planner": PHI.tag}, ("fixed", "llm"))
    plain = many({"fixed": 0.4, "milp": 0.6}, jobs=8, seed=3)
    with pytest.raises(OptionError, match="other --swarm-planner"):
        decide_runs([plain, first, second], DecisionQuestion())


def test_two_planners_by_rule_are_two_modes() -> None:
    def planned_by(tag: str, run: Run) -> Run:
        load = Switch(step=0, model=tag, action="load", started_s=0.0, finished_s=1.0, purpose=SwitchPurpose.AUXILIARY)
        return all_jobs(run, lambda job: replace(job, switches=(load,)) if job.case.key.mode == "llm" else job)

    first, other = two_runs({}, ("fixed", "llm"))
    decide_runs([planned_by(PHI.tag, first), planned_by(PHI.tag, other)], DecisionQuestion())
    with pytest.raises(OptionError, match=r"other planner: phi4:14b and gemma2:2b, by the smallest budget of each"):
        decide_runs([planned_by(PHI.tag, first), planned_by(GEMMA.tag, other)], DecisionQuestion())


def test_the_file_has_the_options_of_the_run_that_measured_its_policy() -> None:
    first = many({"fixed": 0.1}, jobs=30, seed=1)
    other = many({"fixed": 0.1, "llm": 0.9}, jobs=30, seed=2)
    other = replace(
        other, info=replace(other.info, run="other", seed=9, options={**other.info.options, "swarm_planner": PHI.tag})
    )
    (decision,) = decide_runs([first, other], DecisionQuestion())
    written = policy_of(decision, now=datetime(2026, 8, 1, tzinfo=UTC))
    assert (written.mode, written.options) == ("llm", {"swarm_planner": PHI.tag})


def test_what_changes_a_score_always_keeps_runs_apart() -> None:
    read = {name for name, option in RUN_OPTIONS.items() if option.read_by}
    assert {*read, TIMEOUT, CONCURRENCY} <= names_of(OptionRole.PLANNING, OptionRole.CALLS)
