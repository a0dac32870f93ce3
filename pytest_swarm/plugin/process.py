"""Which process of a session this is: an ordinary one, the controller of xdist, or one of its workers."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_swarm.units import now_ms

if TYPE_CHECKING:
    import pytest

RUN: Final = "swarm_run"  # what a controller of xdist tells its workers: the name of the run ...
STARTED: Final = "swarm_started"  # ... when it began ...
FREE_VRAM: Final = "swarm_free_vram"  # ... the VRAM that the run may use ...
RESUMED: Final = "swarm_resumed"  # ... and the folder of the run that goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a run, which began at `started_ts_ms`, in milliseconds since 1970.

    `worker` is the number of a worker of xdist, None in any other process.

    Only a worker has the rest: `free_vram`, the VRAM in GB that the run may use by its controller's measurement, or why
    it has none, `resumed`, the folder of the run that goes on (None where a run begins), and `replaces`, whether it was
    started in place of one that died.
    """

    run_name: str
    started_ts_ms: float
    worker: int | None = None
    free_vram: float | str | None = None
    resumed: Path | None = None
    replaces: bool = False

    @property
    def is_worker(self) -> bool:
        """Whether it is a worker of xdist."""
        return self.worker is not None


def process_of(config: pytest.Config) -> Process:
    """Return which process this is; a worker is told the run's name by its controller."""
    if not hasattr(config, "workerinput"):  # xdist's own way to mark its workers
        return Process(run_name=new_run_name(), started_ts_ms=now_ms())
    told: dict[str, Any] = config.workerinput
    resumed, number = told.get(RESUMED), worker_number(str(told["workerid"]))
    return Process(
        run_name=told[RUN],
        started_ts_ms=told[STARTED],
        worker=number,
        free_vram=told.get(FREE_VRAM),
        resumed=None if resumed is None else Path(resumed),
        replaces=number >= told["workercount"],
    )


def worker_number(worker_id: str) -> int:
    """Return the number of a worker of xdist, from 0: that of its id, or one made of it where it has none.

    Ids are `gw0`, `gw1` and so on, but `--tx id=NAME//popen` names them at will. The number only spreads the workers
    over several servers.
    """
    digits = re.search(r"\d+$", worker_id)
    return int(digits[0]) if digits else zlib.crc32(worker_id.encode())


def new_run_name() -> str:
    """Return `20261123-110500-042-3f`: sorts by time to the millisecond, and two runs of one moment do not meet."""
    now = datetime.now()  # the user's own clock
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{os.urandom(1).hex()}"
