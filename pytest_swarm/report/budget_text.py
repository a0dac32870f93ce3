"""What a run says of its VRAM budgets: who planned over one, who was measured over it, and who kept it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.report.claims import Tone
from pytest_swarm.report.report_model import Report, budget_label
from pytest_swarm.report.wording import joined, part_of
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import format_gb

_FEW_MODES: Final = 3  # more names than these are counted


def budget_sentences(report: Report) -> Iterator[tuple[Tone, str]]:
    """Say for each budget which mode broke it, in how many jobs, at which horizon; and which budgets all modes kept."""
    kept_by: dict[tuple[str, ...], list[str]] = {}
    planned = [each for each in report.settings if each.violation_rate is not None]
    by_budget = sorted(planned, key=lambda each: each.vram_budget_gb or 0.0)
    for budget_gb, cells in groupby(by_budget, key=lambda each: each.vram_budget_gb):
        rows = list(cells)
        of_mode = {mode: own for mode in report.mode_names if (own := [row for row in rows if row.mode == mode])}
        broke = [mode for mode, own in of_mode.items() if any(each.violations for each in own)]
        kept = [mode for mode in of_mode if mode not in broke]
        if broke:
            parts = [_broken(mode, of_mode[mode]) for mode in broke]
            rest = len(report.modes) - len(broke)
            parts += [f"{_modes(kept, 'the other', of=rest)} never broke it"] if kept else []
            yield "bad", f"VRAM budget of {budget_label(budget_gb)}: {'; '.join(parts)}."
        else:
            kept_by.setdefault(tuple(kept), []).append(budget_label(budget_gb))
        over = [found for mode, own in of_mode.items() if (found := _measured_over(mode, own)) is not None]
        if over:
            yield "bad", f"Measured VRAM was over the budget of {budget_label(budget_gb)}: {joined(over)}."
    for modes, labels in kept_by.items():
        noun, them = ("budget", "it") if len(labels) == 1 else ("budgets", "them")
        yield (
            "good",
            f"VRAM {noun} of {joined(labels)}: {_modes(modes, 'all', of=len(report.modes))} kept {them} in every plan.",
        )


def _modes(modes: Sequence[str], which: str, *, of: int) -> str:
    """Return the names of a few modes, and `all 5 modes` for many; `all 5 modes with a plan` where there are more."""
    if len(modes) <= _FEW_MODES:
        return joined([mode_name(mode) for mode in modes])
    return f"{which} {len(modes)} modes{'' if len(modes) == of else ' with a plan'}"


def _broken(mode: str, cells: Sequence[Aggregate]) -> str:
    """Return `LP broke it in 1 of 3 jobs at horizon 1, never at horizon 0 and horizon 3`."""
    bad = [each for each in cells if each.violations]
    clean = [_place(each) for each in cells if not each.violations]
    parts = [
        f"in {part_of(each.jobs_over_budget or 0, each.measured_by['jobs_over_budget'], 'job')} at {_place(each)}"
        for each in bad
    ]
    never = f", never at {joined(clean)}" if clean else ""
    return f"{mode_name(mode)} broke it {joined(parts)}{never}"


def _place(cell: Aggregate) -> str:
    """Return `horizon 1`, and `horizon 1 with lambda_token 0.25` where the weight of token cost is swept."""
    horizon = f"horizon {cell.horizon_depth}"
    return horizon if cell.lambda_token is None else f"{horizon} with lambda_token {cell.lambda_token:g}"


def _measured_over(mode: str, cells: Sequence[Aggregate]) -> str | None:
    """Return `fixed in 10 of 10 jobs (up to 3.039GB)`; None for a mode that was never measured over the budget."""
    over = sum(each.jobs_measured_over_budget or 0 for each in cells)
    if not over:
        return None
    measured = sum(each.measured_by["jobs_measured_over_budget"] for each in cells)
    peak_gb = max(each.measured_peak_vram_gb or 0.0 for each in cells)
    return f"{mode_name(mode)} in {part_of(over, measured, 'job')} (up to {format_gb(peak_gb)})"
