"""The jobs of a large matrix as a grid: a row for each workflow, a column for each setting, a cell says who won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final
from urllib.parse import urlencode

from pytest_swarm.metrics.comparison import TIE
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, setting_order
from pytest_swarm.report.job_rows import as_shown
from pytest_swarm.report.report_model import Report, budget_label, horizon_label
from pytest_swarm.report.wording import NOT_MEASURED, joined, percent
from pytest_swarm.routing.registry import mode_group, mode_name, mode_order
from pytest_swarm.units import plural

MIN_ROWS: Final = 24  # a list of up to so many rows is read at a glance
MAX_WORKFLOWS: Final = 300
MAX_SETTINGS: Final = 40
_NAMED: Final = 2  # up to so many winners are named in a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One workflow at one setting, over its repeats: the best mean score, the modes that reached it, and its link.

    Modes that know the answers beforehand (`hindsight`) do not compete.
    """

    score: str
    winners: tuple[str, ...]
    label: str
    title: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGrid:
    """The grid. `rows` are workflow names with a cell for each column, None where nothing ran; `note` says the rest."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridCell | None, ...]], ...]
    note: str | None


def job_grid(report: Report) -> JobGrid | None:
    """Return the grid of a run with several settings and modes; None where the list of jobs is short enough."""
    settings = sorted({each.setting for each in report.jobs}, key=setting_order)
    rows = len({each.pair_key for each in report.jobs})
    if rows <= MIN_ROWS or len(settings) < 2 or len(report.modes) < 2:
        return None
    by_name: dict[str, dict[Setting, list[MeasuredJob]]] = {}
    for each in as_shown(report.jobs):
        by_name.setdefault(each.job, {}).setdefault(each.setting, []).append(each)
    shown = settings[:MAX_SETTINGS]
    names = list(by_name)[:MAX_WORKFLOWS]
    return JobGrid(
        columns=tuple(
            f"{horizon_label(each.horizon)} {budget_label(each.budget_gb, each.lambda_token)}" for each in shown
        ),
        rows=tuple((name, tuple(_cell(name, by_name[name].get(at, ())) for at in shown)) for name in names),
        note=_note(len(by_name) - len(names), len(settings) - len(shown), _bystanders(report)),
    )


def _bystanders(report: Report) -> list[str]:
    """Return the modes that know the answers beforehand, which do not compete with others."""
    found = [mode for mode in report.mode_names if mode_group(mode) == "hindsight"]
    return [] if len(found) == len(report.modes) else [mode_name(mode) for mode in found]


def _note(workflows: int, settings: int, bystanders: list[str]) -> str | None:
    parts = [plural(workflows, "more workflow")] if workflows else []
    parts += [plural(settings, "more setting")] if settings else []
    notes = [f"{joined(parts)} in the list below."] if parts else []
    if bystanders:
        verb = "knows" if len(bystanders) == 1 else "know"
        notes.append(f"Left out here: {joined(bystanders)}, which {verb} the answers beforehand; the details show it.")
    return " ".join(notes) or None


def _cell(name: str, jobs: Sequence[MeasuredJob]) -> GridCell | None:
    if not jobs:
        return None
    scores: dict[str, list[float]] = {}
    fair = [each for each in jobs if mode_group(each.key.mode) != "hindsight"]
    for each in fair or jobs:
        own = scores.setdefault(each.key.mode, [])
        if each.metrics.score is not None:
            own.append(each.metrics.score)
    means = {mode: fmean(own) if own else None for mode, own in sorted(scores.items(), key=lambda m: mode_order(m[0]))}
    known = [mean for mean in means.values() if mean is not None]
    best = max(known, default=None)
    winners = tuple(m for m, mean in means.items() if best is not None and mean is not None and best - mean <= TIE)
    at = jobs[0].setting
    place = {"job": name, "h": horizon_label(at.horizon).removeprefix("h"), "vram": budget_label(at.budget_gb)}
    if at.lambda_token is not None:
        place["t"] = f"{at.lambda_token:g}"
    return GridCell(
        score=NOT_MEASURED if best is None else percent(best),
        winners=winners,
        label=_label(winners, len(means)),
        title=f"{name}: " + ", ".join(f"{mode_name(mode)} {percent(mean)}" for mode, mean in means.items()),
        link="#" + urlencode(place),
    )


def _label(winners: Sequence[str], modes: int) -> str:
    """Return who won: names of up to two modes, else how many."""
    if not winners:
        return "no score"
    if len(winners) == modes:
        return "all alike"
    if len(winners) <= _NAMED:
        return joined([mode_name(mode) for mode in winners])
    return f"{len(winners)} of {modes} modes"
