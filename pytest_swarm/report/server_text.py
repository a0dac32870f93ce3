"""The sentences on the server: slow loads and prompts that one mode or policy paid for, and one without a GPU."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from statistics import fmean
from typing import Final

from pytest_swarm.metrics.figures_origin import FiguresOrigin, figures_origin
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.slow_server import slow_loads_s, slow_prompts_s
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import seconds
from pytest_swarm.routing.registry import mode_name

_REAL: Final = (FiguresOrigin.MEASURED, FiguresOrigin.REPLAYED)
_MATTERS: Final = 0.05  # of a mode's makespan: what is below it changes no comparison
_MOST_TOLD: Final = 3  # other modes; of more, only the one that paid least
_LOADS: Final = (
    "{most} are loads that took over three times as long as usual, as from a cold disk ({others}): to compare times, "
    "measure again with the models in the page cache."
)
_PROMPTS: Final = (
    "{most} are prompts that took over eight times as long to read as usual, as where a server prepares "
    "itself for its first ones ({others}; planners' prompts are not looked at): to compare times, measure again on the "
    "same server."
)
_MAIN_MEMORY: Final = (
    "The server uses no GPU, so its models are in main memory, which is what VRAM and its budget stand for here; both "
    "are planned, and nothing of them was measured."
)


def main_memory_sentences(jobs: Iterable[MeasuredJob]) -> tuple[str, ...]:
    """Return that what is called VRAM is main memory; nothing where a model was ever in VRAM, or where nobody knows."""
    found = [job.metrics for job in jobs]
    without = any(each.measured_peak_vram_gb is None and each.residency_mismatches is not None for each in found)
    return (_MAIN_MEMORY,) if without and not any(each.measured_peak_vram_gb for each in found) else ()


def slow_run_sentences(report: Report) -> list[str]:
    """Return the sentences on the modes of a run."""
    jobs = {mode_name(mode): [each for each in report.jobs if each.key.mode == mode] for mode in report.mode_names}
    return slow_server_sentences(jobs, origin=figures_origin(report.info))


def slow_server_sentences(groups: Mapping[str, Collection[MeasuredJob]], *, origin: FiguresOrigin) -> list[str]:
    """Return the sentences; none where no real server was called, nothing was slow, or all paid alike.

    Args:
        groups: The jobs of each mode or policy that has some, by its name as people read it.
        origin: Where the figures come from.
    """
    if origin not in _REAL or len(groups) < 2:
        return []
    found = (_sentence(groups, slow_loads_s(groups), _LOADS), _sentence(groups, slow_prompts_s(groups), _PROMPTS))
    return [each for each in found if each is not None]


def _sentence(groups: Mapping[str, Collection[MeasuredJob]], slow_s: Mapping[str, float], text: str) -> str | None:
    most, least = max(slow_s, key=slow_s.__getitem__), min(slow_s, key=slow_s.__getitem__)
    makespans_s = [job.metrics.makespan_s for job in groups[most] if job.metrics.makespan_s is not None]
    if not makespans_s or slow_s[most] - slow_s[least] <= _MATTERS * fmean(makespans_s):
        return None
    others = sorted(slow_s.keys() - {most}, key=lambda name: (-slow_s[name], name))
    told = others if len(others) <= _MOST_TOLD else [least]
    return text.format(
        most=f"{seconds(slow_s[most])} of a job under {most}",
        others=", ".join(f"{seconds(slow_s[name])} under {name}" for name in told),
    )
