"""Mutants of each kind of file, 500 in a thorough run: each is read, or refused in one sentence."""

from __future__ import annotations

import pytest

from tests.faults.file_samples import SAMPLES, FileSample
from tests.faults.fuzz import fuzz
from tests.tries import tries

MUTANTS = tries(500)


@pytest.mark.thorough
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.what)
def test_a_mutant_is_read_or_refused(sample: FileSample) -> None:
    found = fuzz(sample, MUTANTS, seed=7)
    assert found.failures == {}
    assert found.read + found.refused == MUTANTS
    assert found.refused > MUTANTS / 10, "mutants are damaged files"
