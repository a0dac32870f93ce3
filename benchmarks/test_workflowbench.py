"""The published workflows wb1, wb2 and wb3: what a routing policy is measured on, not what a model must get right."""

from __future__ import annotations


def test_wb1(swarm_run, wb1):
    result = swarm_run(wb1)
    assert result.status == "completed"


def test_wb2(swarm_run, wb2):
    result = swarm_run(wb2)
    assert result.status == "completed"


def test_wb3(swarm_run, wb3):
    result = swarm_run(wb3)
    assert result.status == "completed"
