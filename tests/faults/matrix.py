"""The whole fault matrix, by a name that the suite does not collect: CI runs it as a step of its own.

pytest -n 2 tests/faults/matrix.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.fault_case import FaultCase, Workshop, within_bounds
from tests.faults.fault_table import FAULT_CASES


@pytest.mark.parametrize("row", FAULT_CASES, ids=lambda row: f"{row.place}: {row.name}")
def test_a_fault_ends_as_the_table_says(
    row: FaultCase, tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    within_bounds(row, Workshop(folder=tmp_path, pytester=pytester, patch=monkeypatch))
