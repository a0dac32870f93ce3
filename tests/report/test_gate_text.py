"""The gate's table in a terminal of any width."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_swarm.gate.evaluate import GateResult
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.report.gate_text import HEAD, aligned, gate_text
from pytest_swarm.report.wording import NOT_MEASURED

ROW = ("REGRESSED", "LLM", "score:-2.5%@95", "66.4 %", "38.2 %", "-28.2 pts", "exact", "1.7 pts", "28 of 28")


@pytest.mark.parametrize(
    ("width", "dropped"),
    [
        (100, ()),
        (80, ("interval",)),
        (72, ("interval", "then")),
        (62, ("interval", "then", "pairs")),
        (50, ("interval", "then", "pairs", "allowed")),
    ],
)
def test_a_narrow_terminal_drops_whole_columns(width: int, dropped: tuple[str, ...]) -> None:
    head, row = aligned([ROW], width)
    kept = [n for n, title in enumerate(HEAD) if title not in dropped]
    assert head.split() == [HEAD[n] for n in kept]
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == [ROW[n] for n in kept]
    assert len(row) <= width


def test_a_line_that_is_still_too_wide_is_cut() -> None:
    assert aligned([ROW], 20) == ["verdict    mode  e..", "REGRESSED  LLM   s.."]


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
    row: dict[str, Any] = {"test": None, "expression": "score:-2.5%", "metric": "score", "mode": "lp", **changes}
    made = VerdictRow(gate="warn", verdict=Verdict.OK, **row)
    text = gate_text(
        GateResult(
            verdict=Verdict.OK,
            gate="warn",
            baseline="b.json",
            reasons=(),
            rows=(made,),
            cases=(),
            elsewhere=0,
            failures=(),
            warnings=(),
        )
    )
    assert text is not None
    assert text.rows[0][HEAD.index("interval")] == interval
