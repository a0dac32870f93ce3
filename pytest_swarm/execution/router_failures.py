"""The boundary to routers, which may be a third party's: whatever one raises or returns becomes one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path
from traceback import extract_tb
from typing import Final

from pytest_swarm.domain.plan import Assignment, Plan, PlanStatus
from pytest_swarm.errors import BackendError, SwarmError
from pytest_swarm.routing.base import PlanningView, Router, RoutingError

_LONGEST: Final = 300  # characters of a foreign message
_PACKAGE: Final = Path(__file__).parents[1]
_MAKERS: Final = ("mode_table.py", "registry.py")  # of the room of routers, and no routers themselves
_ROUTER_FAILURES: Final = (Exception,)  # a router may raise anything; an interrupt or a cancellation is no failure


@contextmanager
def router_failures(mode: str) -> Iterator[None]:
    """Turn what a router raises into RoutingError, which names the mode as the user wrote it.

    That also holds for what its planner failed, unless the server is to blame: another server would fail it, too.
    A Ctrl-C stays one where a library made an error of it, as HiGHS does of one that meets its import.
    """
    try:
        yield
    except _ROUTER_FAILURES as error:
        if _is_interrupt(error):
            raise KeyboardInterrupt from error
        if isinstance(error, SwarmError) and (not isinstance(error, BackendError) or error.of_server):
            raise
        text = " ".join(str(error).split())[:_LONGEST]
        raise RoutingError(f"router of mode {mode!r} failed: {type(error).__name__}: {text}{_place(error)}") from error


def _is_interrupt(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _place(error: BaseException) -> str:
    """Return the line of the router's own file that failed, for the end of a sentence; nothing where none was run.

    That file is the first below what calls a router, and the line the deepest of it. Its folder stays out of reports.
    """
    frames = [each for each in extract_tb(error.__traceback__) if not _calls_routers(Path(each.filename))]
    lines = [each.lineno for each in frames if each.filename == frames[0].filename]
    return f" ({Path(frames[0].filename).name}, line {lines[-1]})" if lines else ""


def _calls_routers(file: Path) -> bool:
    return file.parent == Path(__file__).parent or (file.name in _MAKERS and file.parent.parent == _PACKAGE)


class FailedRouter:
    """Stands for a router that could not be made: each of its jobs ends with the reason."""

    def __init__(self, name: str, error: RoutingError) -> None:
        self.name = name
        self._error = error

    async def route(self, view: PlanningView) -> Plan:  # noqa: ARG002 - the protocol's
        """Raise why there is no router to plan the view's job."""
        raise RoutingError(str(self._error)) from self._error


async def ask_router(router: Router, view: PlanningView, *, mode: str) -> Plan:
    """Return the plan of a router.

    Args:
        router: One of ours, or of a third party.
        view: The step to plan.
        mode: Its mode, as the error names it.

    Raises:
        RoutingError: It raises, is not async, or returns no plan.
    """
    with router_failures(mode):
        answer: object = router.route(view)
        if not isawaitable(answer):
            raise RoutingError(f"router of mode {mode!r} failed: its route() is not async; write async def route")
        plan: object = await answer
    problem = _problem(plan)
    if problem is not None:
        raise RoutingError(f"router of mode {mode!r} failed: {problem}")
    assert isinstance(plan, Plan), "checked above"
    return plan


def _problem(plan: object) -> str | None:
    """Return what makes an object no well-formed plan."""
    if not isinstance(plan, Plan):
        return f"route() returned {type(plan).__name__}, not a Plan"
    fields: dict[str, object] = {name: getattr(plan, name) for name in ("assignments", "residency", "status")}
    assignments, residency = fields["assignments"], fields["residency"]
    if not isinstance(assignments, tuple) or not all(_is_assignment(each) for each in assignments):
        return "the assignments of its plan are not a tuple of Assignment"
    if not isinstance(residency, tuple) or not all(_is_tags(each) for each in residency):
        return "the residency of its plan is not a tuple of frozensets of tags"
    if not _is_tags(plan.deferred):
        return "the deferred tasks of its plan are not a frozenset of task ids"
    if not isinstance(fields["status"], PlanStatus):
        return f"the status of its plan is {fields['status']!r}, not a PlanStatus"
    return None


def _is_assignment(each: object) -> bool:
    return isinstance(each, Assignment) and isinstance(each.task, str) and isinstance(each.model, str)


def _is_tags(each: object) -> bool:
    return isinstance(each, frozenset | set) and all(isinstance(tag, str) for tag in each)
