"""Packed records equal the tuple they were made of, to the sign of zero, and share what does not differ."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.domain.packed import Packed, packed
from pytest_swarm.domain.record import TaskOutcome, TaskStatus
from pytest_swarm.telemetry.shared_values import SharedValues

RUN = TaskOutcome(task="a", status=TaskStatus.OK, started_s=-0.0, finished_s=1.5, token_cost=0.1 + 0.2, score=1.0)
SKIPPED = TaskOutcome(task="b", status=TaskStatus.SKIPPED, error="no model")
OUTCOMES = (RUN, SKIPPED, RUN)


def test_packed_records_equal_their_tuple_and_behave_like_it() -> None:
    found = packed(OUTCOMES, shared=SharedValues().same)
    assert isinstance(found, Packed)
    assert found == OUTCOMES
    assert found != OUTCOMES[:2]
    assert (len(found), found[1], found[-2:]) == (3, SKIPPED, OUTCOMES[-2:])
    assert repr(found) == repr(OUTCOMES)  # which tells -0.0 from 0.0, and None from a number
    assert packed((), shared=SharedValues().same) == ()


def test_records_that_differ_in_measured_numbers_share_all_else() -> None:
    shared = SharedValues()
    first = packed(OUTCOMES, shared=shared.same)
    later = packed(tuple(replace(each, finished_s=2.5) for each in OUTCOMES[::2]), shared=shared.same)
    assert isinstance(first, Packed)
    assert isinstance(later, Packed)
    assert first._layout[1] is first._layout[3] is later._layout[1]
    assert [each.finished_s for each in later] == [2.5, 2.5]
