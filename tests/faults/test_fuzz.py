"""500 mutants of each kind of file: each is read, or refused in one sentence."""

from __future__ import annotations

import pytest

from tests.faults.file_samples import SAMPLES, FileSample
from tests.faults.fuzz import fuzz


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.what)
def test_a_mutant_is_read_or_refused(sample: FileSample) -> None:
    found = fuzz(sample, 500, seed=7)
    assert found.failures == {}
    assert found.read + found.refused == 500
    assert found.refused > 50, "mutants are damaged files"
