"""The sentence on loads from a cold disk, in the answer of a run and of a decision."""

from __future__ import annotations

from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.domain.record import JobRecord, Run, Switch
from pytest_swarm.report.decision_basis import basis_sentence
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
