"""Prompts on the page: system text and prompt of a task, and the prompt as each mode's answers were filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.report.html import render_html
from pytest_swarm.report.report_model import build_report
from tests.report.factories import key, ok, record, run
from tests.report.test_html import fragments

TASKS = (
    Task(id="draft", type=TaskType.CREATIVE, prompt="Draft it.", estimated_tokens=50),
    Task(
        id="polish",
        type=TaskType.CREATIVE,
        system="You polish.",
        prompt="Polish: {{answer: draft}}",
        estimated_tokens=50,
    ),
)


def body(context: Literal["parents", "none"]) -> str:
    graph = TaskGraph(name="letter", tasks=TASKS, edges=(("draft", "polish"),), context=context)
    jobs = []
    for mode in ("greedy", "milp"):
        job = record(dict.fromkeys(graph.order), graph=graph, case=key(mode))
        answers = (ok("draft", None), ok("polish", None))
        outcomes = tuple(replace(each, answer=f"{each.task} by {mode}, <b>") for each in answers)
        jobs.append(replace(job, outcomes=outcomes))
    page = render_html(build_report(run(*jobs)))
    return page + "".join(fragments(page, "jobs"))


def test_each_mode_shows_the_prompt_with_its_own_answers() -> None:
    page = body("parents")
    assert page.count("Prompt with the answers filled in") == 2
    for mode in ("greedy", "milp"):
        assert f"You polish.\n\nPolish: draft by {mode}, &lt;b&gt;" in page
    assert "You polish.\n\nPolish: {{answer: draft}}" in page


def test_without_context_nothing_was_filled_in() -> None:
    page = body("none")
    assert "Prompt with the answers filled in" not in page
    assert "You polish.\n\nPolish: {{answer: draft}}" in page


@pytest.mark.parametrize("answer", ["", "Fine."])
def test_a_judge_reads_the_prompt_that_was_sent(answer: str) -> None:
    from pytest_swarm.execution.tasks import as_asked

    assert as_asked(TASKS[1], {"draft": answer}).prompt == f"Polish: {answer}"
    blank = replace(TASKS[1], prompt="{{answer: draft}}")
    assert as_asked(blank, {"draft": ""}) == blank


def test_escaped_text_is_shown_as_it_was_sent() -> None:
    task = replace(TASKS[0], prompt="Draft {{answer:: polish}} & more.")
    graph = TaskGraph(name="letter", tasks=(task,))
    page = render_html(build_report(run(record({"draft": None}, graph=graph))))
    page += "".join(fragments(page, "jobs"))
    assert "Draft {{answer: polish}} &amp; more." in page
    assert "answer::" not in page
