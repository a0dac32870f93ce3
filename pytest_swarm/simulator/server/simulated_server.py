"""A simulated Ollama server: put together from its hardware and from whoever decides what its models say."""

from __future__ import annotations

import httpx

from pytest_swarm.simulator.server.app import OllamaApp
from pytest_swarm.simulator.server.chat_endpoint import Talker
from pytest_swarm.simulator.server.fault_injection import FaultyApp
from pytest_swarm.simulator.server.faults import Fault, FaultBook
from pytest_swarm.simulator.server.generation import Answerer
from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.model_library import Library
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.transport import AsgiApp, AsgiTransport


class SimulatedServer:
    """One server with an empty memory, to be used within one event loop.

    `app` is the ASGI callable for a web server; `transport()` reaches the same server without a socket. `seed` drives
    what the server itself draws by lot, which are the `faults` that strike by chance; the texts are the answerer's.
    """

    def __init__(self, spec: ServerSpec, *, answerer: Answerer, seed: int = 0, faults: tuple[Fault, ...] = ()) -> None:
        self.spec = spec
        self.seed = seed
        self._engine = SchedulerDriver(spec)
        self._library = Library(spec.models)
        talker = Talker(spec, engine=self._engine, answerer=answerer)
        self.app: AsgiApp = OllamaApp(library=self._library, talker=talker, engine=self._engine)
        if faults:
            book = FaultBook(faults, seed=seed)
            self.app = FaultyApp(self.app, book=book, resident=self._is_resident, crash=self._crash)

    def transport(self) -> httpx.AsyncBaseTransport:
        """An httpx transport onto this server."""
        return AsgiTransport(self.app)

    def _is_resident(self, name: str) -> bool:
        found = self._library.find(name)
        return found is not None and any(runner.model.blob == found[1].blob for runner in self._engine.resident())

    def _crash(self, name: str) -> None:
        found = self._library.find(name)
        if found is not None:
            self._engine.crash(found[1].blob)
