"""The gate's table in a terminal of any width."""

from __future__ import annotations

import pytest

from pytest_swarm.report.gate_text import HEAD, aligned

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
