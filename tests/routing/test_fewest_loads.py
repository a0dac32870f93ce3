"""The search for the fewest loads against every order of loads, on small problems."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from pytest_swarm.routing import fewest_loads
from pytest_swarm.routing.fewest_loads import LoadProblem, next_residency


def problem(seed: int) -> LoadProblem:
    """Up to six tasks on three models, of which one or two fit together."""
    rng = Random(seed)
    tasks = tuple(f"t{n}" for n in range(rng.randint(2, 6)))
    tags = ("a", "b", "c")
    return LoadProblem(
        tasks=tasks,
        parents={task: [each for each in tasks[:n] if rng.random() < 0.3] for n, task in enumerate(tasks)},
        options={task: frozenset(rng.sample(tags, rng.choice([1, 1, 2]))) for task in tasks},
        vram_gb={"a": 2.0, "b": 4.0, "c": 5.0},
        limit_gb=rng.choice([5.0, 6.0, 9.0]),
    )


def loads_taken(found: LoadProblem) -> int:
    """The loads of a job that follows `next_residency` step by step."""
    resident: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    for number in count(1):
        left = tuple(each for each in found.tasks if each not in finished)
        rest = LoadProblem(
            tasks=left,
            parents={each: [parent for parent in found.parents[each] if parent in left] for each in left},
            options=found.options,
            vram_gb=found.vram_gb,
            limit_gb=found.limit_gb,
        )
        resident, _ = next_residency(rest, resident)
        finished = finished | rest.run_all(frozenset(), resident)
        if len(finished) == len(found.tasks):
            return number
    raise AssertionError("unreachable")


def fewest(found: LoadProblem) -> int:
    """The fewest loads by trying every model after every other, keeping any subset beside it."""
    states = {(frozenset[str](), frozenset[str]())}
    for number in count(1):
        following = set()
        for finished, resident in states:
            for tag in found.vram_gb:
                for kept in subsets(resident - {tag}):
                    held = kept | {tag}
                    if sum(found.vram_gb[each] for each in held) <= found.limit_gb:
                        following.add((found.run_all(finished, held), held))
        if any(len(finished) == len(found.tasks) for finished, _ in following):
            return number
        states = following
    raise AssertionError("unreachable")


def subsets(tags: frozenset[str]) -> list[frozenset[str]]:
    ordered = sorted(tags)
    return [frozenset(tag for n, tag in enumerate(ordered) if bits >> n & 1) for bits in range(1 << len(ordered))]


@pytest.mark.parametrize("seed", range(60))
def test_no_order_of_loads_is_shorter(seed: int) -> None:
    assert loads_taken(problem(seed)) == fewest(problem(seed))


def test_a_search_that_ends_early_says_so_and_still_loads_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewest_loads, "MAX_STATES", 0)
    found = LoadProblem(
        tasks=("x", "y", "z"),
        parents={"x": [], "y": [], "z": []},
        options={"x": frozenset("a"), "y": frozenset("b"), "z": frozenset("b")},
        vram_gb={"a": 5.0, "b": 5.0},
        limit_gb=6.0,
    )
    residency, proven = next_residency(found, frozenset())
    assert residency
    assert not proven
