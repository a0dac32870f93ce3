"""The request seed depends on run seed and repeat alone, fits Ollama, and is the same on every machine."""

from __future__ import annotations

from pytest_swarm.domain.seeding import prompt_seed, request_seed, stable_int

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
