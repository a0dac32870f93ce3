"""The stay of one process at a real server: one case at a time, and the server is left as it was found."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.restoration import INTERRUPTED, Restoration
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.plugin.server_lock import ProcessAtServer, ServerLock, ServerNotes, notes_at

_DYING_S: Final = 2.0  # a killed process holds its lock, and is listed, for a moment after its pipes are closed
_LOOK_S: Final = 0.02


class ServerVisit:
    """What this process does at a server beside its cases.

    Args:
        lock: The lock of the server.
        bench: The bench whose cases are run there.
        run: The name of the run, which its processes share.
    """

    def __init__(self, lock: ServerLock, bench: Bench, *, run: str) -> None:
        self.lock = lock
        self._bench = bench
        self._run = run
        self._was_there = False

    @contextmanager
    def case(self, *, limit_s: float | None = None) -> Iterator[None]:
        """Hold the lock while a case is run, as `ServerLock.held`: two at a time would fight over the server's VRAM."""
        with self.lock.held(limit_s=limit_s):
            self._enter()
            restoration = self._bench.restoration
            restoration.on_use = self._note_used  # before the load: a process that is killed says nothing afterwards
            try:
                yield
            finally:
                restoration.on_use = lambda: None
                self._note_used()

    def _enter(self) -> None:
        """Take over what was resident before the first process that is still at the server, or look and say it."""
        me, notes, restoration = ProcessAtServer.this(), self.lock.notes(), self._bench.restoration
        self._was_there = True
        if notes.last != me:
            restoration.change()  # a case of theirs may have displaced what was there at our last look
            notes = replace(notes, last=me)
        if me in notes.processes:
            restoration.found = notes.found
            self.lock.write(notes)
            return
        if notes.run == self._run:
            self._bench.begin_with(notes.models)
        if notes.processes or self._is_killed(notes):
            restoration.found = notes.found
        else:
            with suppress(BackendError):  # the case itself reports a server that does not answer
                self._bench.look()
            self._bench.watch_models()
            found = restoration.found or ()
            notes = ServerNotes(owner=notes.owner, run=self._run, last=me, found=found, models=self._bench.began)
        self.lock.write(replace(notes, processes=(*notes.processes, me)))

    def _is_killed(self, notes: ServerNotes) -> bool:
        """Return whether all processes of this run that were at the server were killed there."""
        return not notes.processes and bool(notes.used) and notes.run == self._run

    def _note_used(self) -> None:
        notes, restoration = self.lock.notes(), self._bench.restoration
        used = tuple(sorted({*notes.used, *restoration.used}))
        found = notes.found if restoration.found is None else restoration.found
        self.lock.write(replace(notes, used=used, found=found))

    def leave(self, *, loaded: bool) -> tuple[str, ...]:
        """Leave the server as it was found, and return what could not be restored.

        While other processes of ours are there, the last of them does it. One that never was there waits for nobody.
        With `loaded`, the models of the run stay.
        """
        if not self._was_there:
            return ()
        with self.lock.held():
            return self._leave(loaded=loaded)

    def leave_for_killed(self, *, loaded: bool) -> tuple[str, ...]:
        """Leave the server in place of processes of this run that were killed, unless one that lives will do it."""
        until_s = time.monotonic() + _DYING_S
        while not self._is_alone():
            if time.monotonic() > until_s:
                return ()
            time.sleep(_LOOK_S)
        with self.lock.held():
            return self._leave(loaded=loaded)

    def _is_alone(self) -> bool:
        """Return whether no other process is at the server; then the lock is taken."""
        if not self.lock.take_at_once():
            return False
        alone = set(self.lock.notes().processes) <= {ProcessAtServer.this()}
        if not alone:
            self.lock.give_back()
        return alone

    def _leave(self, *, loaded: bool) -> tuple[str, ...]:
        remarks: tuple[str, ...] = ()
        me, notes = ProcessAtServer.this(), self.lock.notes()
        others = tuple(each for each in notes.processes if each != me)
        if others:
            self.lock.write(replace(notes, processes=others))
        elif me in notes.processes or self._is_killed(notes):
            if notes.last != me:
                self._bench.restoration.change()
            self._bench.restoration.found = notes.found
            self._bench.restoration.used.update(notes.used)
            remarks = self._bench.leave(loaded=loaded)
            self.lock.write(ServerNotes(owner=notes.owner, run=notes.run, models=notes.models))
        return remarks


def broken_off(hosts: Iterable[str], *, run: str, folder: Path | None = None) -> list[str]:
    """Return a sentence for each server that processes of a run were at and have not left as it was found.

    Args:
        hosts: The URLs of the servers.
        run: The name of the run.
        folder: Where locks are; None = the machine's folder for temporary files.
    """
    sentences = []
    for host in hosts:
        notes, restoration = notes_at(host, folder), Restoration()
        if notes.run == run and (notes.processes or notes.used):
            restoration.found = notes.found
            why = f"{INTERRUPTED} at {shown_host(host)} was being left as it was found"
            sentences.append(restoration.given_up(why))
    return sentences
