"""The routers of a bench: which of them live over all cases, and which belong to a case or a group."""

from __future__ import annotations

from collections.abc import Callable

from pytest_swarm.execution.group_state import GroupState
from pytest_swarm.execution.router_failures import FailedRouter, router_failures
from pytest_swarm.routing.base import Router, RouterSetup, RoutingError
from pytest_swarm.routing.mode_table import ModeTable


class CaseRouters:
    """Makes the router of a mode, or returns the one that it has.

    One of ours is kept over all cases for its compiled programs, unless it knows a case's scores. What a third party's
    router learns belongs to its case, or under carryover "group" to its group, as our own estimates do.
    """

    def __init__(self, modes: ModeTable) -> None:
        self._modes = modes
        self._kept: dict[str, Router] = {}

    def router(self, mode: str, state: GroupState, make_setup: Callable[[], RouterSetup]) -> Router:
        """Return the router of a mode; one that cannot be made ends its jobs with the reason.

        Args:
            mode: The mode, with its argument.
            state: What the case runs on.
            make_setup: Makes what the router's factory may use.
        """
        known = self._kept.get(mode) or state.routers.get(mode)
        if known is not None:
            return known
        try:
            with router_failures(mode):
                router = self._modes.make(mode, make_setup())
        except RoutingError as error:
            router = FailedRouter(mode, error)
        if not self.knows_scores(mode):
            kept = self._kept if self._modes.is_ours(mode) else state.routers
            kept[mode] = router
        return router

    def knows_scores(self, mode: str) -> bool:
        """Return whether the router of a mode is told the realized scores of its case."""
        return "realised" in self._modes.spec(mode).needs
