"""On a server without a GPU, the answer of a run and of a decision say that VRAM is main memory."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.domain.record import JobRecord, Run
from pytest_swarm.domain.vram_sample import ResidentModel, SamplePhase, VramSample
from pytest_swarm.report.decision_text import basis_sentence
from pytest_swarm.report.findings import answers
from pytest_swarm.report.report_model import build_report
from tests.report.factories import GEMMA, WB1, key, record, run

START = "The server uses no GPU, so its models are in main memory, which is what VRAM and its budget stand for here"


def on_server(*sizes_vram: int | None) -> Run:
    """One job of each mode per size of the resident model in VRAM, in bytes; None: nothing was sampled."""

    def job(mode: str, number: int, size: int | None) -> JobRecord:
        made = record(graph=WB1, case=key(mode, repeat=number), simulated=False)
        row = ResidentModel(tag=GEMMA.tag, size_bytes=2_000_000_000, size_vram_bytes=size or 0)
        samples = () if size is None else (VramSample(step=0, at_s=0.0, phase=SamplePhase.READY, resident=(row,)),)
        return replace(made, samples=samples)

    jobs = [job(mode, number, size) for mode in ("fixed", "milp") for number, size in enumerate(sizes_vram, 1)]
    return run(*jobs, backend="ollama", simulated=False, profile=None)


def said(found: Run) -> list[str]:
    (decision,) = decide_runs([found], DecisionQuestion())
    return [*(each.text for each in answers(build_report(found))), basis_sentence(decision)]


def test_the_answer_and_the_decision_say_that_vram_is_main_memory() -> None:
    for found in (on_server(0, 0), on_server(0, None)):
        assert sum(START in text for text in said(found)) == 2


def test_nothing_is_said_where_a_model_was_in_vram_or_nobody_looked() -> None:
    for found in (on_server(2_000_000_000), on_server(0, 1), on_server(None)):
        assert not any(START in text for text in said(found))
