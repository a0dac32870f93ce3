"""A simulated Ollama server: put together from its hardware and from whoever decides what its models say."""

from __future__ import annotations

import httpx

from pytest_swarm.simulator.app import OllamaApp
from pytest_swarm.simulator.engine import Engine
from pytest_swarm.simulator.generation import Answerer
from pytest_swarm.simulator.hardware import ServerSpec
from pytest_swarm.simulator.library import Library
from pytest_swarm.simulator.talk import Talker
from pytest_swarm.simulator.transport import AsgiTransport


class SimulatedServer:
    """One server with an empty memory, to be used within one event loop.

    `app` is the ASGI callable for a web server; `transport()` reaches the same server without a socket. `seed` drives
    whatever the server itself draws by lot; the texts are the answerer's.
    """

    def __init__(self, spec: ServerSpec, *, answerer: Answerer, seed: int = 0) -> None:
        self.spec = spec
        self.seed = seed
        engine = Engine(spec)
        talker = Talker(spec, engine=engine, answerer=answerer)
        self.app = OllamaApp(library=Library(spec.models), talker=talker, engine=engine)

    def transport(self) -> httpx.AsyncBaseTransport:
        """An httpx transport onto this server."""
        return AsgiTransport(self.app)
