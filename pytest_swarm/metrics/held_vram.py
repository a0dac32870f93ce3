"""VRAM that a job held at once where calls and loads overlap: by moment, from its loads and unloads."""

from __future__ import annotations

from bisect import bisect_right

from pytest_swarm.domain.record import JobRecord


def held_peaks_gb(record: JobRecord) -> tuple[float, ...]:
    """Return, for each plan step, the most that its fleet's models held at a load since it, in GB; 0 without a load.

    A model holds its memory from the start of its load to the end of its unload. A load belongs to the last step that
    began before it. Where each step ends before the next begins, nothing is held beside the plan: all are 0.
    """
    steps = record.steps
    peaks = [0.0] * len(steps)
    if not steps or steps[0].running is None:
        return tuple(peaks)
    starts = [step.started_s for step in steps]
    changes = sorted(
        (each.started_s, 1, each.model) if each.action == "load" else (each.finished_s, 0, each.model)
        for each in record.switches
    )
    held = set(steps[0].resident_before)
    for at_s, loads, model in changes:
        if not loads:
            held.discard(model)
            continue
        held.add(model)
        n = max(0, bisect_right(starts, at_s) - 1)
        peaks[n] = max(peaks[n], sum(steps[n].vram_gb.get(each, 0.0) for each in sorted(held)))
    return tuple(peaks)
