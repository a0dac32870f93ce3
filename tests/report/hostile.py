"""A run in which every text that comes from outside is an attack."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import PlannerCall
from pytest_swarm.domain.record import Case, JobRecord, JobStatus, Run
from pytest_swarm.domain.switch import Switch
from tests.report.factories import GEMMA, QWEN, failed, key, ok, run, step, task

HOSTILE: Final = (
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '" autofocus onfocus=window.pwned=1 x="',
    "a | b | c\n| --- |\n| `x` [l](javascript:window.pwned=1) ![i](http://evil.example/i.png) @everyone #1 <b>",
    "\x1b[31mred\x1b[0m\x00\x07bell\r\nnew: line",
    "left \u202eright-to-left\u202c \u2066isolate\u2069 \u200f",
    "lone \ud800 surrogate \udfff",
    "{{ 7 * 7 }} {% for x in y %} ${window.pwned=1} <!-- ",
    '=HYPERLINK("http://evil.example")',
)


@cache
def hostile_run(*, answer_characters: int = 0) -> Run:
    """A run whose every foreign text is an attack; one answer may be as long as is asked for."""
    graph = TaskGraph(
        name="wb1" + HOSTILE[0],
        tasks=tuple(replace(task(text), prompt=text * 3) for text in HOSTILE),
        edges=((HOSTILE[0], HOSTILE[1]),),
    )
    evil = replace(GEMMA, tag="gemma" + HOSTILE[1])
    jobs: list[JobRecord] = []
    for mode in ("lp", "evil" + HOSTILE[2]):
        calls = (PlannerCall(prompt=HOSTILE[0], answer=HOSTILE[1] + HOSTILE[6], detail=HOSTILE[3]),)
        steps = (
            replace(
                step(0, dict.fromkeys(HOSTILE, GEMMA.tag), mode=mode, horizon_depth=3),
                planner_calls=calls,
                reason=HOSTILE[0],
                target_residency=(evil.tag,),
                solver=HOSTILE[0],
            ),
        )
        outcomes = [ok(text, 0.5, model=evil.tag, answer=text, score_detail=HOSTILE[1]) for text in HOSTILE]
        outcomes[1] = replace(failed(HOSTILE[1], model=evil.tag), error=HOSTILE[0])
        outcomes[2] = replace(outcomes[2], answer="x" * answer_characters)
        jobs.append(
            JobRecord(
                case=Case(graph=graph, key=key(mode), test=HOSTILE[0]),
                status=JobStatus.COMPLETED,
                simulated=True,
                steps=steps,
                outcomes=tuple(outcomes),
                makespan_s=3.0,
                switches=(Switch(step=0, model=evil.tag, action="load", started_s=0.0, finished_s=1.0),),
            )
        )
    jobs.append(replace(jobs[0], case=replace(jobs[0].case, key=key("llm")), status=JobStatus.ERROR, error=HOSTILE[4]))
    texts = {HOSTILE[0]: HOSTILE[1]}
    return run(
        *jobs,
        notes=HOSTILE,
        run="run" + HOSTILE[0],
        profile=HOSTILE[2],
        backend_detail=HOSTILE[0],
        options=texts,
        machine=texts,
        versions=texts,
        command=("pytest", HOSTILE[0]),
        fleet=Fleet(name=HOSTILE[0], models=(evil, QWEN)),
    )
