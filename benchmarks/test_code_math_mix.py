"""Eight single tasks of code and mathematics, all ready at once: routing without any order between the tasks."""

from __future__ import annotations


def test_code_math_mix(swarm_run, code_math_mix):
    result = swarm_run(code_math_mix)
    assert result.status == "completed"
