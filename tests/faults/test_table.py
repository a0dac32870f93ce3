"""The table of faults is whole, its page is true, and some of its rows are tried in every run of the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import ROOT, reliability_tables
from tests.faults.fault_case import FaultCase, Place, Workshop, within_bounds
from tests.faults.fault_table import FAULT_CASES

SOME = [row for row in FAULT_CASES if not row.processes][::20]


@pytest.mark.parametrize("row", SOME, ids=lambda row: f"{row.place}: {row.name}")
def test_some_faults_end_as_the_table_says(
    row: FaultCase, tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    within_bounds(row, Workshop(folder=tmp_path, pytester=pytester, patch=monkeypatch))


def test_the_table_has_its_size_and_no_row_twice() -> None:
    names = [(row.place, row.name) for row in FAULT_CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    assert {row.place for row in FAULT_CASES} == set(Place)
    assert all(row.expected and row.kept for row in FAULT_CASES)


def test_a_row_beyond_its_bounds_fails(
    tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(_: Workshop) -> None:
        bytearray(20 << 20)

    workshop = Workshop(folder=tmp_path, pytester=pytester, patch=monkeypatch)
    row = FaultCase(name="x", place=Place.LIMIT, expected="", kept="", carry_out=hungry, memory_mb=10.0)
    with pytest.raises(AssertionError, match="MB"):
        within_bounds(row, workshop)


def test_the_page_is_made_from_the_table() -> None:
    assert reliability_tables() in (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
