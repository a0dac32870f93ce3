"""The sentence on slow loads that one mode or policy paid for, and the others did not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import fmean
from typing import Final

from pytest_swarm.metrics.figures_origin import FiguresOrigin, figures_origin
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.slow_loads import slow_loads_s
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import mode_name, seconds

_REAL: Final = (FiguresOrigin.MEASURED, FiguresOrigin.REPLAYED)
_MATTERS: Final = 0.05  # of a mode's makespan: what is below it changes no comparison


def slow_load_sentences(report: Report) -> list[str]:
    """Return the sentence on the modes of a run, where there is one."""
    jobs = {mode_name(mode): [each for each in report.jobs if each.key.mode == mode] for mode in report.mode_names}
    said = slow_load_sentence(jobs, origin=figures_origin(report.info)) if len(jobs) > 1 else None
    return [] if said is None else [said]


def slow_load_sentence(groups: Mapping[str, Collection[MeasuredJob]], *, origin: FiguresOrigin) -> str | None:
    """Return the sentence; None where no disk was read, no mode paid for slow loads, or all alike.

    Args:
        groups: The jobs of each mode or policy that has some, by its name as people read it.
        origin: Where the figures come from.
    """
    if origin not in _REAL:
        return None
    slow_s = slow_loads_s(groups)
    most, least = max(slow_s, key=slow_s.__getitem__), min(slow_s, key=slow_s.__getitem__)
    makespans_s = [job.metrics.makespan_s for job in groups[most] if job.metrics.makespan_s is not None]
    if not makespans_s or slow_s[most] - slow_s[least] <= _MATTERS * fmean(makespans_s):
        return None
    return (
        f"{seconds(slow_s[most])} of a job under {most} are loads that took over three times as long as usual, as from "
        f"a cold disk ({seconds(slow_s[least])} under {least}): to compare times, measure again with the models in the "
        "page cache."
    )
