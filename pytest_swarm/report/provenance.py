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
    replayed = info.backend == REPLAYED_BACKEND
    seed = "" if replayed else f", seed {info.seed}"  # a cassette does not hold the seed that it was recorded with
    profile = info.profile
    simulator = "a simulated server" if profile is None else f"the simulator (profile {one_line(profile)}{seed})"
    origin = figures_origin(info)
    if origin is FiguresOrigin.SIMULATED and replayed:
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
        return Provenance(word="REPLAYED", text="answers and times are those of a recording.")
    return None
