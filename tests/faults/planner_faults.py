"""Rows of the fault matrix: a planner that answers nonsense, and one whose server fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from tests.execution.lab import PLANNER
from tests.execution.stand_in import Body, StandIn, reply
from tests.faults.fault_case import FINE, LOST, FaultCase, Place, Workshop, run_on, served_by, simulated

FILLED = "counted by kind, and filled in by `greedy`"
KEPT = "prompt, answer and failure of each call are in the plan's event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a planner writes, and the failures that are counted."""

    text: Callable[[list[str]], str]
    failures: tuple[str, ...]

    def carry_out(self, workshop: Workshop) -> None:
        def answer(body: Body) -> Body:
            if "format" not in body:
                return reply()
            return reply(self.text(tasks_of(body)))

        record = run_on(served_by(StandIn(answer)), FINE, workshop.folder, mode="llm")
        assert [sorted(step.planner_failures) for step in record.steps] == [sorted(self.failures)] * len(record.steps)
        assert all(each.model in ("gemma2:2b", *MODELS) for step in record.steps for each in step.executed)


MODELS = ("qwen2.5-coder:7b", "llama3.1:8b", "phi4:14b")


def tasks_of(body: Body) -> list[str]:
    """The tasks that a planner is asked about."""
    return [task for task in ("a", "b") if f'"{task}"' in json.dumps(body["format"])]


def assigned(model: str, *, also: str = "") -> Callable[[list[str]], str]:
    return lambda tasks: json.dumps(
        {"assignments": [{"task": task, "model": model} for task in (*tasks, *([also] if also else []))]}
    )


PLANS = {
    "prose in place of JSON": Plan(text=lambda _: "I would use the big one.", failures=("invalid_json",)),
    "an empty answer": Plan(text=lambda _: "", failures=("invalid_json",)),
    "100,000 opening brackets": Plan(text=lambda _: "[" * 100_000, failures=("invalid_json",)),
    "100,000 nested objects": Plan(text=lambda _: '{"assignments":' * 100_000, failures=("invalid_json",)),
    "a number of 5,000 digits": Plan(text=lambda _: '{"assignments": ' + "9" * 5000 + "}", failures=("invalid_json",)),
    "a plan that is cut off": Plan(text=lambda tasks: assigned("gemma2:2b")(tasks)[:-4], failures=("invalid_json",)),
    "5 MB of text": Plan(text=lambda _: "words " * 800_000, failures=("invalid_json",)),
    "a model that nobody has": Plan(text=assigned("gpt-9:1t"), failures=("unknown_model",)),
    "a task that nobody has": Plan(text=assigned("gemma2:2b", also="z"), failures=("unknown_task",)),
}


def failing_planner(code: int) -> Callable[[Workshop], None]:
    """Return what runs a job whose planner's calls always fail with a status."""

    class Failing(StandIn):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content or b"{}")
            if request.url.path == "/api/chat" and body["model"] == PLANNER:
                return httpx.Response(code, json={"error": "busy"})
            return await super().__call__(request)

    return lambda workshop: _ended(run_on(served_by(Failing()), replace(LOST, retries=2), workshop.folder, mode="llm"))


def _ended(record: object) -> None:
    assert getattr(record, "outcomes") == (), "no task ran by a plan that nobody made"  # noqa: B009 - typed as object


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    nonsense = [
        FaultCase(name=name, place=Place.PLANNER, expected=FILLED, kept=KEPT, carry_out=plan.carry_out, memory_mb=150)
        for name, plan in PLANS.items()
    ]
    busy = [
        FaultCase(
            name=f"its calls always fail with status {code}",
            place=Place.PLANNER,
            expected="the job is an `error`, unscored: no other router plans in its name",
            kept="the retries are in the events",
            carry_out=failing_planner(code),
        )
        for code in (429, 503)
    ]
    hanging = FaultCase(
        name="it does not answer in time",
        place=Place.PLANNER,
        expected=FILLED,
        kept=KEPT,
        carry_out=simulated(f"hang:model={PLANNER},after=1", ending=replace(FINE, kinds=None), mode="llm"),
    )
    return (*nonsense, *busy, hanging)
