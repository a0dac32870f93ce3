"""Several real servers: each case runs on one that is free, one case at a time on each.

One that dies, or whose models are replaced, is left out. One that was started again, or is busy, keeps its place; what
it failed runs once on each of the others. Where none is left, those that died are asked again.

The queue of free servers is their locks, which all processes of a run share, and other runs too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import Case, JobRecord, JobStatus
from pytest_swarm.execution.bench import Carryover
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.sink import ListSink, Sink
from pytest_swarm.units import now_ms

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources

_DIED: Final = "stopped answering"
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
        self._left_out: dict[str, str] = {}  # why, by server
        self._remarks: dict[str, str] = {}  # by server: when it was first left out

    @property
    def alive(self) -> tuple[str, ...]:
        """The servers that have not failed."""
        return tuple(host for host in self._servers if host not in self._left_out)

    def run(self, case: Case, *, carryover: Carryover, sink: Sink) -> JobRecord:
        """Run a case on a free server, and on another one where that one fails it; return its record.

        Args:
            case: The case to run.
            carryover: Whether it starts from nothing, or from what its group has learned and loaded.
            sink: Takes the events of the attempt that counts.
        """
        failed: list[str] = []
        self._take_back()
        while True:
            host, attempt = self._free_host(but=failed), ListSink()
            if len(self.alive) > 1 and not self._answers(host):
                self._servers[host].visit.lock.give_back()
                self._leave_out(host, case, _DIED)
                continue
            try:
                with self._servers[host].exclusive():
                    record = self._servers[host].bench.run(case, carryover=carryover, sink=attempt)
                if record.status is JobStatus.ERROR and self._is_to_run_elsewhere(record, host, failed):
                    attempt.drain()
                    if host in failed:
                        sink.emit(encode_note(case, _failure(record, host), now_ms()))
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
        return [*self._remarks.values(), *remarks]

    def _is_to_run_elsewhere(self, record: JobRecord, host: str, failed: list[str]) -> bool:
        """Note a server on which a job ended by an error; return whether another one is to run its case.

        Args:
            record: The job.
            host: The server.
            failed: The servers on which the case has failed; this one is added where it is to blame.
        """
        died, changed = not self._answers(host), self._servers[host].bench.has_changed
        if died or changed:
            self._leave_out(host, record.case, _DIED if died else _CHANGED)
            return bool(self._left(failed))
        if not record.server_fault:
            return False
        failed.append(host)
        return bool(self._left(failed))

    def _left(self, failed: Sequence[str]) -> tuple[str, ...]:
        """Return the servers that may still run a case which failed on some."""
        return tuple(host for host in self.alive if host not in failed)

    def _leave_out(self, host: str, case: Case, trouble: str) -> None:
        self._left_out[host] = trouble
        if host in self._remarks:  # where none is left, each case is tried all the same
            return
        self._remarks[host] = f"the server at {host} {trouble}, and was left out"  # each worker says the same
        self._tell(f"{self._remarks[host]} at {_name(case)}")

    def _take_back(self) -> None:
        """Where no server is left, take back those that died and answer again."""
        if not self.alive:
            reasons = self._left_out.items()
            self._left_out = {host: why for host, why in reasons if why != _DIED or not self._answers(host)}

    def _free_host(self, *, but: Sequence[str]) -> str:
        """Take the lock of a server that is free, and return the server; wait where none is."""
        while True:
            for host in self._left(but) or self._servers:
                if self._servers[host].visit.lock.take_at_once():
                    return host
            time.sleep(_LOOK_S)


def _failure(record: JobRecord, host: str) -> str:
    label, why = record.case.label, record.error or "no reason given"
    return f"{label}: the server at {host} failed it, so it ran on another: {why.removeprefix(f'{label}, ')}"


def _name(case: Case) -> str:
    return case.test or case.label
