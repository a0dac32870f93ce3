"""The simulated Ollama server as one object: scheduler, models, endpoints and faults, behind an ASGI app."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import httpx

from pytest_swarm.simulator.server.app import OllamaApp
from pytest_swarm.simulator.server.chat_endpoint import ChatEndpoint, ServeChat
from pytest_swarm.simulator.server.fault_injection import FaultyApp
from pytest_swarm.simulator.server.faults import Fault, FaultSchedule
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel
from pytest_swarm.simulator.server.model_library import LibraryModel, ModelLibrary
from pytest_swarm.simulator.server.reply_sinks import KeptReply
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import check_request
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.token_stream import TextGenerator
from pytest_swarm.simulator.transport import AppFailedError, AsgiApp, AsgiTransport


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
        self._chat_endpoint = ChatEndpoint(spec, scheduler=self._scheduler, generator=generator)
        self._faults = faults
        self._build = build

    @cached_property
    def app(self) -> AsgiApp:
        """The server for a web server; made late, because a client in this process may ask without it."""
        if not self._faults:
            return self._app(self._chat_endpoint.serve)
        return FaultyApp(
            self._app,
            serve=self._chat_endpoint.serve,
            schedule=FaultSchedule(self._faults, seed=self.seed),
            resident=self._is_resident,
            crash=self._crash,
        )

    def _app(self, serve: ServeChat) -> OllamaApp:
        return OllamaApp(
            library=self._library,
            chat_endpoint=self._chat_endpoint,
            scheduler=self._scheduler,
            build=self._build,
            serve=serve,
        )

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return an httpx transport to this server."""
        return AsgiTransport(lambda *message: self.app(*message))

    async def ask(self, body: JsonObject, *, chat: bool) -> JsonObject:
        """Return the reply to a request of `/api/chat` or `/api/generate`, both as JSON objects; no fault is injected.

        It is served in the caller's task: cancel that to disconnect. HTTP, the texts of both objects and the check of
        the body's types would be most of the work.

        Args:
            body: The request, each field of its type; it asks for no stream.
            chat: True for `/api/chat`, False for `/api/generate`.

        Raises:
            RequestError: The server refuses the request.
            AppFailedError: The server has a bug.
        """
        reply = KeptReply()
        try:
            await self._chat_endpoint.serve(check_request(body, self._library, chat=chat), reply)
        except RequestError:
            raise
        except Exception as error:
            raise AppFailedError(f"the simulated server failed: {error!r}") from error
        return reply.value

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
