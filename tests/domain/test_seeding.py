"""Seeds of requests: of a repeat, of a task, and of a prompt on its way to a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.graph import Context, TaskGraph
from pytest_swarm.domain.prompt import task_messages
from pytest_swarm.domain.seeding import prompt_seed, request_seed, stable_int, task_seeds
from pytest_swarm.domain.task import Task

SEEDS = {(run, repeat): request_seed(run, repeat) for run in range(40) for repeat in range(1, 26)}


def test_request_seeds_differ_by_run_seed_and_by_repeat() -> None:
    assert len(set(SEEDS.values())) == len(SEEDS)


def test_request_seeds_are_not_negative_and_have_31_bits() -> None:
    assert min(SEEDS.values()) >= 0
    assert 2**30 < max(SEEDS.values()) < 2**31


def test_request_seeds_never_change() -> None:
    """A baseline pairs its repeats with those of later runs by these figures."""
    assert (request_seed(0, 1), request_seed(0, 2), request_seed(7, 1)) == (SEEDS[0, 1], SEEDS[0, 2], 1178270075)


def test_parts_do_not_run_together() -> None:
    assert stable_int("a", "bc") != stable_int("ab", "c")


def task(name: str, prompt: str, system: str | None = None) -> Task:
    return Task(id=name, type="math", prompt=prompt, system=system, estimated_tokens=9)


def graph(*tasks: Task, edges: tuple[tuple[str, str], ...] = (), context: Context = "parents") -> TaskGraph:
    return TaskGraph(name="job", tasks=tasks, edges=edges, context=context)


def test_further_tasks_that_ask_the_same_have_seeds_of_their_own() -> None:
    tasks = [task("a", "2 + 5?"), task("b", "2 + 5?"), task("c", "2 + 6?"), task("d", "2 + 5?", "Be short.")]
    tasks += [task(f"e{number}", "2 + 5?") for number in range(200)]
    for seed in (0, SEEDS[0, 1]):
        seeds = task_seeds(graph(*tasks), seed)
        assert (seeds["a"], seeds["c"], seeds["d"]) == (seed, seed, seed)
        assert len(set(seeds.values())) == 202
        assert 0 <= min(seeds.values()) <= max(seeds.values()) < 2**31
    assert task_seeds(graph(*tasks), 1178270075)["b"] == 1162696676


IMPROVE = ("Write a line.", "Improve it.", "Improve it.", "Improve it.")
CHECK = "Is {{answer: %s}} right?"
VOTE = (task("a", "2 + 5?"), task("b", "2 + 5?"), task("check a", CHECK % "a"), task("check b", CHECK % "b"))
CHAIN = tuple(task(f"s{number}", prompt) for number, prompt in enumerate(IMPROVE))
STEPS = tuple((f"s{number}", f"s{number + 1}") for number in range(3))
LOOP = tuple(task(f"s{n}", f"Improve {{{{answer: s{n - 1}}}}}" if n else "Write a line.") for n in range(4))
TOLD = {
    "a vote, and a check of each sample": graph(*VOTE, edges=(("a", "check a"), ("b", "check b"))),
    "a vote, and a check of each sample that is handed on": graph(
        *VOTE[:2], task("c", "Right?"), task("d", "Right?"), edges=(("a", "c"), ("b", "d"))
    ),
    "two samples of a later step": graph(
        task("a", "Write a line."), task("b", "Improve it."), task("c", "Improve it."), edges=(("a", "b"), ("a", "c"))
    ),
    "a chain whose steps are handed on": graph(*CHAIN, edges=STEPS),
    "a chain whose steps are handed on with the thinking": graph(*CHAIN, edges=STEPS, context="full"),
    "a chain that hands on nothing": graph(*CHAIN, edges=STEPS, context="none"),
    "a chain without its edges": graph(*CHAIN, edges=STEPS).flattened(),
    "a chain of placeholders": graph(*LOOP, edges=STEPS),
    "a chain of placeholders in system texts": graph(
        *(replace(each, system=each.prompt, prompt="Go on.") for each in LOOP), edges=STEPS
    ),
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("answer", ["7", "", '{"x": 1}'])
def test_no_two_tasks_of_a_job_send_one_request_whatever_is_answered_alike(told: TaskGraph, answer: str) -> None:
    seeds = task_seeds(told, 7)
    sent = {
        (str(task_messages(each, dict.fromkeys(told.inputs(each.id), answer))), seeds[each.id]) for each in told.tasks
    }
    assert len(sent) == len(told.tasks)


def test_steps_of_a_chain_that_are_handed_on_keep_the_seed_of_the_repeat() -> None:
    """Their requests differ by what they are handed, so a step more changes no other one."""
    assert set(task_seeds(TOLD["a chain whose steps are handed on"], 7).values()) == {7}
    assert len(set(task_seeds(TOLD["a chain without its edges"], 7).values())) == 3


MESSAGES = ({"role": "system", "content": "Be short."}, {"role": "user", "content": "Name a color."})


def test_each_prompt_of_a_repeat_has_a_seed_of_its_own() -> None:
    seeds = {prompt_seed(SEEDS[0, 1], [{"role": "user", "content": f"What is {n} + 1?"}]) for n in range(500)}
    assert len(seeds) == 500
    assert 0 <= min(seeds) < 2**28
    assert 2**30 + 2**29 < max(seeds) < 2**31


def test_the_seed_of_a_prompt_differs_by_repeat() -> None:
    seeds = {prompt_seed(seed, MESSAGES) for seed in SEEDS.values()}
    assert len(seeds) == len(SEEDS)


def test_the_seed_of_a_prompt_never_changes() -> None:
    """What a server answered in an earlier run can be had again."""
    assert prompt_seed(1178270075, MESSAGES) == 1676878383
