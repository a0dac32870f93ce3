"""Backends that record and replay: a cassette between the client and any other backend.

The clock of a recording counts wait time only, in whole ticks; a replay runs in virtual time. Computing takes no time
in either, so a replay gives the recorded times exactly. Must not know pytest or routing.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import httpx

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import REPLAYED_BACKEND, SIMULATED_BACKEND, Case
from pytest_swarm.errors import BackendError, CassetteError
from pytest_swarm.execution.backends import NO_RETRIES, Backend, Connection, RealisedScores
from pytest_swarm.execution.wait_time_loop import new_wait_time_loop
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.ollama.cassette.cassette_file import append_take, check_writable, read_cassette, set_aside_cut_off
from pytest_swarm.ollama.cassette.takes import Cassette, Take, TakeOrigin
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.ollama.transports.probe import ProbeTransport
from pytest_swarm.ollama.transports.recording import RecordingTransport
from pytest_swarm.ollama.transports.replay import CassetteIndex, ReplayingTransport
from pytest_swarm.units import now_ms, plural

_TIMES_WAIT: Final = "; times leave out the computing of this process"  # of a real server; see docs/recording.md


class RecordMode(StrEnum):
    """What a recording does with a case that is already in the cassette. Recorded cases are never removed."""

    NEW = "new"  # replay it; record only missing cases
    ALL = "all"  # record it again; a replay takes the newest
    ONCE = "once"  # replay an existing cassette, and record nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTarget:
    """A cassette to record into: its file, the record mode, and the name of the run."""

    path: Path
    mode: RecordMode = RecordMode.NEW
    run: str = "recording"


def recording_backend(inner: Backend, target: RecordingTarget, *, limits: CallLimits = NO_RETRIES) -> Backend:
    """Return a backend that appends every finished case to a cassette.

    Cases of the same run (of another worker, or of another test with the same graph) count as not recorded.

    Args:
        inner: The backend to record.
        target: The cassette.
        limits: The limits of the calls of a replayed case.

    Raises:
        CassetteError: The file is not a cassette, cannot be written, or was recorded from another kind of server.
    """
    from pytest_swarm.simulator.virtual_loop import new_ticking_loop

    earlier = _read_earlier(target)
    if earlier is not None and earlier.simulated != inner.simulated:
        was, is_now = ("a simulated", "a real") if earlier.simulated else ("a real", "a simulated")
        raise CassetteError(
            f"cassette {target.path} was recorded from {was} server, this is {is_now} one; record into another file"
        )
    if earlier is not None and target.mode is RecordMode.ONCE:
        why = "it is there, and --swarm-record-mode=once"
        return replay_backend(earlier, why=why, limits=limits)
    if earlier is None or target.mode is RecordMode.ALL:
        check_writable(target.path)
    version = _version_of(inner)
    written = replace(target, path=target.path.absolute())  # a test may change the current folder
    recording = replace(
        inner,
        kind="record",
        detail=f"recording into {target.path}: {inner.detail}{_TIMES_WAIT if inner.live else ''}",
        virtual=True,
        new_loop=new_ticking_loop if inner.virtual else new_wait_time_loop,
        connect=lambda: _recording_connection(inner, written, version),
    )
    if earlier is None or target.mode is RecordMode.ALL:
        return recording
    index = CassetteIndex(earlier)

    def replay_or_record(case: Case) -> Backend:
        return _replay_case(index, case, limits, recording.detail) if index.holds(case) else recording

    return replace(recording, for_case=replay_or_record)


def _read_earlier(target: RecordingTarget) -> Cassette | None:
    """Return the cases of other runs in the file; None if there are none. Repair a cut-off file for appending."""
    if not target.path.exists():
        return None
    cassette = read_cassette(target.path)
    if cassette.cut_at is not None:
        set_aside_cut_off(target.path)
    takes = tuple(take for take in cassette.takes if take.origin.run != target.run)
    return replace(cassette, takes=takes) if takes else None


def _version_of(inner: Backend) -> str | None:
    """Return the version of the server that is recorded; None of one in this process, and where it does not tell."""
    with suppress(BackendError):  # the cases themselves report a server that does not answer
        return inner.call(lambda client: client.version()) if inner.live else None
    return None


def _recording_connection(inner: Backend, target: RecordingTarget, version: str | None) -> Connection:
    """Return a connection of the inner backend that records its exchanges."""
    connection = inner.connect()
    transports: list[RecordingTransport] = []

    def recording(transport: httpx.AsyncBaseTransport) -> RecordingTransport:
        transports.append(RecordingTransport(transport))
        return transports[0]

    client = connection.client.through(recording)
    origin = _origin(inner, target, client.host, version)
    recorder = _CaseRecorder(connection, transports[0], target, origin, waits=inner.live)
    return Connection(
        client=client,
        probe_client=client.through(ProbeTransport).without_retries(),
        register_graph=connection.register_graph,
        realised=recorder.realised,
        imported=connection.imported,
        listener=recorder,
    )


def _origin(inner: Backend, target: RecordingTarget, host: str, version: str | None) -> TakeOrigin:
    return TakeOrigin(
        run=target.run,
        recorded_ts_ms=now_ms(),
        backend=inner.kind,
        detail=inner.detail.replace(host, shown_host(host)),
        host=shown_host(host),
        simulated=inner.simulated,
        profile=inner.profile_name,
        server_version=version,
        one_file=inner.one_file,
        same_weights=inner.same_weights,
    )


class _CaseRecorder:
    """The listener of a recording connection: appends each case to the cassette when it ends.

    `waits`: the server is waited for, so that there is a wall clock to compare with.
    """

    def __init__(
        self,
        connection: Connection,
        transport: RecordingTransport,
        target: RecordingTarget,
        origin: TakeOrigin,
        *,
        waits: bool,
    ) -> None:
        self._connection = connection
        self._transport = transport
        self._target = target
        self._origin = origin
        self._case: Case | None = None
        self._realised: RealisedScores | None = None
        self._ahead_s = 0.0
        self._waits = waits

    def begin(self, case: Case, *, now_s: float) -> None:
        """Start to record a case.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """
        self._case, self._realised = case, None
        self._ahead_s = time.perf_counter() - now_s
        self._transport.begin(case, now_s=now_s)

    def rehearse(self, case: Case, *, now_s: float) -> None:
        """Let the requests of a decision that is only timed through, without recording them."""

    def realised(self, graph: TaskGraph, seed: int) -> RealisedScores | None:
        """Return the inner connection's realized scores, and record them."""
        self._realised = self._connection.realised(graph, seed)
        return self._realised

    def finish(self, *, now_s: float) -> tuple[str, ...]:
        """Append the case to the cassette; return a note where its times differ from the wall clock."""
        assert self._case is not None, "begin() comes first"
        exchanges = self._transport.finish(now_s=now_s)
        left_out_s = round(time.perf_counter() - now_s - self._ahead_s, 6) if self._waits else None
        take = Take(
            case=self._case,
            origin=self._origin,
            exchanges=exchanges,
            realised=self._realised,
            left_out_s=left_out_s,
        )
        append_take(self._target.path, take)
        return take.clock_notes


def replay_backend(cassette: Cassette, *, why: str, limits: CallLimits = NO_RETRIES) -> Backend:
    """Return a backend that answers from a cassette in virtual time, without a server.

    Mode `oracle` has realized scores if the recorded server had them.

    Args:
        cassette: The cassette.
        why: Why this backend was chosen, for the header line.
        limits: The limits of calls, as in the recording.

    Raises:
        CassetteError: The cassette has no case.
    """
    if not cassette.takes:
        raise CassetteError(f"cassette {cassette.path} holds no case; record one with --swarm-backend=record")
    index = CassetteIndex(cassette)
    last = cassette.takes[-1].origin
    cases = len({take.case.digest for take in cassette.takes})
    simulated = "SIMULATED, " if cassette.simulated else ""
    notes = "".join(f"; {note}" for note in cassette.notes)
    source = last.detail.removesuffix(f" ({why})")
    detail = f"{simulated}replaying {cassette.path}, {plural(cases, 'case')} recorded from {source} ({why}){notes}"
    return replace(
        _case_backend(index, cassette.takes[-1], limits, detail),
        simulated=cassette.simulated,
        for_case=lambda case: _replay_case(index, case, limits, detail),
    )


def _replay_case(index: CassetteIndex, case: Case, limits: CallLimits, detail: str) -> Backend:
    """Return the backend that replays one case; a missing case fails at its first request."""
    return _case_backend(index, index.peek(case) or index.cassette.takes[-1], limits, detail)


def _case_backend(index: CassetteIndex, take: Take, limits: CallLimits, detail: str) -> Backend:
    """Return a backend like the recorded one; error messages name its host."""
    from pytest_swarm.simulator.virtual_loop import new_ticking_loop

    profiles = {each.origin.profile for each in index.cassette.takes}

    def connect() -> Connection:
        transport = ReplayingTransport(index)
        client = OllamaClient(take.origin.host, transport=transport, timeout_s=limits.timeout_s, retries=limits.retries)
        return Connection(
            client=client,
            probe_client=client.through(ProbeTransport).without_retries(),
            realised=lambda *_: transport.realised,
            listener=transport,
            probe_sent=lambda: transport.probe_sent,
        )

    return Backend(
        kind=REPLAYED_BACKEND,
        detail=detail,
        simulated=take.origin.simulated,
        virtual=True,
        profile_name=next(iter(profiles)) if len(profiles) == 1 else None,
        new_loop=new_ticking_loop,
        connect=connect,
        knows_realised=any(each.realised is not None for each in index.cassette.takes),
        sparse_samples=take.origin.backend == SIMULATED_BACKEND,  # as in the recording
        one_file=take.origin.one_file,
        same_weights=take.origin.same_weights,
    )
