"""The sentences on loads from a cold disk and on stalled prompts, in the answer of a run and of a decision."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.domain.record import JobRecord, Run
from pytest_swarm.domain.switch import Switch
from pytest_swarm.report.decision_text import basis_sentence
from pytest_swarm.report.findings import answers
from pytest_swarm.report.report_model import build_report
from tests.report.factories import GEMMA, WB1, key, record, run

COLD = (
    "4.0 s of a job under fixed are loads that took over three times as long as usual, as from a cold disk (0.0 s "
    "under MILP): to compare times, measure again with the models in the page cache."
)


def measured(*, simulated: bool = False, first_s: float = 43.0, makespan_s: float = 20.0) -> Run:
    """Ten jobs of each mode with one load of 3 s each, but for the first one of all."""

    def job(mode: str, number: int) -> JobRecord:
        load_s = first_s if (mode, number) == ("fixed", 1) else 3.0
        load = Switch(step=0, model=GEMMA.tag, action="load", started_s=0.0, finished_s=load_s)
        case = key(mode, repeat=number)
        return record(graph=WB1, case=case, switches=(load,), makespan_s=makespan_s, simulated=simulated)

    jobs = [job(mode, number) for mode in ("fixed", "milp") for number in range(1, 11)]
    more: dict[str, object] = {} if simulated else {"backend": "ollama", "simulated": False, "profile": None}
    return run(*jobs, **more)


def test_the_answer_and_the_decision_say_which_mode_read_the_disk() -> None:
    assert COLD in [each.text for each in answers(build_report(measured()))]
    (decision,) = decide_runs([measured()], DecisionQuestion())
    assert basis_sentence(decision).endswith(f" {COLD}")


def test_it_is_not_said_where_it_changes_little_or_nothing_was_loaded_from_a_disk() -> None:
    for found in (measured(simulated=True), measured(first_s=13.0), measured(makespan_s=80.0)):
        assert not any("cold disk" in each.text for each in answers(build_report(found)))


def read(*, first_s: float, usual_s: float = 0.02) -> Run:
    """Ten jobs of each mode whose first prompt is read in the usual time, but for the first one of all."""

    def job(mode: str, number: int) -> JobRecord:
        prefill_s = first_s if (mode, number) == ("fixed", 1) else usual_s
        made = record(graph=WB1, case=key(mode, repeat=number), makespan_s=5.0, simulated=False)
        first, *others = made.outcomes
        read = replace(first, model=GEMMA.tag, prompt_tokens=100, prefill_s=prefill_s)
        return replace(made, outcomes=(read, *others))

    jobs = [job(mode, number) for mode in ("fixed", "milp") for number in range(1, 11)]
    return run(*jobs, backend="ollama", simulated=False, profile=None)


STALLED = (
    "0.96 s of a job under fixed are prompts that took over eight times as long to read as usual, as where a server "
    "prepares itself for its first ones (0.0 s under MILP; planners' prompts are not looked at): to compare times, "
    "measure again on the same server."
)


def test_the_answer_and_the_decision_say_which_mode_met_a_server_that_was_not_ready() -> None:
    assert STALLED in [each.text for each in answers(build_report(read(first_s=9.6)))]
    (decision,) = decide_runs([read(first_s=9.6)], DecisionQuestion())
    assert basis_sentence(decision).endswith(f" {STALLED}")


def test_every_mode_of_few_and_the_best_one_of_many_is_told() -> None:
    found = read(first_s=9.6)
    modes = ("greedy", "lp", "single:a")
    more = [
        replace(job, case=replace(job.case, key=replace(job.case.key, mode=mode)))
        for job in found.jobs[10:]
        for mode in modes
    ]
    texts = [each.text for each in answers(build_report(replace(found, jobs=(*found.jobs, *more))))]
    assert any("(0.0 s under LP; planners" in each for each in texts)
    texts = [each.text for each in answers(build_report(replace(found, jobs=(*found.jobs, *more[:2]))))]
    assert any("(0.0 s under LP, 0.0 s under MILP, 0.0 s under greedy; planners" in each for each in texts)


def test_the_others_are_told_from_the_slowest_on() -> None:
    fixed, other = read(first_s=9.6), read(first_s=4.8)
    greedy = [replace(job, case=replace(job.case, key=replace(job.case.key, mode="greedy"))) for job in other.jobs[:10]]
    texts = [each.text for each in answers(build_report(replace(fixed, jobs=(*fixed.jobs, *greedy))))]
    assert any("(0.48 s under greedy, 0.0 s under MILP; planners" in each for each in texts)


def test_prompts_that_are_usual_or_do_not_matter_are_not_spoken_of() -> None:
    for found in (read(first_s=2.4), read(first_s=0.29), read(first_s=7.9, usual_s=1.0)):
        assert not any("prompts that took" in each.text for each in answers(build_report(found)))
