"""Sentences of the answer about what the scores rest on."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm import Custom, Judge, Number, Task, TaskGraph
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


def test_where_nothing_is_expected_it_is_said_what_to_do() -> None:
    tasks = (Task(id="mail", type="creative", prompt="Write.", estimated_tokens=60),)
    graph = TaskGraph(name="job", tasks=tasks)
    unscored = run(*(record({"mail": None}, graph=graph, case=key(mode)) for mode in ("lp", "milp")))
    sentence = (
        "No task says what is right, so no answer has a score: write it as `expected`, or let a model say it with"
        " `python -m pytest_swarm expect`."
    )
    assert sentence in [each.text for each in answers(build_report(unscored))]
    known = run(*(record({"mail": 0.5}, graph=graph, case=key(mode)) for mode in ("lp", "milp")))  # an imported table
    assert sentence not in [each.text for each in answers(build_report(known))]


def test_a_judge_that_was_not_named_and_a_simulated_one_are_told() -> None:
    tasks = (
        Task(id="mail", type="creative", prompt="Write.", estimated_tokens=60, expected=Judge(rubric="Polite.")),
        Task(id="sum", type="math", prompt="Add.", estimated_tokens=60, expected=Number(value=2)),
    )
    job = record({"mail": None, "sum": 1.0}, graph=TaskGraph(name="job", tasks=tasks), case=key("lp"))
    unnamed = (
        "A judge is to grade 1 of 2 scored tasks, and none was named: these have no score; name one with"
        " --swarm-judge=TAG."
    )
    assert unnamed in [each.text for each in answers(build_report(run(job)))]
    graded = replace(run(job), info=replace(run(job).info, options={"swarm_judge": "m:1"}))
    assert (
        "A judge grades 1 of 2 scored tasks. A simulated judge reads nothing, so these scores say nothing about a"
        " model."
    ) in [each.text for each in answers(build_report(graded))]
    real = replace(graded, info=replace(graded.info, simulated=False, backend="ollama"))
    assert not [each for each in answers(build_report(real)) if "judge" in each.text]
