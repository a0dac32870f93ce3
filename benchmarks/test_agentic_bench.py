"""A chain of four types of task: reasoning, code, mathematics, summary."""

from __future__ import annotations


def test_agentic_bench(swarm_run, agentic_bench):
    result = swarm_run(agentic_bench)
    assert result.status == "completed"
