"""Has a server asked for what is missing, one process at a time, on a connection that is kept between waves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property

from pytest_swarm.domain.record import Case
from pytest_swarm.execution.answer_gate import Need
from pytest_swarm.execution.asked_server import OUT_OF_TIME, AskedServer, AskSettings
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.loop_tasks import result_of
from pytest_swarm.execution.replaced_models import ReplacedModels
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.waves import WaveReport


class AnswerBroker:
    """Asks one server; the connection is made for the first question.

    Args:
        inner: The server.
        known: The answers, with the store that takes new ones.
        settings: How it is asked.
    """

    def __init__(self, inner: Backend, known: ServerAnswers, settings: AskSettings) -> None:
        self._inner = inner
        self._known = known
        self._settings = settings
        self._opened = ExitStack()
        self.replaced = ReplacedModels(known.models)
        """The models that are others now than at the start of the run."""

    @cached_property
    def _runner(self) -> asyncio.Runner:
        return self._opened.enter_context(asyncio.Runner(loop_factory=self._inner.new_loop))

    @cached_property
    def _server(self) -> AskedServer:
        async def connected() -> AskedServer:
            return AskedServer(self._inner, self._known, self._settings, replaced=self.replaced)

        server = self._runner.run(connected())
        self._opened.callback(lambda: self._runner.run(server.aclose()))
        return server

    def measure(self, needs: Sequence[Need], case: Case, *, wave: int) -> WaveReport:
        """Measure what is missing, and store it; raise what ends the test meanwhile, as pytest-timeout does.

        Args:
            needs: What is missing, each once.
            case: One of the cases: its graph is theirs.
            wave: The number of the wave, from 1.
        """
        stops: list[BaseException] = []
        with ExitStack() as held:
            try:
                held.enter_context(self._settings.guard())
            except TimeoutError:
                late = {need.identity: OUT_OF_TIME for need in needs}
                return WaveReport(asked=0, loads=0, server_s=0.0, failures=late)
            try:
                return result_of(self._runner, self._server.measure(needs, case.graph, wave=wave), stops=stops)
            except asyncio.CancelledError:
                if stops:
                    raise stops[0] from None
                raise

    def look(self) -> None:
        """Ask a real server whether its models are those of the start; BackendError where it does not answer."""
        if self._inner.live:
            self._runner.run(self._server.look())

    def close(self) -> None:
        """Close the connection, where there is one."""
        self._opened.close()
