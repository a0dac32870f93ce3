"""The value of a metric as text."""

from __future__ import annotations

import pytest

from pytest_swarm.metrics.aggregate import Aggregate, aggregate_modes
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.metrics.metric_table import METRICS
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.metric_text import (
    interval_text,
    of_aggregate,
    plain_number,
    summary_columns,
    summary_row,
    written,
)
from pytest_swarm.statistics.intervals import Interval
from tests.report.factories import PHI, WB1, WB2, record


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("score", 0.7412, "74.1 %"),
        ("violation_rate", 0.25, "25 %"),
        ("utility", 1.31, "1.310"),
        ("peak_vram_gb", 12.5, "12.5 GB"),
        ("makespan_s", 9.87, "9.9 s"),
        ("decision_ms", 2.85, "2.9 ms"),
        ("switches", 1.25, "1.2"),
        ("switches", 3, "3"),
        ("tokens", 1496.4, "1,496"),
        ("token_cost", 0.8712, "0.871"),
        ("score_per_token_cost", 0.00123, "0.0012"),
        ("score", None, "-"),
    ],
)
def test_unit_and_digits_of_the_row_decide(name: str, value: float | None, text: str) -> None:
    assert written(METRICS[name], value) == text


def test_digits_can_be_replaced() -> None:
    assert written(METRICS["score"], 0.7412, digits=0) == "74 %"


def aggregate() -> Aggregate:
    (found,) = aggregate_modes(measure([record({"s0": 1.0}, graph=WB1, model=PHI.tag), record({"s0": 0.0}, graph=WB2)]))
    return found


def test_a_number_of_jobs_is_written_with_their_total() -> None:
    assert of_aggregate(METRICS["jobs_over_budget"], aggregate()) == "1 of 2"


def test_intervals_and_tallies_have_one_number() -> None:
    assert plain_number(aggregate().score) == 0.5
    assert plain_number({"invalid_json": 2, "timeout": 1}) == 3
    assert plain_number(None) is None


def test_an_interval_of_a_score_is_cut_to_what_a_score_can_be() -> None:
    found = Interval(mean=0.9, low=0.74, high=1.2, samples=3, clusters=3)
    assert interval_text(found, between=" to ") == "74 to 100"
    assert interval_text(None, between=" to ") == "-"


@pytest.mark.parametrize("place", [Show.TERMINAL, Show.MARKDOWN])
def test_head_and_rows_of_a_table_of_modes_have_the_same_columns(place: Show) -> None:
    row = summary_row(aggregate(), place, between="..", name="x")
    assert len(row) == 2 + len(summary_columns(place))
    assert row[:5] == ["x", "2", "50.0 %", "-", "1 of 2"]
    assert [title for title, _ in summary_columns(place)][:3] == ["score", "95 %", "over budget"]
