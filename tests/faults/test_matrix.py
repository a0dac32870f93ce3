"""Each row of the fault matrix: it ends as the table says, within its time and memory."""

from __future__ import annotations

import gc
import time
import tracemalloc
from pathlib import Path

import pytest

from tests.faults.fault_case import FaultCase, Workshop
from tests.faults.fault_table import FAULT_CASES

MB = 1 << 20


@pytest.mark.parametrize("row", [row for row in FAULT_CASES if not row.processes], ids=lambda row: row.name)
def test_a_fault_ends_as_the_table_says(
    row: FaultCase, tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(folder=tmp_path, pytester=pytester, patch=monkeypatch)
    gc.collect()
    tracemalloc.start()
    before_s = time.process_time()
    try:
        row.carry_out(workshop)
        peak_mb = tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()
    assert peak_mb <= row.memory_mb
    assert time.process_time() - before_s <= row.cpu_s


@pytest.mark.parametrize("row", [row for row in FAULT_CASES if row.processes], ids=lambda row: row.name)
def test_a_fault_between_processes_ends_as_the_table_says(
    row: FaultCase, tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    row.carry_out(Workshop(folder=tmp_path, pytester=pytester, patch=monkeypatch))


def test_the_matrix_has_its_size_and_no_row_twice() -> None:
    names = [(row.place, row.name) for row in FAULT_CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
