"""The gate's table in a terminal of any width, and its place on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.report.gate_text import COLUMNS, HEAD, gate_text
from pytest_swarm.report.html import render_html
from pytest_swarm.report.text_table import text_table
from pytest_swarm.report.wording import NOT_MEASURED
from tests.report.factories import gate_result
from tests.report.played import small_report

ROW = ("REGRESSED", "LLM", "score:-2.5%@95", "66.4 %", "38.2 %", "-28.2 pts", "exact", "1.7 pts", "28 of 28")


@pytest.mark.parametrize(
    ("width", "dropped"),
    [
        (100, ()),
        (79, ()),
        (72, ("interval",)),
        (66, ("interval", "then")),
        (60, ("interval", "then", "pairs")),
        (50, ("interval", "then", "pairs", "allowed")),
    ],
)
def test_a_narrow_terminal_drops_whole_columns(width: int, dropped: tuple[str, ...]) -> None:
    head, row = text_table(COLUMNS, [ROW], width)
    kept = [n for n, title in enumerate(HEAD) if title not in dropped]
    assert head.split() == [HEAD[n] for n in kept]
    assert row.split() == " ".join(ROW[n] for n in kept).split()
    assert len(row) <= width


def test_the_numbers_of_a_column_end_at_one_place() -> None:
    other = (*ROW[:5], "+1.0 pts", *ROW[6:])
    _, first, second = text_table(COLUMNS, [ROW, other], 100)
    assert first.index("-28.2 pts") + len("-28.2 pts") == second.index("+1.0 pts") + len("+1.0 pts")


@pytest.mark.parametrize(
    ("changes", "interval"),
    [
        ({"low": -0.2, "high": 0.05}, "-20.0 .. +5.0"),
        ({"low": 0.9, "high": 1.25, "metric": "decision_ms.median", "ratio": True}, "-10.0 % .. +25.0 %"),
        ({"low": -0.2, "high": 0.05, "exact": True}, "exact"),
        ({}, NOT_MEASURED),
    ],
)
def test_an_interval_is_told_where_chance_plays_a_part(changes: dict[str, Any], interval: str) -> None:
    text = gate_text(gate_result(Verdict.OK, **changes))
    assert text is not None
    assert text.rows[0][HEAD.index("interval")] == interval


@pytest.mark.parametrize(
    ("verdict", "tone"),
    [
        (Verdict.REGRESSED, "bad"),
        (Verdict.IMPROVED, "good"),
        (Verdict.OK, "plain"),
        (Verdict.INCONCLUSIVE, "open"),
        (Verdict.NOT_COMPARABLE, "open"),
    ],
)
def test_the_answer_of_the_page_begins_with_the_gate(verdict: Verdict, tone: str) -> None:
    page = render_html(replace(small_report(horizons=(3,), budgets_gb=(8.0,)), gate=gate_result(verdict)))
    answer = page[page.index("<h2>Answer</h2>") :]
    first = re.search(r"<p>(.*?)</p>", answer)
    assert first is not None
    assert first[1].startswith(f'<span class="chip {tone}">Gate</span> {verdict} against b.json. Cases: none. ')
    assert f'<th scope="row" class="{tone}-text">{verdict}</th>' in page


def test_what_is_said_of_several_rows_is_said_once() -> None:
    result = gate_result(Verdict.INCONCLUSIVE, lost=("a failed",))
    (row,) = result.rows
    names = [f"score:-{n}%" for n in range(1, 6)]
    rows = [replace(row, expression=each) for each in names]
    every = gate_text(replace(result, rows=tuple(rows)))
    assert every is not None
    assert every.sentences == ("all 5 rows: lost: a failed",)
    rows[4] = replace(rows[4], lost=())
    many = gate_text(replace(result, rows=tuple(rows)))
    assert many is not None
    assert many.sentences == ("4 of 5 rows: lost: a failed",)
    few = gate_text(replace(result, rows=(*rows[:2], rows[4])))
    assert few is not None
    assert few.sentences == ("LP score:-1% and LP score:-2%: lost: a failed",)
