"""The gate's verdicts in words, for terminal, Markdown and page alike, read from the block `gate` of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.errors import EventsError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.report.markdown import escaped, markdown_table
from pytest_swarm.report.terminal import wrapped
from pytest_swarm.report.wording import NOT_MEASURED, mode_name, number, one_line, plural, signed_points, significant

HEAD: Final = ("verdict", "mode", "expression", "then", "now", "change", "interval", "allowed", "detects")
LEFT: Final = 3  # columns of words
_NOTABLE: Final = tuple(v.value for v in Verdict if v not in (Verdict.OK, Verdict.INCONCLUSIVE))
_MARKDOWN_LINES: Final = 12
_TERMINAL_LINES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GateText:
    """What is shown: the verdict in a sentence, one table of rows, sentences about them, and cases worth naming."""

    verdict: str
    headline: str
    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    cases: tuple[str, ...]

    @property
    def tone(self) -> str:
        """`bad`, `good`, `open` or `plain`, as the page colours it."""
        tones = {Verdict.REGRESSED.value: "bad", Verdict.ERROR.value: "bad", Verdict.IMPROVED.value: "good"}
        return tones.get(self.verdict, "plain" if self.verdict == Verdict.OK.value else "open")


def gate_text(block: Json) -> GateText | None:
    """The words of a `gate` block; None where a report has none."""
    if block is None:
        return None
    fields = Fields(block, where="gate", error=EventsError)
    rows = fields.tables("rows")
    counts = fields.table("counts").numbers()
    said = ", ".join(f"{int(count):,} {verdict}" for verdict, count in counts.items()) or "none"
    elsewhere = fields.whole("cases_elsewhere", 0)
    rest = f"; {plural(elsewhere, 'case')} of the baseline not asked for" if elsewhere else ""
    return GateText(
        verdict=fields.text("verdict"),
        headline=f"Gate: {fields.text('verdict')} against {fields.text('baseline')}. Cases: {said}{rest}.",
        rows=tuple(map(_row, rows)),
        sentences=(*(f"Not comparable: {each}." for each in fields.texts("reasons")), *_sentences(rows)),
        cases=tuple(_case(case) for case in fields.tables("cases") if _notable(case)),
    )


def gate_lines(block: Json) -> list[str]:
    """The gate in Markdown, to stand first in a summary; empty where a report has none. Every cell is escaped."""
    text = gate_text(block)
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
    """The gate in a terminal: its table, and at most 20 sentences unless -v."""
    said = [*text.sentences, *text.cases]
    shown = said if verbose > 0 else said[:_TERMINAL_LINES]
    lines = aligned(text.rows, width) if text.rows else []
    for sentence in shown:
        lines += wrapped(sentence, width)
    if len(shown) < len(said):
        lines.append(f".. and {len(said) - len(shown):,} more; -v shows all, report.json holds them.")
    return [*lines, *wrapped(text.headline, width)]


def aligned(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lines of a table with its head; a line wider than `width` is cut."""
    table = [HEAD, *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEAD))]
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in table)
    return [line if len(line) <= width else line[: width - 2] + ".." for line in lines]


def _row(row: Fields) -> tuple[str, ...]:
    score, ratio = row.text("metric") == "score", row.flag("ratio")
    test = row.optional_text("test")
    expression = row.text("expression") + (f" ({one_line(test, 60)})" if test else "")
    allowed = row.optional_number("allowed")
    return (
        row.text("verdict"),
        mode_name(one_line(row.text("mode"), 24)),
        expression,
        _value(row.optional_number("before"), score=score),
        _value(row.optional_number("now"), score=score),
        _change(row.optional_number("change"), score=score, ratio=ratio),
        _interval(row, score=score, ratio=ratio),
        _loss(allowed, score=score, ratio=ratio),
        _detectable(row, score=score, ratio=ratio),
    )


def _sentences(rows: Iterable[Fields]) -> list[str]:
    found: list[str] = []
    for row in rows:
        name = f"{mode_name(one_line(row.text('mode'), 24))} {row.text('expression')}"
        note = row.optional_text("note")
        if note:
            found.append(f"{name}: {one_line(note, 300)}")
        found += [f"{name}: {one_line(each, 300)}" for each in row.texts("details")]
    return found


def _notable(case: Fields) -> bool:
    return case.text("verdict") in _NOTABLE or (case.optional_text("note") or "").startswith("renamed")


def _case(case: Fields) -> str:
    before, now = case.optional_number("before"), case.optional_number("now")
    change = "" if before is None or now is None else f", {number(before, 3)} then, {number(now, 3)} now"
    note = case.optional_text("note")
    said = f": {one_line(note, 300)}" if note else ""
    test = case.optional_text("test")
    where = f" ({one_line(test, 100)})" if test else ""
    return f"{case.text('verdict')} {one_line(case.text('label'), 100)}{where}{change}{said}"


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
        return f"{100 * (value - 1):+.1f} %"
    return f"{signed_points(value)} pts" if score else _signed(value)


def _interval(row: Fields, *, score: bool, ratio: bool) -> str:
    low, high = row.optional_number("low"), row.optional_number("high")
    if low is None or high is None:
        return NOT_MEASURED
    return f"{_change(low, score=score, ratio=ratio).removesuffix(' pts')} .. {_change(high, score=score, ratio=ratio)}"


def _detectable(row: Fields, *, score: bool, ratio: bool) -> str:
    if "detectable" in row or "allowed" not in row:
        return _loss(row.optional_number("detectable"), score=score, ratio=ratio)
    return "exact" if row.optional_number("confidence") is None else "none"  # too few repeats to show anything at all


def _loss(value: float | None, *, score: bool, ratio: bool) -> str:
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if ratio:
        return f"{100 * value:.1f} %"
    return f"{100 * value:.1f} pts" if score else _plain(value)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{_plain(abs(value))}"
