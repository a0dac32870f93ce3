"""Reports of tests reach the controller of xdist as the worker made them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_swarm.plugin.packed_reports import PACKED, PackedReports, unpack_report

REPORT = {
    "$report_type": "TestReport",
    "nodeid": "test_a.py::test_a[lp]",
    "location": ("test_a.py", 3, "test_a[lp]"),
    "keywords": {"test_a": 1},
    "user_properties": [("swarm.score", 0.1), ("swarm.repeat", 1), ("swarm.simulated", True)],
    "sections": [("Captured stdout call", "half a pair: \ud800")],
    "longrepr": ("test_a.py", 3, "Skipped: no model"),
}


def sent(data: dict[str, Any]) -> dict[str, Any]:
    """What a worker makes of a report's entries."""
    around = PackedReports().pytest_report_to_serializable()
    next(around)
    with pytest.raises(StopIteration) as end:
        around.send(dict(data))
    found: dict[str, Any] = end.value.value
    return found


def test_a_report_is_one_entry_and_comes_back_with_what_xdist_adds() -> None:
    data = {**sent(REPORT), "item_index": 3}
    assert list(data) == [PACKED, "item_index"]
    unpack_report(data)
    assert repr(sorted(data.items())) == repr(sorted({**REPORT, "item_index": 3}.items()))  # tuples as tuples


@pytest.mark.parametrize("other", [{"$report_type": "CollectReport"}, {"value": object()}])
def test_what_is_no_report_of_a_test_or_cannot_be_packed_is_sent_as_it_is(other: dict[str, Any]) -> None:
    assert sent({**REPORT, **other}) == {**REPORT, **other}
    unpacked = dict(REPORT)
    unpack_report(unpacked)
    assert unpacked == REPORT


@pytest.mark.parametrize("reads", [True, False])
def test_a_worker_packs_only_for_a_controller_that_reads_it(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    seen: set[bool] = set()

    def watch(data: dict[str, Any]) -> None:
        seen.add(PACKED in data)
        unpack_report(data)

    monkeypatch.setattr("pytest_swarm.plugin.xdist_controller.unpack_report", watch)
    if not reads:
        monkeypatch.setattr("pytest_swarm.plugin.xdist_controller.FORM", ["another version of Python"])
    suite.runpytest("-n1", "--swarm-compare=milp").assert_outcomes(passed=1)
    assert seen == {reads}
