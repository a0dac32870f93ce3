"""The stay of one process at a real server: one case at a time, and the server is left as it was found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.bench import Bench
from pytest_swarm.plugin.server_lock import ServerLock


class ServerVisit:
    """What this process does at a server beside its cases.

    Args:
        lock: The lock of the server.
        bench: The bench whose cases are run there.
    """

    def __init__(self, lock: ServerLock, bench: Bench) -> None:
        self.lock = lock
        self._bench = bench

    @contextmanager
    def case(self) -> Iterator[None]:
        """Hold the lock while a case is run: two at a time would fight over the server's VRAM."""
        with self.lock.held():
            self._enter()
            try:
                yield
            finally:
                self._note_used()

    def _enter(self) -> None:
        """Take over what was resident before the first process that is still at the server, or look and say it."""
        notes, restoration = self.lock.notes(), self._bench.restoration
        if os.getpid() in notes.processes:
            return
        if notes.processes:
            restoration.found = notes.found
        else:
            with suppress(BackendError):  # the case itself reports a server that does not answer
                self._bench.look()
        found = restoration.found or ()
        self.lock.write(replace(notes, processes=(*notes.processes, os.getpid()), found=found))

    def _note_used(self) -> None:
        notes = self.lock.notes()
        used = tuple(sorted({*notes.used, *self._bench.restoration.used}))
        self.lock.write(replace(notes, used=used))

    def leave(self, *, loaded: bool) -> tuple[str, ...]:
        """Leave the server as it was found, and return what could not be restored.

        While other processes of ours are there, the last of them does it.

        Args:
            loaded: Whether the models of the run stay loaded.
        """
        remarks: tuple[str, ...] = ()
        with self.lock.held():
            notes = self.lock.notes()
            others = tuple(pid for pid in notes.processes if pid != os.getpid())
            if os.getpid() in notes.processes and not others and not loaded:
                self._bench.restoration.found = notes.found
                self._bench.restoration.used.update(notes.used)
                remarks = self._bench.leave()
            self.lock.write(replace(notes, processes=others))
        return remarks
