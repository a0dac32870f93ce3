"""Several real servers: each case runs on one that is free, one case at a time on each.

One that dies, or whose models are replaced, is left out.

The queue of free servers is their locks, which all processes of a run share, and other runs too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import Case, JobRecord, JobStatus
from pytest_swarm.execution.bench import Carryover
from pytest_swarm.telemetry.sink import ListSink, Sink

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources

_DIED: Final = "died"
_CHANGED: Final = "has other models than when the run began"
_LOOK_S: Final = 0.02  # between two looks for a free server, each of which takes some microseconds


class HostPool:
    """The servers of one process.

    Args:
        servers: The resources of each server, by its address as it is shown; the first are tried first.
        answers: Returns whether a server answers.
        tell: Is told of each server that is left out.
    """

    def __init__(
        self, servers: Mapping[str, Resources], *, answers: Callable[[str], bool], tell: Callable[[str], None]
    ) -> None:
        self._servers = dict(servers)
        self._answers = answers
        self._tell = tell
        self._dead: list[str] = []
        self._remarks: list[str] = []

    @property
    def alive(self) -> tuple[str, ...]:
        """The servers that have not failed."""
        return tuple(host for host in self._servers if host not in self._dead)

    def run(self, case: Case, *, carryover: Carryover, sink: Sink) -> JobRecord:
        """Run a case on a free server, and on another one where that dies or changes meanwhile; return its record.

        Args:
            case: The case to run.
            carryover: Whether it starts from nothing, or from what its group has learned and loaded.
            sink: Takes the events of the attempt that counts.
        """
        while True:
            host, attempt = self._free_host(), ListSink()
            if len(self.alive) > 1 and not self._answers(host):
                self._servers[host].visit.lock.give_back()
                self._leave_out(host, case, _DIED)
                continue
            try:
                with self._servers[host].exclusive():
                    record = self._servers[host].bench.run(case, carryover=carryover, sink=attempt)
                trouble = self._trouble(host) if record.status is JobStatus.ERROR else None
                if trouble is not None:
                    self._leave_out(host, case, trouble)
                    if self.alive:
                        attempt.drain()
                        continue
                return replace(record, host=host)
            finally:  # also where the test is interrupted: what was measured stays
                for event in attempt.drain():
                    sink.emit(event)

    def close(self) -> list[str]:
        """Leave every server as it was found; return sentences for the report."""
        for server in self._servers.values():
            server.close()
        remarks = [f"{host}: {remark}" for host, server in self._servers.items() for remark in server.remarks]
        return [*self._remarks, *remarks]

    def _trouble(self, host: str) -> str | None:
        """Return what is wrong with a server on which a case failed; None where the case could fail anywhere."""
        if not self._answers(host):
            return _DIED
        return _CHANGED if self._servers[host].bench.has_changed else None

    def _leave_out(self, host: str, case: Case, trouble: str) -> None:
        self._dead.append(host)
        where = f"went on at {' and '.join(self.alive)}" if self.alive else "had no other server"
        name = case.test or case.label
        self._remarks.append(f"the server at {host} {trouble}; its case {name} {where}")
        self._tell(self._remarks[-1])

    def _free_host(self) -> str:
        """Take the lock of a server that is free, and return the server; wait where none is."""
        while True:
            for host in self.alive or self._servers:
                if self._servers[host].visit.lock.take_at_once():
                    return host
            time.sleep(_LOOK_S)
