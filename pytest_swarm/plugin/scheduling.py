"""How xdist deals out benchmarks: all cases of one workflow go to one worker, where that leaves no other without work.

What the cases of a workflow share is then made once: answers that are measured, routers, compiled programs. Workers
bring the cases into a row (`Cases.ordered`); here, in the controller, a row is not cut.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from xdist.scheduler import LoadScheduling  # type: ignore[import-untyped]  # xdist has no types

from pytest_swarm.plugin.cases import workflow_of_id

_LARGEST_SHARE: Final = 4  # a row is at most this part of what a worker runs; xdist's first chunk is as large


class WorkflowScheduling(LoadScheduling):  # type: ignore[misc]  # xdist has no types
    """The scheduling of `--dist=load`, whose chunks end where a workflow does. It is the same for other tests."""

    def _send_tests(self, node: Any, num: int) -> None:
        with suppress(OSError):  # the worker was killed a moment ago: xdist hears it next, and deals its tests out anew
            super()._send_tests(node, num + self._rest_of_workflow(num))

    def _rest_of_workflow(self, num: int) -> int:
        """Return how many tests behind the next `num` belong to the workflow of the last of them."""
        names, pending = self.collection or [], self.pending
        if not 0 < num < len(pending):
            return 0
        workflow = workflow_of_id(names[pending[num - 1]])
        most = len(names) // (_LARGEST_SHARE * max(1, len(self.nodes)))
        rest = 0
        while rest < most and num + rest < len(pending) and workflow_of_id(names[pending[num + rest]]) == workflow:
            rest += 1
        return rest
