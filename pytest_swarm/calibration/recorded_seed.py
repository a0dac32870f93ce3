"""The seed of a recorded run, found from the seeds of its requests: a recording does not tell it."""

from __future__ import annotations

from functools import cache
from typing import Final

from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.errors import OptionError
from pytest_swarm.ollama.cassette.takes import Take

_TRIED: Final = 10_000  # seeds from 0, each of which costs a microsecond or two


def recorded_seed(take: Take) -> int:
    """Return the seed of the run that recorded a take; 0 where the take has no request with a seed.

    Raises:
        OptionError: No seed from 0 to 9999 gives those of its requests.
    """
    sent = {row.options.get("seed") for row in take.exchanges if row.task is not None}
    seeds = frozenset(seed for seed in sent if isinstance(seed, int))
    found = _run_seed(seeds, take.case.key.repeat) if seeds else 0
    if found is None:
        raise OptionError(
            f"the seed of the recorded run is none of 0 to {_TRIED - 1}, so its requests cannot be sent again; "
            "give it with --seed=N"
        )
    return found


@cache
def _run_seed(seeds: frozenset[int], repeat: int) -> int | None:
    return next((seed for seed in range(_TRIED) if request_seed(seed, repeat) in seeds), None)
