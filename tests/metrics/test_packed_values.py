"""Packed values equal the map they were made of, to the type of each number, and share what does not differ."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from pytest_swarm.domain.record import TaskStatus
from pytest_swarm.metrics.job_metrics import job_metrics, packed_metrics
from pytest_swarm.metrics.metric_table import METRICS
from pytest_swarm.metrics.packed_values import PackedValues, shared
from pytest_swarm.metrics.task_metrics import NotRun
from tests.report.factories import WB1, key, record

NOT_RUN = NotRun(task="a", status=TaskStatus.SKIPPED, error="no model")
VALUES = (
    *(None, True, False, 0, 0.0, -0.0, 1, 1.0, 16, 17, -17, 2**53, 2**80, float("inf"), 0.1 + 0.2, "text"),
    *((), (1.5, None, 300), ((2.5,), 0, -0.0), (NOT_RUN,), MappingProxyType({"solver": 3})),
)
PLACES = {f"v{n}": n for n in range(len(VALUES))}


def test_packed_values_equal_their_map_and_keep_the_type_of_each_number() -> None:
    found = PackedValues(PLACES, VALUES)
    assert [repr(found[name]) for name in PLACES] == list(map(repr, VALUES))
    assert [type(found[name]) for name in PLACES] == list(map(type, VALUES))
    assert found == dict(zip(PLACES, VALUES, strict=True))
    assert (len(found), list(found)) == (len(VALUES), list(PLACES))
    with pytest.raises(KeyError):
        found["unknown"]


def test_values_that_differ_in_measured_numbers_share_all_else() -> None:
    places = {"ms": 0, "tokens": 1, "steps": 2, "each": 3}
    first = PackedValues(places, (1.5, 300, 3, (0.5, 2.0)))
    later = PackedValues(places, (2.5, 400, 3, (0.25, 4.0)))
    assert first._layout is later._layout
    assert dict(later) == {"ms": 2.5, "tokens": 400, "steps": 3, "each": (0.25, 4.0)}
    other = PackedValues(places, (1.5, 300, True, (0.5, 2.0)))
    assert other._layout is not first._layout
    assert other["steps"] is True


def test_values_of_another_type_are_not_shared() -> None:
    zeros = (0, 0.0, -0.0, False)
    assert [repr(shared((each,))) for each in zeros] == ["(0,)", "(0.0,)", "(-0.0,)", "(False,)"]
    assert shared(("a", 1)) is shared(("a", int("1")))


def test_packed_metrics_of_a_job_are_its_metrics() -> None:
    metrics = job_metrics(record(graph=replace(WB1, name="packed"), case=key("milp")))
    found = packed_metrics(metrics)
    assert found.score == metrics.score
    assert {name: repr(found.values[name]) for name in METRICS} == {
        name: repr(metrics.values[name]) for name in METRICS
    }
