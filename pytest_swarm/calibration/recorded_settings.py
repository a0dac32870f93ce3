"""The settings of a recorded run, found in its requests: a recording does not tell them.

What cannot be found made no difference: a limit of running tasks that was never reached, or a dispatch of single tasks
where none began, and no model was loaded, before a whole layer had ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_swarm.calibration.recorded_chats import is_load, recorded_chats
from pytest_swarm.domain.seeding import TRIED_SEEDS
from pytest_swarm.errors import OptionError
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.ollama.cassette.takes import Exchange, Take


def recorded_settings(run: Sequence[Take], seed: int) -> BenchSettings:
    """Return the settings with which cases of one run were played.

    Args:
        run: Takes of the run.
        seed: Its seed.
    """
    return BenchSettings(
        seed=seed,
        planner=_planner(run),
        concurrency=max(1, *(_most_at_once(_task_chats(take)) for take in run)),
        dispatch="tasks" if any(_loads_beside_tasks(take) or _overtakes_its_layer(take) for take in run) else "layers",
    )


def recorded_seed(take: Take) -> int:
    """Return the seed whose requests were sent; 0 where no request has one.

    Raises:
        OptionError: It is none of 0 to 9999.
    """
    if not take.request_seeds:
        return 0
    found = take.run_seed
    if found is None:
        raise OptionError(
            f"the seed of the recorded run is none of 0 to {TRIED_SEEDS - 1}, so its requests cannot be sent again; "
            "give it with --seed=N"
        )
    return found


def _planner(run: Iterable[Take]) -> str | None:
    """Return the model that was asked for plans; None if none was."""
    chats = (chat for take in run for chat in recorded_chats(take))
    return next((chat.model for chat in chats if chat.problem is not None), None)


def _task_chats(take: Take) -> list[Exchange]:
    return [row for row in take.exchanges if row.task is not None]


def _most_at_once(rows: Sequence[Exchange]) -> int:
    return max((sum(_runs_at(each, row.sent_s) for each in rows) for row in rows), default=0)


def _loads_beside_tasks(take: Take) -> bool:
    """Return whether a model was loaded while a task ran; layers load before their tasks."""
    loads = [row.sent_s for row in take.exchanges if is_load(row)]
    return any(_runs_at(row, sent_s) for row in _task_chats(take) for sent_s in loads)


def _overtakes_its_layer(take: Take) -> bool:
    """Return whether a task began after its parent while another ran that had begun before the parent's end."""
    rows = _task_chats(take)
    ends = {row.task: row.ended_s for row in rows}
    for row in rows:
        parents = take.case.graph.parents(row.task or "")
        since_s = max((ends[parent] for parent in parents if parent in ends), default=0.0)
        if any(_runs_at(each, row.sent_s) and each.sent_s < since_s for each in rows if each is not row):
            return True
    return False


def _runs_at(row: Exchange, moment_s: float) -> bool:
    return row.sent_s <= moment_s < row.ended_s
