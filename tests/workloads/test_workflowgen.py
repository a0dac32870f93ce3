"""Generated workflows: valid, checkable, dependent on their inputs, graded, and the same on every Python."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import PythonCode
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.scoring.equality import same_result
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.workloads.graph_files import load_graph, save_graph
from pytest_swarm.workloads.workflowgen.follow_up_steps import amount_due, can_branch
from pytest_swarm.workloads.workflowgen.generated_step import StepContext, format_number, number_step, record_step
from pytest_swarm.workloads.workflowgen.jobs import GeneratedJob, JobSpec, generate_job, generate_jobs
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream
from pytest_swarm.workloads.workflowgen.reference_solutions import longest_rise
from pytest_swarm.workloads.workflowgen.shapes import MAX_PARENTS, SHAPES
from tests.tries import tries

ROOT = Path(__file__).parents[2]
NOT_INSTALLED = 127  # what pyenv says for a version that is not chosen
DIGESTS = "from pytest_swarm.workloads.workflowgen.jobs import generate_jobs; import hashlib;"
DIGESTS += "print(hashlib.sha256(''.join(j.graph.digest for j in generate_jobs(60, 7)).encode()).hexdigest())"


@cache
def jobs() -> tuple[GeneratedJob, ...]:
    return generate_jobs(500, seed=7)


SIXTY_JOBS = "50436068059697a8acdddc1a11b351050a2c4019c8e39dd81b716b950c256542"
"""The digest of generate_jobs(60, 7). Another one makes all baselines of generated workflows incomparable."""


def given_of(job, task, answers):
    return [(job.graph.task(parent), answers[parent]) for parent in job.graph.parents(task.id)]


def test_every_right_answer_scores_1_and_every_corrupted_one_0():
    for job in jobs():
        for task in job.graph.tasks:
            assert score_text(task.expected, job.right[task.id]).value == 1, task
            assert score_text(task.expected, job.wrong[task.id]).value == 0, task


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.004"), (-1, "-1"), (-10.0, "-10"), (12.5, "12.5"), (100, "100"), (0, "0"), (1 / 3, "0.333333333")],
)
def test_numbers_are_written_as_they_are(value, text):
    assert format_number(value) == text


@given(st.integers(-(10**6), 10**6).map(lambda thousandths: thousandths / 1000))
@example(-10.0)
@example(-1.0)
@example(0.004)
def test_the_wrong_answer_to_any_number_is_wrong(value):
    step = number_step(TaskType.MATH, "?", value)
    assert score_text(step.expected, step.right).value == 1
    assert score_text(step.expected, step.wrong).value == 0


@given(st.integers(-(10**6), 10**6))
@example(-1)
@example(-10)
@example(0)
def test_the_wrong_answer_to_any_record_is_wrong(value):
    step = record_step(TaskType.EXTRACTION, "?", {"count": value, "name": "none"})
    assert score_text(step.expected, step.right).value == 1
    assert score_text(step.expected, step.wrong).value == 0


def test_the_formulas_give_the_reference_for_right_inputs():
    for job in jobs():
        for task in job.graph.tasks:
            assert local_expectation(task, given_of(job, task, job.right)) == task.expected, task


def test_wrong_inputs_mostly_move_what_is_right():
    derived = moved = 0
    for job in jobs():
        for task in job.graph.tasks:
            if task.derive is not None:
                derived += 1
                moved += local_expectation(task, given_of(job, task, job.wrong)) != task.expected
    assert derived > 1000
    assert moved / derived > 0.6


def test_the_jobs_cover_types_shapes_and_levels():
    types = Counter(task.type for job in jobs() for task in job.graph.tasks)
    assert set(types) == set(TaskType)
    assert min(types.values()) / sum(types.values()) > 0.02
    assert {job.graph.name.split("-", 2)[2] for job in jobs()} == set(SHAPES)
    assert {task.difficulty for job in jobs() for task in job.graph.tasks} == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_prompts_are_unique_over_all_jobs():
    prompts = [task.prompt for job in jobs() for task in job.graph.tasks]
    assert len(set(prompts)) == len(prompts)


def test_a_prompt_never_gives_away_a_parents_answer():
    for job in jobs():
        for task in job.graph.tasks:
            for parent in job.graph.parents(task.id):
                assert job.right[parent] not in task.prompt


def test_harder_tasks_are_longer():
    tokens = {level: [] for level in (1.0, 5.0)}
    for job in jobs():
        for task in job.graph.tasks:
            if task.difficulty in tokens:
                tokens[task.difficulty].append(task.estimated_tokens)
    assert mean(tokens[5.0]) > 1.4 * mean(tokens[1.0])


def test_the_reference_code_passes_its_hidden_cases():
    seen = set()
    for job in jobs():
        for task in job.graph.tasks:
            if isinstance(expected := task.expected, PythonCode):
                names = {}
                exec(job.right[task.id].removeprefix("```python\n").removesuffix("\n```"), names)  # our own code
                for case in expected.cases:
                    found = names[expected.entry_point](*copy.deepcopy(case.args))
                    assert same_result(case.returns, found, tolerance=case.tolerance), task
                seen.add(expected.entry_point)
    assert len(seen) == 18


@settings(deadline=None, max_examples=tries(60))
@given(
    shape=st.sampled_from(sorted(SHAPES)), size=st.integers(2, 200), level=st.integers(1, 5), seed=st.integers(0, 10**6)
)
def test_any_spec_gives_a_valid_job_of_its_size(shape, size, level, seed):
    job = generate_job(JobSpec(name="j", shape=shape, size=size, level=level), seed)
    assert len(job.graph) == size
    assert max(len(job.graph.parents(task.id)) for task in job.graph.tasks) <= MAX_PARENTS
    for task in job.graph.tasks:
        assert score_text(task.expected, job.right[task.id]).value == 1
        assert local_expectation(task, given_of(job, task, job.right)) == task.expected


@pytest.mark.parametrize(
    ("shape", "size", "edges"),
    [
        ("chain", 3, "01 12"),
        ("fork", 4, "01 02 03"),
        ("join", 4, "03 13 23"),
        ("diamond", 5, "01 02 03 14 24 34"),
        ("map-reduce", 6, "01 12 03 34 25 45"),
        ("repeat-with-check", 5, "01 02 12 23 24 34"),
    ],
)
def test_the_shapes_are_what_they_are_called(shape, size, edges):
    places = SHAPES[shape](RandomStream("x"), size)
    assert {(p, n) for n, parents in enumerate(places) for p in parents} == {
        (int(e[0]), int(e[1])) for e in edges.split()
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shape": "ring"}, "job 'j': unknown shape 'ring'; choose one of chain"),
        ({"size": 1}, "size is 1, but must be from 2 to 200"),
        ({"level": 6}, "level is 6, but must be from 1 to 5"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(GraphError, match=sentence):
        JobSpec(**({"name": "j", "shape": "chain", "size": 3, "level": 2} | changes))


def test_a_job_depends_on_seed_and_number_alone():
    assert [job.graph for job in generate_jobs(3, seed=7)] == [job.graph for job in jobs()[:3]]
    assert generate_jobs(1, seed=8)[0].graph.digest != jobs()[0].graph.digest


def test_the_generated_jobs_stay_the_same():
    assert hashlib.sha256("".join(job.graph.digest for job in jobs()[:60]).encode()).hexdigest() == SIXTY_JOBS


@pytest.mark.parametrize(
    "numbers", [[], [4], [5, 5, 5], [2, 2, 3], [3, 1, 4, 1, 5, 9, 2, 6], [9, 7, 5], [1, 3, 3, 2, 3]]
)
def test_the_longest_rise_is_that_of_all_subsequences(numbers):
    rising = [
        len(some)
        for size in range(len(numbers) + 1)
        for some in combinations(numbers, size)
        if all(left < right for left, right in pairwise(some))
    ]
    assert longest_rise(numbers) == max(rising)


def giving(value):
    return replace(number_step(TaskType.MATH, "How much?", 1.0), value=value)


@pytest.mark.parametrize("level", range(1, 6))
def test_an_amount_due_has_tax_from_level_2_discount_from_3_payment_from_4(level):
    bill = giving({"net": 1000.0, "shipping": 50.0, "paid": 100.0})
    step = amount_due(RandomStream("a"), StepContext(level=level, parents=(("s0", bill),)))
    off, tax = (re.search(rf"(\d+) percent {word}", step.ask) for word in ("off", "of tax"))
    assert (off is not None, tax is not None, "paid" in step.ask) == (level >= 3, level >= 2, level >= 4)
    due = 1000 * (1 - (int(off[1]) if off else 0) / 100) + 50
    due *= 1 + (int(tax[1]) if tax else 0) / 100
    assert step.value == pytest.approx(due - 100 * (level >= 4), abs=0.005)


@pytest.mark.parametrize(
    ("values", "can"),
    [((True, 5.0), True), ((5.0, True), True), ((True, False), False), ((5.0, 6.0), False), ((True,), False)],
)
def test_a_branch_needs_two_values_one_of_them_yes_or_no(values, can):
    parents = tuple((f"s{n}", giving(value)) for n, value in enumerate(values))
    assert can_branch(StepContext(level=3, parents=parents)) is can


def test_a_job_survives_a_file_with_its_formulas(tmp_path):
    graph = jobs()[4].graph
    assert any(task.derive for task in graph.tasks)
    save_graph(graph, tmp_path / "job.toml")
    assert load_graph(tmp_path / "job.toml") == graph


def other_pythons() -> list[str]:
    """An interpreter of each other version: where pyenv keeps them, or on the path."""
    beside = sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python3"))
    found = {int(path.parts[-3].split(".")[1]): str(path) for path in beside}
    found = {minor: shutil.which(f"python3.{minor}") for minor in range(11, 16)} | found
    return [python for minor, python in found.items() if python and minor != sys.version_info.minor]


def test_digests_are_the_same_on_other_pythons():
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}
    runs = [
        subprocess.run([python, "-c", DIGESTS], capture_output=True, text=True, check=False, env=environment)
        for python in other_pythons()
    ]
    told = {run.stdout.strip() or run.stderr for run in runs if run.returncode != NOT_INSTALLED}
    if not told:
        pytest.skip("no other Python is at hand")
    assert told == {SIXTY_JOBS}
