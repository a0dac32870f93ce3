"""Waves: play the cases of a test until they lack answers, have those measured model by model, and go on.

A case that lacks something stops where it is, and goes on from there. When all have ended, those that were played with
figures that have changed since are played again, so that all cases of a test are played on one and the same server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from pytest_swarm.domain.record import Case
from pytest_swarm.execution.answer_gate import Need
from pytest_swarm.execution.case_player import CasePlayer, CompleteCase, MakeBench
from pytest_swarm.execution.played_world import PlayedWorld
from pytest_swarm.execution.playing_backend import Played
from pytest_swarm.execution.scored_once import scored_once, with_custom_scorers

MOST_PLAYERS: Final = 200  # at a time: each has an event loop with three files, and 1,024 are a usual limit


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveReport:
    """What a wave has measured.

    Attributes:
        asked: Answers that were asked.
        loads: Loads that were made.
        server_s: Seconds that the server was used.
        failures: Identity of a need -> why it could not be measured.
    """

    asked: int = 0
    loads: int = 0
    server_s: float = 0.0
    failures: Mapping[str, str]


class Measurer(Protocol):
    """Measures what is missing, and stores it."""

    def measure(self, needs: Sequence[Need], case: Case, *, wave: int) -> WaveReport:
        """Measure what is missing of a test's cases, of which `case` is one; what others have stored is not asked.

        Args:
            needs: What is missing, each once.
            case: One of the cases: its graph is theirs.
            wave: The number of the wave, from 1.
        """
        ...


class NothingAsked:
    """Measures nothing: whatever is missing stays so.

    Args:
        reason: Why, for the message of each case.
    """

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def measure(self, needs: Sequence[Need], case: Case, *, wave: int) -> WaveReport:  # noqa: ARG002 - the protocol's
        """Return that nothing was measured."""
        return WaveReport(failures={need.identity: self._reason for need in needs})


class ToldFirst:
    """Says something before the first question, and measures as another one does.

    Args:
        inner: Measures.
        tell: Says it.
    """

    def __init__(self, inner: Measurer, tell: Callable[[], None]) -> None:
        self._inner = inner
        self._tell: Callable[[], None] | None = tell

    def measure(self, needs: Sequence[Need], case: Case, *, wave: int) -> WaveReport:
        """Return what was measured."""
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()
        return self._inner.measure(needs, case, wave=wave)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasured:
    """A case that lacks something: what, and why the first of it could not be measured."""

    lacks: tuple[str, ...]
    reason: str


WaveResult: TypeAlias = CompleteCase | NotMeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The cases of a test by their digest, and what each wave has measured."""

    cases: Mapping[str, WaveResult]
    waves: tuple[WaveReport, ...] = ()


class Waves:
    """Plays the cases of a test.

    Args:
        played: What is played; its figures are those of `world` from the start of each wave on.
        world: Makes the measured server of what the store has.
        measurer: Measures what is missing.
        make_bench: Returns a bench for a backend.
    """

    def __init__(
        self, played: Played, *, world: Callable[[], PlayedWorld], measurer: Measurer, make_bench: MakeBench
    ) -> None:
        self._played = played
        self._world = world
        self._measurer = measurer
        self._make_bench = make_bench

    def play(self, cases: Sequence[Case]) -> Measured:
        """Return all cases, each played to its end or with what it lacks."""
        results: dict[str, WaveResult] = {}
        waves: list[WaveReport] = []
        for start in range(0, len(cases), MOST_PLAYERS):
            part = self._play(cases[start : start + MOST_PLAYERS], first_wave=len(waves) + 1)
            results |= part.cases
            waves += part.waves
        return Measured(cases=results, waves=tuple(waves))

    def _play(self, cases: Sequence[Case], *, first_wave: int) -> Measured:
        players = {case.digest: self._player(with_custom_scorers(case, scored_once)) for case in cases}
        waves: list[WaveReport] = []
        failures: dict[str, str] = {}
        settled: set[str] = set()  # what a case still foresees behind a call that failed is not asked again and again
        try:
            self._refresh(players, restart=lambda _: False)
            while True:
                for player in players.values():
                    if player.ended is None:
                        player.advance()
                # looked at once, because another process may store an answer at any moment
                lacks = {digest: player.needs for digest, player in players.items()}
                distinct = {need.identity: need for each in lacks.values() for need in each}
                needs = [need for identity, need in distinct.items() if identity not in settled]
                if needs:
                    report = self._measurer.measure(needs, cases[0], wave=first_wave + len(waves))
                    waves.append(report)
                    failures |= report.failures
                    settled |= {need.identity for need in needs}
                    self._refresh(players, restart=self._has_other_limits)
                elif not (self._refresh(players, restart=self._is_outdated) or _can_go_on(players, lacks)):
                    break
            results = {digest: _result(player, lacks[digest], failures) for digest, player in players.items()}
            return Measured(cases=results, waves=tuple(waves))
        finally:
            for player in players.values():
                player.close()

    def _player(self, case: Case) -> CasePlayer:
        return CasePlayer(case, played=self._played, make_bench=self._make_bench)

    def _refresh(self, players: dict[str, CasePlayer], *, restart: Callable[[CasePlayer], bool]) -> bool:
        """Take over the newest figures, and begin some cases anew; return whether there were any."""
        self._played.world = self._world()
        again = [digest for digest, player in players.items() if restart(player)]
        for digest in again:
            players[digest].close()
            players[digest] = self._player(players[digest].case)
        return bool(again)

    def _has_other_limits(self, player: CasePlayer) -> bool:
        return player.limits != self._played.world.limits

    def _is_outdated(self, player: CasePlayer) -> bool:
        return player.ended is not None and not player.fits(self._played.world)


def _can_go_on(players: Mapping[str, CasePlayer], lacks: Mapping[str, tuple[Need, ...]]) -> bool:
    """Return whether a case waits that lacks nothing: another process has just stored what it waited for."""
    return any(player.ended is None and not lacks[digest] for digest, player in players.items())


def _result(player: CasePlayer, lacks: tuple[Need, ...], failures: Mapping[str, str]) -> WaveResult:
    if player.ended is not None:
        return player.ended
    reason = next((failures[need.identity] for need in lacks if need.identity in failures), "it was not asked")
    return NotMeasured(lacks=tuple(need.label for need in lacks), reason=reason)
