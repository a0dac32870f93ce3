"""Where the figures of a report come from: the mark that stands wherever they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.domain.record import REPLAYED_BACKEND
from pytest_swarm.metrics.figures_origin import FiguresOrigin, figures_origin
from pytest_swarm.report.measured import WORD, measure_summary, measured_once, measured_sentence, verified_sentence
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The mark of figures that a real server did not give in this run, such as `SIMULATED`, and a sentence."""

    word: str
    text: str


def provenance(report: Report) -> Provenance | None:
    """Return where the figures come from; None for a real server."""
    info = report.info
    profile = "" if info.profile is None else f"profile {one_line(info.profile)}, "
    simulator = f"the simulator ({profile}seed {info.seed})" if profile else "a simulated server"
    origin = figures_origin(info)
    if origin is FiguresOrigin.SIMULATED and info.backend == REPLAYED_BACKEND:
        text = f"no model was run; answers and times are those of a recording of {simulator}."
        return Provenance(word="SIMULATED", text=text)
    measured = measure_summary(report)
    if origin is FiguresOrigin.SIMULATED:
        text = f"no model was run; every figure comes from {simulator}."
        if measured is not None:
            checked = f" {verified_sentence(measured)}" if measured.verified else ""
            text = f"{text} Its answers were {measured_once(measured)}.{checked}"
        return Provenance(word="SIMULATED", text=text)
    if measured is not None:
        return Provenance(word=WORD, text=measured_sentence(measured))
    if origin is FiguresOrigin.REPLAYED:
        text = f"answers and times are those of a recording ({profile}seed {info.seed})."
        return Provenance(word="REPLAYED", text=text)
    return None
