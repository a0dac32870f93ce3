"""Reports of tests reach the controller of xdist as the worker made them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_swarm.plugin.packed_reports import PACKED, PackedReports, UnpackedReports

REPORT = {
    "$report_type": "TestReport",
    "nodeid": "test_a.py::test_a[lp]",
    "when": "call",
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


def unpacked(reports: UnpackedReports, data: dict[str, Any]) -> dict[str, Any]:
    """What the controller makes of what a worker sent."""
    reports.unpack(data)
    return data


def test_a_report_is_one_entry_and_comes_back_with_what_xdist_adds() -> None:
    data = {**sent(REPORT), "item_index": 3}
    assert list(data) == [PACKED, "item_index"]
    UnpackedReports().unpack(data)
    assert repr(sorted(data.items())) == repr(sorted({**REPORT, "item_index": 3}.items()))  # tuples as tuples


@pytest.mark.parametrize("other", [{"$report_type": "CollectReport"}, {"value": object()}])
def test_what_is_no_report_of_a_test_or_cannot_be_packed_is_sent_as_it_is(other: dict[str, Any]) -> None:
    assert sent({**REPORT, **other}) == {**REPORT, **other}
    assert unpacked(UnpackedReports(), dict(REPORT)) == REPORT


def test_what_the_reports_of_a_test_repeat_is_kept_once() -> None:
    reports = UnpackedReports()
    parts = [{**REPORT, "when": when, "user_properties": []} for when in ("setup", "call")]
    other = {**REPORT, "nodeid": "test_a.py::test_a[milp]"}
    setup, apart, call, teardown = (
        unpacked(reports, sent(each)) for each in (parts[0], other, parts[1], {**REPORT, "when": "teardown"})
    )
    assert call == parts[1]
    assert teardown == {**REPORT, "when": "teardown"}
    for name in ("nodeid", "location", "keywords"):
        assert setup[name] is call[name] is teardown[name]
    assert setup["user_properties"] is call["user_properties"]  # those of the teardown are others
    assert apart == other
    again = unpacked(reports, sent(parts[0]))
    assert again["keywords"] is not setup["keywords"]  # nothing is kept of a test that has ended


@pytest.mark.parametrize("reads", [True, False])
def test_a_worker_packs_only_for_a_controller_that_reads_it(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    seen: set[bool] = set()

    unpack = UnpackedReports.unpack

    def watch(self: UnpackedReports, data: dict[str, Any]) -> None:
        seen.add(PACKED in data)
        unpack(self, data)

    monkeypatch.setattr(UnpackedReports, "unpack", watch)
    if not reads:
        monkeypatch.setattr("pytest_swarm.plugin.xdist_controller.FORM", ["another version of Python"])
    suite.runpytest("-n1", "--swarm-compare=milp").assert_outcomes(passed=1)
    assert seen == {reads}
