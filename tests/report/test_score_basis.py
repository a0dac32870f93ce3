"""Sentences of the answer about what the scores rest on."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm import Custom, Number, Task, TaskGraph
from pytest_swarm.report.findings import answers
from pytest_swarm.report.report_model import build_report
from tests.report.factories import key, record, run

RHYMES = Custom(name="rhymes", function=lambda text: float(len(text) > 3))


def test_a_scorer_of_ones_own_is_told_of_where_the_simulator_made_the_text_up() -> None:
    tasks = tuple(
        Task(id=name, type="creative", prompt=f"Write {name}.", estimated_tokens=60, expected=expected)
        for name, expected in (("verse", RHYMES), ("song", RHYMES), ("sum", Number(value=2)))
    )
    graph = TaskGraph(name="job", tasks=tasks)
    simulated = run(record(graph=graph, case=key("lp")), record(graph=graph, case=key("milp")))
    sentence = (
        "A scorer of your own (rhymes) scores 2 of 3 scored tasks. The simulator cannot write what it asks for,"
        " so these scores say nothing about a model."
    )
    assert sentence in [each.text for each in answers(build_report(simulated))]
    real = replace(simulated, info=replace(simulated.info, simulated=False, backend="ollama"))
    assert not [each for each in answers(build_report(real)) if "of your own" in each.text]
    plain = run(record(case=key("lp")), record(case=key("milp")))
    assert not [each for each in answers(build_report(plain)) if "of your own" in each.text]
