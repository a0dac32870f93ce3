"""The gate's verdicts in words, for terminal, Markdown and page alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pytest_swarm.gate.looks import share_of_level
from pytest_swarm.gate.verdicts import CaseVerdict, GateResult, Verdict, VerdictRow
from pytest_swarm.report.claims import Tone
from pytest_swarm.report.markdown_text import escaped, markdown_table
from pytest_swarm.report.text_table import TextColumn, text_table, wrapped
from pytest_swarm.report.wording import NOT_MEASURED, joined, number, one_line, signed_points, significant
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import plural, signed_percent

HEAD: Final = ("verdict", "mode", "expression", "then", "now", "change", "interval", "allowed", "pairs")
LEFT: Final = 3  # columns of words
_GIVING_WAY: Final = ("allowed", "pairs", "then", "interval")  # a narrow terminal drops the last of these first
COLUMNS: Final = tuple(
    TextColumn(title=title, right=n >= LEFT, gives_way=1 + _GIVING_WAY.index(title) if title in _GIVING_WAY else 0)
    for n, title in enumerate(HEAD)
)
_NOT_NOTABLE: Final = (Verdict.OK, Verdict.INCONCLUSIVE)
_TONES: Final[Mapping[Verdict, Tone]] = MappingProxyType(
    {Verdict.REGRESSED: "bad", Verdict.ERROR: "bad", Verdict.IMPROVED: "good", Verdict.OK: "plain"}
)
_MARKDOWN_LINES: Final = 12
_TERMINAL_LINES: Final = 20
_NAMES: Final = 3  # rows that a sentence names; more are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class GateText:
    """What is shown: the verdict in a sentence, one table of rows, sentences about them, and cases worth naming."""

    verdict: Verdict
    summary: str
    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    cases: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The verdict where no heading says that it is the gate's."""
        return f"Gate: {self.summary}"

    @property
    def tone(self) -> Tone:
        """How the page colors the verdict."""
        return _TONES.get(self.verdict, "open")

    @property
    def row_tones(self) -> tuple[Tone, ...]:
        """How the page colors the verdict of each row."""
        return tuple(_TONES.get(Verdict(row[0]), "open") for row in self.rows)


def gate_text(result: GateResult | None) -> GateText | None:
    """Return the words of the gate's verdicts; None where a report has none."""
    if result is None:
        return None
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in result.counts.items()) or "none"
    rest = f"; {plural(result.elsewhere, 'case')} of the baseline not run" if result.elsewhere else ""
    return GateText(
        verdict=result.verdict,
        summary=f"{result.verdict} against {result.baseline}. Cases: {said}{rest}.",
        rows=tuple(map(_row, result.rows)),
        sentences=(*(f"Not comparable: {each}." for each in result.reasons), *_sentences(result.rows)),
        cases=tuple(_case(case) for case in result.cases if _notable(case) and case.note not in result.reasons),
    )


def gate_lines(result: GateResult | None) -> list[str]:
    """The gate in Markdown, to stand first in a summary; empty where a report has none. Every cell is escaped."""
    text = gate_text(result)
    if text is None:
        return []
    said = [*text.sentences, *text.cases]
    table = markdown_table(HEAD, text.rows, left=LEFT) if text.rows else []
    lines = [f"**{escaped(text.headline)}**", "", *table, ""]
    lines += [f"- {escaped(each)}" for each in said[:_MARKDOWN_LINES]]
    if len(said) > _MARKDOWN_LINES:
        lines.append(f"- and {plural(len(said) - _MARKDOWN_LINES, 'sentence')} more in report.json")
    return lines


def terminal_lines(text: GateText, width: int, *, verbose: int) -> list[str]:
    """Return the lines of the gate in a terminal: its table, and at most 20 sentences unless -v.

    Args:
        text: Table and sentences.
        width: Columns of the terminal.
        verbose: The number of -v; -q counts as -1.
    """
    said = [*text.sentences, *text.cases]
    shown = said if verbose > 0 else said[:_TERMINAL_LINES]
    lines = text_table(COLUMNS, text.rows, width) if text.rows else []
    for sentence in shown:
        lines += wrapped(sentence, width)
    if len(shown) < len(said):
        lines.append(f".. and {len(said) - len(shown):,} more; -v shows all, report.json holds them.")
    return [*lines, *wrapped(text.headline, width)]


def _row(row: VerdictRow) -> tuple[str, ...]:
    score = row.metric == "score"
    return (
        row.verdict.value,
        mode_name(one_line(row.mode, 24)),
        row.expression + (f" ({one_line(row.test, 60)})" if row.test else ""),
        _value(row.before, score=score),
        _value(row.now, score=score),
        _change(row.change, score=score, ratio=row.ratio),
        _interval(row, score=score),
        _loss(row.allowed, score=score, ratio=row.ratio),
        f"{row.pairs:,} of {row.pairs_expected:,}",
    )


def _sentences(rows: Sequence[VerdictRow]) -> list[str]:
    """Return what is said of the rows, each sentence once, with the names of its rows."""
    found: dict[str, list[str]] = {}
    for row in rows:
        name = f"{mode_name(one_line(row.mode, 24))} {row.expression}"
        for said in _said_of(row):
            found.setdefault(said, []).append(name)
    return [f"{_names(names, of=len(rows))}: {said}" for said, names in found.items()]


def _said_of(row: VerdictRow) -> Iterator[str]:
    if row.note:
        yield one_line(row.note, 300)
    if row.verdict is not Verdict.NOT_COMPARABLE and (said := coverage_text(row)):
        yield said
    yield from (f"lost: {one_line(each, 300)}" for each in row.lost)
    yield from (one_line(each, 300) for each in row.details)


def _names(names: list[str], *, of: int) -> str:
    """Return the names of rows, or how many there are where they are many or all."""
    if 1 < len(names) == of:
        return f"all {of:,} rows"
    return joined(names) if len(names) <= _NAMES else f"{len(names):,} of {of:,} rows"


def coverage_text(row: VerdictRow) -> str:
    """Return what was compared, as in `51 of 51 cases, 255 of 255 pairs; 20 repeats, 3 distinct`.

    It is empty where all was compared and nothing else is to be said, because the table has the pairs.
    """
    cases, pairs = plural(row.cases_expected, "case"), plural(row.pairs_expected, "pair")
    counts = f"{row.cases:,} of {cases}, {row.pairs:,} of {pairs} compared"
    said = ""
    for side, repeats, distinct in (
        ("then", row.repeats_before, row.distinct_before),
        ("now", row.repeats_now, row.distinct_now),
    ):
        if distinct < repeats:
            said += f"; {side} {plural(repeats, 'repeat')} of jobs, {distinct:,} distinct"
    if row.looks:
        said += f"; look {row.looks + 1} of a growing run, at {100 * share_of_level(row.looks):.0f} % of the level"
    if row.jobs_drawn_together:
        said += f"; {row.jobs_drawn_together:,} jobs share prompts, and each repeat of them is one draw"
    if row.distinct_now == row.jobs < row.repeats_now or row.distinct_before == row.jobs < row.repeats_before:
        said += ". The server answered every repeat of a job alike, so repeats say nothing of chance"
    is_whole = row.cases == row.cases_expected and row.pairs == row.pairs_expected
    return "" if is_whole and not said else counts + said


def _notable(case: CaseVerdict) -> bool:
    return case.verdict not in _NOT_NOTABLE or (case.note or "").startswith("renamed")


def _case(case: CaseVerdict) -> str:
    before, now = case.before, case.now
    change = "" if before is None or now is None else f", {number(before, 3)} then, {number(now, 3)} now"
    said = f": {one_line(case.note, 300)}" if case.note else ""
    where = f" ({one_line(case.test, 100)})" if case.test else ""
    return f"{case.verdict} {one_line(case.setup.label, 100)}{where}{change}{said}"


def _value(value: float | None, *, score: bool) -> str:
    if value is None:
        return NOT_MEASURED
    return f"{100 * value:.1f} %" if score else _plain(value)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else significant(value)


def _change(value: float | None, *, score: bool, ratio: bool) -> str:
    if value is None:
        return NOT_MEASURED
    if ratio:
        return signed_percent(value - 1, 1)
    return f"{signed_points(value)} pts" if score else _signed(value)


def _interval(row: VerdictRow, *, score: bool) -> str:
    if row.exact:
        return "exact"
    if row.low is None or row.high is None:
        return NOT_MEASURED
    low, high = (_change(each, score=score, ratio=row.ratio) for each in (row.low, row.high))
    return f"{low.removesuffix(' pts')} .. {high.removesuffix(' pts')}"


def _loss(value: float | None, *, score: bool, ratio: bool) -> str:
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if ratio:
        return f"{100 * value:.1f} %"
    return f"{100 * value:.1f} pts" if score else _plain(value)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{_plain(abs(value))}"
