"""The simulated Ollama server as one object: scheduler, models, endpoints and faults, behind an ASGI app."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx

from pytest_swarm.simulator.server.app import OllamaApp
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint
from pytest_swarm.simulator.server.fault_injection import FaultyApp
from pytest_swarm.simulator.server.faults import Fault, FaultSchedule
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel
from pytest_swarm.simulator.server.model_library import LibraryModel, ModelLibrary
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.token_stream import TextGenerator
from pytest_swarm.simulator.transport import AppFailedError, AsgiApp, AsgiTransport, Event


class SimulatedServer:
    """One server without resident models, for use within one event loop.

    `app` is the ASGI callable for a web server; `transport()` reaches the same server without a socket.

    Args:
        spec: The models, the GPU and the settings.
        generator: Decides the texts.
        seed: Seed of the faults that occur with a probability.
        faults: The faults to inject.
        build: Returns what stands after its version and tells what decides its answers; none where it is empty.
    """

    def __init__(
        self,
        spec: ServerSpec,
        *,
        generator: TextGenerator,
        seed: int = 0,
        faults: tuple[Fault, ...] = (),
        build: Callable[[], str] = str,
    ) -> None:
        self.spec = spec
        self.seed = seed
        self._scheduler = SchedulerDriver(spec)
        self._library = ModelLibrary(spec.models)
        chat_endpoint = ChatEndpoint(spec, scheduler=self._scheduler, generator=generator)
        new_app = partial(
            OllamaApp, library=self._library, chat_endpoint=chat_endpoint, scheduler=self._scheduler, build=build
        )
        self._sound = new_app()
        self.app: AsgiApp = self._sound
        if faults:
            schedule = FaultSchedule(faults, seed=seed)
            self.app = FaultyApp(
                self._sound,
                schedule=schedule,
                resident=self._is_resident,
                crash=self._crash,
                below=lambda wrap: new_app(below=wrap),
            )

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return an httpx transport to this server."""
        return AsgiTransport(self.app)

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the response to a POST; no fault is injected.

        It is served in the caller's task, which is a tenth of the work of a transport: cancel that to disconnect.

        Args:
            path: The route.
            body: The body of the request; it asks for no stream.

        Raises:
            AppFailedError: The server has a bug.
        """
        status, parts = 0, list[bytes]()

        async def send(event: Event) -> None:
            nonlocal status
            status = event.get("status", status)
            parts.append(event.get("body", b""))

        try:
            await self._sound.serve({"path": path, "raw_path": path.encode(), "method": "POST"}, body, send)
        except Exception as error:
            raise AppFailedError(f"the simulated server failed: {error!r}") from error
        return status, b"".join(parts)

    def install(self, model: ModelSpec) -> None:
        """Install a model, in place of another of that name; a loaded one stays as it was loaded."""
        self._library.add(LibraryModel(name=model.name, spec=model))

    def resident(self) -> tuple[LoadedModel, ...]:
        """Return the models that are resident now, as `/api/ps` lists them: the latest expiry first."""
        return self._scheduler.by_expiry()

    def _is_resident(self, name: str) -> bool:
        found = self._library.find(name)
        return found is not None and any(loaded.model.blob == found.spec.blob for loaded in self._scheduler.resident())

    def _crash(self, name: str) -> None:
        found = self._library.find(name)
        if found is not None:
            self._scheduler.crash(found.spec.blob)
