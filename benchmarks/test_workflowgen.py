"""Generated workflows of all shapes and levels: many jobs whose tasks differ, so that a difference means something."""

from __future__ import annotations


def test_workflowgen(swarm_run, generated_job):
    result = swarm_run(generated_job)
    assert result.status == "completed"
