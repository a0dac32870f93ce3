"""Seeds that mean the same on every machine and in every process: Python's own `hash` does not."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from random import Random
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.prompt import task_messages

_SEPARATOR: Final = "\x1f"  # the ASCII unit separator: ("a", "bc") and ("ab", "c") must not collide
_MAX_SEED: Final = 0x7FFF_FFFF  # Ollama takes a 32-bit signed seed; -1 would mean "random"
TRIED_SEEDS: Final = 10_000  # run seeds from 0 that are tried, each of which costs a microsecond or two


def request_seed(run_seed: int, repeat: int) -> int:
    """Return the `options.seed` of the requests of one repeat: 31 bits of SHA-256 over run seed and repeat.

    It depends on neither mode, task nor order, so that two modes that choose the same model for the same task get the
    same answer (common random numbers).

    Args:
        run_seed: The seed of the run (--swarm-seed).
        repeat: The number of the repeat, from 1.
    """
    return stable_int("request", run_seed, repeat) & _MAX_SEED


@cache
def run_seed_of(seeds: frozenset[int], repeat: int) -> int | None:
    """Return the run seed of which one of some seeds is the `request_seed`; None if none below `TRIED_SEEDS` is.

    Args:
        seeds: Seeds of requests.
        repeat: The number of their repeat, from 1.
    """
    return next((seed for seed in range(TRIED_SEEDS) if request_seed(seed, repeat) in seeds), None)


def task_seeds(graph: TaskGraph, seed: int) -> dict[str, int]:
    """Return the seed of each task's request by its ID: the repeat's, but for further tasks that ask the same.

    Equal requests get equal answers, so the samples of a vote would be one. Two tasks ask the same where their requests
    are equal whenever the answers in them are: of a chain that says `Improve {{answer: ID}}` at each step, too, because
    a step may leave the text as it is. The second and each further one gets a seed of its own, 31 bits, by its place
    among them. Tasks that are handed the answers of other parents as JSON never ask the same: it names the parents.

    Args:
        graph: The graph as it is run.
        seed: The `request_seed` of the repeat.
    """
    earlier: Counter[tuple[str, ...]] = Counter()
    seeds: dict[str, int] = {}
    for task in graph.tasks:
        blanks = dict.fromkeys(graph.inputs(task.id), "")
        asked = tuple(message["content"] for message in task_messages(task, blanks))
        copy = earlier[asked]
        earlier[asked] += 1
        seeds[task.id] = stable_int("copy", seed, copy) & _MAX_SEED if copy else seed
    return seeds


def inputs_of_repeats(graph: TaskGraph) -> dict[str, tuple[str, ...]]:
    """Return the inputs of each task that repeats the prompt of an earlier one with other inputs, by its ID.

    The steps of a chain that repeats one prompt have one seed and different requests. The simulator draws by prompt,
    whatever the inputs say, so this tells them apart.

    Args:
        graph: The graph as it is run.
    """
    first: dict[str, tuple[str, ...]] = {}
    repeats: dict[str, tuple[str, ...]] = {}
    for task in graph.tasks:
        inputs = graph.inputs(task.id)
        if first.setdefault(task.whole_prompt, inputs) != inputs:
            repeats[task.id] = inputs
    return repeats


def prompt_seed(seed: int, messages: Iterable[Mapping[str, object]]) -> int:
    """Return the seed that a real server gets for a chat, 31 bits: the repeat's seed XOR SHA-256 over the messages.

    So each prompt draws by itself, and the same prompt alike under any mode.

    Args:
        seed: The `request_seed` of the repeat.
        messages: The messages of the chat, of which `role` and `content` count.
    """
    told = (f"{each.get('role')}{_SEPARATOR}{each.get('content')}" for each in messages)
    return (seed ^ stable_int("prompt", *told)) & _MAX_SEED


def stable_int(*parts: str | int) -> int:
    """Return 64 bits of SHA-256 over the parts: equal parts give an equal number, in any process."""
    text = _SEPARATOR.join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def stable_rng(*parts: str | int) -> Random:
    """Return a generator for the parts, independent of every other draw."""
    return Random(stable_int(*parts))
