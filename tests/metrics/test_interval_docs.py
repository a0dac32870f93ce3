"""The intervals that docs/metrics.md shows are those that the code computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_swarm.statistics.intervals import MIN_CLUSTERS, clustered_mean

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (\d+) \| (differences|scores) ([^|]+) \| ([\d.-]+) % \| ([\d.+-]+) to ([\d.+-]+) % \|$", re.MULTILINE
)


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_each_row_of_the_table_is_computed(row: tuple[str, ...]) -> None:
    count, kind, parts, mean, low, high = row
    values = [
        float(value) for part in parts.split(", ") for value in [part.split(" x ")[1]] * int(part.split(" x ")[0])
    ]
    assert len(values) == int(count)
    lowest = -1.0 if kind == "differences" else 0.0
    found = clustered_mean(enumerate(values), low=lowest, high=1.0)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    for told, computed in ((mean, found.mean), (low, found.low), (high, found.high)):
        assert float(told) == pytest.approx(100 * computed, abs=0.051)


def test_the_page_names_the_fewest_workflows() -> None:
    assert len(ROW.findall(PAGE)) == 6
    assert f"fewer than {MIN_CLUSTERS} workflows there is no interval" in PAGE
