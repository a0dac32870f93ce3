"""What a report says of a run on measured answers: what was asked, what it saved, and how well times were predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.measured_run import MeasuredTest, VerifiedCase
from pytest_swarm.domain.prompt_speed import STALLED_TIMES
from pytest_swarm.domain.record import MEASURED_BACKEND
from pytest_swarm.metrics.figures_origin import FAR_OFF, VerifiedFigure, verified_figures
from pytest_swarm.metrics.metric_table import METRICS
from pytest_swarm.report.metric_text import written
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import seconds
from pytest_swarm.units import plural, signed_percent

WORD: Final = "MEASURED ANSWERS, PREDICTED TIMES"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSummary:
    """What was measured in all, and what it would have taken without a store.

    `answers_of_others` were stored by another run while this one went on: it asked none, and did not have them before.
    """

    answers_known: int
    answers_asked: int
    answers_of_others: int
    loads: int
    server_s: float
    without_store_s: float
    waves: int
    unmeasured: int
    stalled: int
    stalled_s: float
    verified: tuple[VerifiedCase, ...]
    figures: tuple[VerifiedFigure, ...]

    @property
    def far_off(self) -> tuple[VerifiedFigure, ...]:
        """The figures whose prediction is off by more than FAR_OFF."""
        return tuple(figure for figure in self.figures if figure.far_off)


def measure_summary(report: Report) -> MeasureSummary | None:
    """Return what a run on measured answers has measured; None for a run on another backend."""
    if report.info.backend != MEASURED_BACKEND:
        return None
    run = report.run
    asked, known = sum(test.asked for test in run.measured), _known(run.measured)
    verified = run.verified
    alone = {(test.test, test.job): test for test in run.measured}.values()  # several processes may have played a test
    return MeasureSummary(
        answers_known=known,
        answers_asked=asked,
        answers_of_others=0 if asked else max(0, sum(map(_played, _by_test(run.measured))) - known),
        loads=sum(test.loads for test in run.measured),
        server_s=sum(test.server_s for test in run.measured),
        without_store_s=sum(job.record.makespan_s or 0.0 for job in report.jobs),
        waves=sum(test.waves for test in run.measured),
        unmeasured=sum(test.unmeasured for test in run.measured),
        stalled=sum(test.stalled for test in alone),
        stalled_s=sum(test.stalled_s for test in alone),
        verified=verified,
        figures=verified_figures(verified),
    )


def _known(tests: Sequence[MeasuredTest]) -> int:
    """Return how many answers were known before the run, where several sessions or processes may have played a test."""
    found = 0
    for own in _by_test(tests):
        told = [each.known for each in own if each.known is not None]
        found += min(told) if told else max(0, _played(own) - sum(each.asked for each in own))
    return found


def _by_test(tests: Sequence[MeasuredTest]) -> list[list[MeasuredTest]]:
    """Return what each session or process saw of a test and job, together."""
    by_test: dict[tuple[str, str], list[MeasuredTest]] = {}
    for each in tests:
        by_test.setdefault((each.test, each.job), []).append(each)
    return list(by_test.values())


def _played(own: Sequence[MeasuredTest]) -> int:
    """Return how many answers the cases of a test were played on."""
    return max(each.answers for each in own)


def measured_once(summary: MeasureSummary) -> str:
    """Return what was asked, and where it took longer than it saved, such as `each measured once (9 answers ...)`."""
    asked = f"{plural(summary.answers_asked, 'answer')} asked in {_minutes(summary.server_s)} of server time"
    others = f", {summary.answers_of_others:,} asked by another run meanwhile" if summary.answers_of_others else ""
    text = f"each measured once ({asked}, {summary.answers_known:,} known before{others})"
    if summary.unmeasured or summary.server_s <= summary.without_store_s:
        return text
    return (
        f"{text}, which took longer than the cases would have without a store ({_minutes(summary.without_store_s)}): "
        "it pays with more modes, budgets or repeats, or when they are played again"
    )


def measured_sentence(summary: MeasureSummary) -> str:
    """Return the sentence of the banner: what was measured, what is predicted, and what was verified."""
    text = (
        f"scores, tokens and planners rest on answers of real models, {measured_once(summary)}; times, loads and "
        f"residency are predicted from measured ones{_stalled(summary)}"
    )
    if not summary.verified:
        return f"{text}. No case was run for real (--swarm-verify=N), so no time is confirmed."
    return f"{text}. {verified_sentence(summary)}"


def _stalled(summary: MeasureSummary) -> str:
    """Return how many prompts are played faster than they were read, and why; empty where none is."""
    if not summary.stalled:
        return ""
    played = "it is" if summary.stalled == 1 else "they are"
    return (
        f". {plural(summary.stalled, 'prompt')} took over {STALLED_TIMES:g} times as long to read as usual, "
        f"{seconds(summary.stalled_s)} more, as where a server prepares itself for its first ones: {played} played at "
        "the usual speed"
    )


def verified_sentence(summary: MeasureSummary) -> str:
    """Return how well the verified cases were predicted."""
    count = f"{plural(len(summary.verified), 'case')} {'was' if len(summary.verified) == 1 else 'were'} run for real"
    off = summary.far_off
    if off:
        parts = " and ".join(f"{METRICS[each.metric].label} by {_signed(each.off)}" for each in off)
        text = f"{count}: the prediction is off for {parts}, so these figures are grey."
    else:
        text = f"{count}: every prediction is within {FAR_OFF:.0%} of it.".replace("%", " %")
    return f"{text}{_same_answers(summary)}"


def _same_answers(summary: MeasureSummary) -> str:
    """Return whether the server has answered the same questions alike; empty where none was asked again."""
    asked = sum(case.questions for case in summary.verified)
    others = sum(case.other_answers for case in summary.verified)
    if not asked:
        return ""
    if not others:
        return f" {_questions(asked)} asked again, with the same answer."
    return (
        f" {_questions(asked)} asked again, and {others:,} got another answer: the server is not deterministic, so "
        "scores are those of the answers that were measured; raise --swarm-repeat to see how they vary."
    )


def _questions(count: int) -> str:
    return f"{plural(count, 'question')} {'was' if count == 1 else 'were'}"


def _signed(share: float | None) -> str:
    return "-" if share is None else signed_percent(share)


VERIFIED_HEAD: Final = ("mean per case", "cases", "predicted", "real", "off", "95 % of a case's error")


def verified_rows(summary: MeasureSummary) -> list[tuple[str, ...]]:
    """Return the table of predicted against real: means over the verified cases, and the interval of the error."""
    return [
        (
            METRICS[each.metric].label + (" (grey)" if each.far_off else ""),
            str(each.cases),
            written(METRICS[each.metric], each.predicted / each.cases),
            written(METRICS[each.metric], each.real / each.cases),
            _signed(each.off),
            "-" if each.low is None else f"{_signed(each.low)} to {_signed(each.high)}",
        )
        for each in summary.figures
    ]


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
