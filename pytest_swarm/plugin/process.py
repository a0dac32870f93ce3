"""Which process of a session this is: an ordinary one, the controller of xdist, or one of its workers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a run. `worker` is the number of a worker of xdist, None in any other process."""

    run_name: str
    worker: int | None = None


def process_of(config: pytest.Config) -> Process:
    """Return which process this is; a worker is told the run's name by its controller."""
    if not hasattr(config, "workerinput"):  # xdist's own way to mark its workers
        return Process(run_name=new_run_name())
    told: dict[str, str] = config.workerinput
    return Process(run_name=told["swarm_run"], worker=int(told["workerid"].removeprefix("gw")))


def new_run_name() -> str:
    """Return `20261123-110500-042-3f`: sorts by time to the millisecond, and two runs of one moment do not meet."""
    now = datetime.now()  # the user's own clock
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{os.urandom(1).hex()}"
