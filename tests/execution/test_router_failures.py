"""A router that fails ends its job as an error, with one sentence that names the mode; it costs no other mode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.errors import PromptTooLongError, ServerFaultError
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.routing.plan_builders import rule_plan
from tests.execution.lab import bench, case, graph

JOB = graph(("a", "b"))
ASSIGNED = (Assignment(task="a", model="gemma2:2b", origin=Origin.RULE),)


class Answering:
    name = "its own name"

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    async def route(self, view: object) -> Any:  # noqa: ARG002 - the protocol's
        return self._answer()


class Synchronous:
    name = "sync"

    def route(self, view: object) -> Plan:  # noqa: ARG002 - the protocol's
        return Plan(assignments=ASSIGNED, residency=(frozenset({"gemma2:2b"}),), status=PlanStatus.HEURISTIC)


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def plan(**changed: Any) -> Callable[[], Any]:
    whole = {"assignments": ASSIGNED, "residency": (frozenset({"gemma2:2b"}),), "status": PlanStatus.HEURISTIC}
    return lambda: Plan(**(whole | changed))


FACTORIES = [
    (lambda _: Answering(raising(ValueError("no\nidea"))), "failed: ValueError: no idea"),
    (lambda _: Answering(raising(PromptTooLongError("long", truncated=False))), "failed: PromptTooLongError: long"),
    (lambda _: Answering(lambda: None), "failed: route() returned NoneType, not a Plan"),
    (lambda _: Synchronous(), "failed: its route() is not async; write async def route"),
    (raising(KeyError("weights")), "failed: KeyError: 'weights'"),
    (lambda _: None, "failed: AttributeError: 'NoneType' object has no attribute 'route'"),
    (lambda _: Answering(plan(assignments=None)), "failed: the assignments of its plan are not a tuple of Assignment"),
    (lambda _: Answering(plan(residency=("x",))), "failed: the residency of its plan is not a tuple of frozensets*"),
    (lambda _: Answering(plan(status="fine")), "failed: the status of its plan is 'fine', not a PlanStatus"),
    (lambda _: Answering(plan(deferred="a")), "failed: the deferred tasks of its plan are not a frozenset of task ids"),
]


@pytest.mark.parametrize(("factory", "sentence"), FACTORIES)
def test_a_router_that_fails_is_a_job_that_failed(factory: Any, sentence: str) -> None:
    with bench(settings=BenchSettings(routers={"mine": factory})) as runner:
        record = runner.run(case(JOB, "mine:fast"))
        assert (record.status, record.server_fault) == (JobStatus.ERROR, False)
        assert record.error is not None
        assert record.error.startswith(f"router of mode 'mine:fast' {sentence.rstrip('*')}")
        assert "\n" not in record.error
        assert runner.run(case(JOB, "greedy")).status is JobStatus.COMPLETED


def test_what_a_server_fails_its_planner_is_no_failure_of_the_router() -> None:
    busy = raising(ServerFaultError("the planner was not heard"))
    with bench(settings=BenchSettings(routers={"mine": lambda _: Answering(busy)})) as runner:
        record = runner.run(case(JOB, "mine"))
    assert (record.error, record.server_fault) == ("the planner was not heard", True)


OWN_FILE = """
class Mine:
    def __init__(self, setup):
        self.row = setup.fleet.tags.index("gemma2:2b")

    async def route(self, view):
        return self.choose(view)

    def choose(self, view):
        return CHOICE
"""


@pytest.mark.parametrize(
    ("choice", "line"),
    [("view.estimates.tokencost[self.row]", 10), ("rule_plan(view, view.fleet.tags.index('x'))", 10)],
    ids=["own-line", "within-a-call"],
)
def test_a_failure_names_the_line_of_the_routers_own_file(choice: str, line: int, tmp_path: Path) -> None:
    names: dict[str, Any] = {"rule_plan": rule_plan}
    exec(compile(OWN_FILE.replace("CHOICE", choice), str(tmp_path / "conftest.py"), "exec"), names)
    with bench(settings=BenchSettings(routers={"mine": names["Mine"]})) as runner:
        error = runner.run(case(JOB, "mine")).error
    assert error is not None
    assert error.endswith(f" (conftest.py, line {line})")


def test_a_router_that_cannot_be_called_has_no_line() -> None:
    with bench(settings=BenchSettings(routers={"mine": lambda: None})) as runner:  # type: ignore[dict-item, misc]
        error = runner.run(case(JOB, "mine")).error
    assert error is not None
    assert error.endswith("takes 0 positional arguments but 1 was given")


def test_a_failure_of_a_router_of_ours_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_swarm.routing.greedy.greedy_rows", raising(ZeroDivisionError("x")))
    with bench() as runner:
        error = runner.run(case(JOB, "greedy")).error
    assert error is not None
    assert re.search(r"failed: ZeroDivisionError: x \(greedy\.py, line \d+\)$", error)


def test_a_plan_that_lacks_a_task_names_the_mode_as_it_was_written() -> None:
    with bench(settings=BenchSettings(routers={"mine": lambda _: Answering(plan(assignments=()))})) as runner:
        assert runner.run(case(JOB, "mine")).error == "router 'mine', job, step 0: task 'a' is not assigned"


def import_error_of(cause: BaseException) -> ImportError:
    """Return what pybind11 makes of an exception while it initializes a module, such as HiGHS."""
    error = ImportError("initialization failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("factory", "interrupt"),
    [
        (lambda _: Answering(raising(KeyboardInterrupt())), KeyboardInterrupt),
        (lambda _: Answering(raising(asyncio.CancelledError())), asyncio.CancelledError),
        (raising(import_error_of(KeyboardInterrupt())), KeyboardInterrupt),
    ],
)
def test_an_interrupt_is_no_failure_of_the_router(factory: Any, interrupt: type[BaseException]) -> None:
    with bench(settings=BenchSettings(routers={"mine": factory})) as runner, pytest.raises(interrupt):
        runner.run(case(JOB, "mine"))
