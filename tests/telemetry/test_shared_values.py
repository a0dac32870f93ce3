"""Values that are shared are the very same objects, and no value takes the place of another that equals it."""

from __future__ import annotations

from pytest_swarm.telemetry.event_types import ModelSwitchEvent
from pytest_swarm.telemetry.shared_values import SharedValues


def switch(started_s: float, *, step: int) -> ModelSwitchEvent:
    return ModelSwitchEvent(
        ts_ms=1.0,
        case="c",
        job="j",
        mode="lp",
        step=step,
        model="m",
        action="load",
        started_s=started_s,
        finished_s=9.0,
    )


def test_zeros_keep_their_sign_and_equal_numbers_are_one_object() -> None:
    shared = SharedValues()
    found = [shared.within(switch(each, step=int("12345"))) for each in (0.0, -0.0, float("2.5"), float("2.5"))]
    assert [repr(each.started_s) for each in found] == ["0.0", "-0.0", "2.5", "2.5"]
    assert found[2].started_s is found[3].started_s
    assert found[0].step is found[3].step
