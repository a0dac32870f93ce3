"""Rows of the fault matrix: a server that fails, and what becomes of the job."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from pytest_swarm.errors import CallTimeoutError
from pytest_swarm.execution import server_models
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel
from tests.faults.fault_case import FINE, LOST, Ending, FaultCase, Place, Workshop, simulated

SAME_RECORD = "the events alone give the same record"
TRIED_AGAIN = "tried again twice, then as if nothing had been"
TOLD_SOON = "one sentence within 10 s, exit 4, however long `--swarm-timeout` is"
NO_SCORE = "the job is an `error`, unscored, and runs again on resume"
PASSING = {
    "the queue is full (503), twice": "busy:after=1,times=2",
    "a model cannot be loaded (500), twice": "load-error:times=2",
    "a model's process dies while it answers (500), twice": "crash:after=1,times=2",
    "the connection breaks in the middle of a reply, twice": "cut:after=1,times=2",
    "the connection is refused, twice": "refuse:times=2",
}
STAYING = {
    "the queue stays full (503)": ("busy", "server_error", 2),
    "a model can never be loaded (500)": ("load-error", "server_error", 2),
    "a model's process dies at every answer": ("crash:after=1", "server_error", 2),
    "every reply breaks off": ("cut:after=1", "bad_reply", 2),
    "every reply lacks its end": ("no-done:after=1", "bad_reply", 0),
    "replies are no JSON": ("garbage:after=1", "bad_reply", 0),
    "replies are a web page": ("html:after=1", "bad_reply", 0),
    "replies come from another model": ("wrong-model:after=1", "bad_reply", 0),
}
OF_THE_MODEL = {
    "a model does not answer in time": ("hang:after=1", "timeout"),
    "a model answers after the time limit": ("slow:after=1,seconds=40", "timeout"),
    "a model is not installed (404)": ("missing:after=1", "model_missing"),
}


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    passing = [
        FaultCase(
            name=name,
            place=Place.SERVER,
            expected=TRIED_AGAIN,
            kept=SAME_RECORD,
            carry_out=simulated(fault, ending=replace(FINE, retries=2)),
        )
        for name, fault in PASSING.items()
    ]
    staying = [
        FaultCase(
            name=name,
            place=Place.SERVER,
            expected=NO_SCORE,
            kept=SAME_RECORD,
            carry_out=simulated(fault, ending=replace(LOST, kinds=frozenset((kind,)), retries=retries)),
        )
        for name, (fault, kind, retries) in STAYING.items()
    ]
    failing = [
        FaultCase(
            name=name,
            place=Place.SERVER,
            expected="the task has failed and scores 0; nothing is tried again",
            kept=SAME_RECORD,
            carry_out=simulated(fault, ending=Ending(kinds=frozenset((kind,)))),
        )
        for name, (fault, kind) in OF_THE_MODEL.items()
    ]
    return (*passing, *staying, *failing, *_others())


def _others() -> tuple[FaultCase, ...]:
    return (
        FaultCase(
            name="the server dies and stays dead",
            place=Place.SERVER,
            expected=NO_SCORE,
            kept="the plan and the loads before it are in the record",
            carry_out=simulated("refuse:after=6", ending=replace(LOST, retries=2, kinds=None)),
        ),
        FaultCase(
            name="the server takes connections and never answers, before the first test",
            place=Place.SERVER,
            expected=TOLD_SOON,
            kept="nothing was measured yet",
            carry_out=_hanging_before_the_first_test,
        ),
        FaultCase(
            name="the server lists its models, and hangs at the list of the resident ones, before the first test",
            place=Place.SERVER,
            expected=TOLD_SOON,
            kept="nothing was measured yet",
            carry_out=_hanging_at_the_resident_models,
        ),
        FaultCase(
            name="a slow reply within the time limit",
            place=Place.SERVER,
            expected="an answer like any other",
            kept=SAME_RECORD,
            carry_out=simulated("slow:seconds=20", ending=FINE),
        ),
        FaultCase(
            name="one model of several fails at every load",
            place=Place.SERVER,
            expected="a mode that does not choose it keeps its score",
            kept=SAME_RECORD,
            carry_out=simulated("load-error:model=phi4:14b", ending=FINE),
        ),
    )


def _hanging_before_the_first_test(workshop: Workshop) -> None:
    workshop.patch.setattr(server_models, "START_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(CallTimeoutError, match="hangs: it"):
        server_models.installed_models(f"http://127.0.0.1:{listening.getsockname()[1]}", 3600.0)


def _hanging_at_the_resident_models(workshop: Workshop) -> None:
    async def answer(_: OllamaClient) -> tuple[ListedModel, ...]:
        return ()

    for name in ("installed", "version"):
        workshop.patch.setattr(OllamaClient, name, answer)
    _hanging_before_the_first_test(workshop)
