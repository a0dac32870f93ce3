"""The request seed depends on run seed and repeat alone, fits Ollama, and is the same on every machine."""

from __future__ import annotations

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


def test_further_tasks_of_a_prompt_have_seeds_of_their_own() -> None:
    tasks = [task("a", "2 + 5?"), task("b", "2 + 5?"), task("c", "2 + 6?"), task("d", "2 + 5?", "Be short.")]
    tasks += [task(f"e{number}", "2 + 5?") for number in range(200)]
    for seed in (0, SEEDS[0, 1]):
        seeds = task_seeds(tasks, seed)
        assert (seeds["a"], seeds["c"], seeds["d"]) == (seed, seed, seed)
        assert len(set(seeds.values())) == 202
        assert 0 <= min(seeds.values()) <= max(seeds.values()) < 2**31
    assert task_seeds(tasks, 1178270075)["b"] == 1162696676


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
