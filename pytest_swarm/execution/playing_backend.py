"""The backend that plays measured answers in virtual time: a simulated server with measured figures for each case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import MEASURED_BACKEND
from pytest_swarm.execution.backends import Backend, Connection, RealisedScores
from pytest_swarm.execution.played_world import PlayedWorld
from pytest_swarm.execution.playing_transport import PlayingTransport
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.stored_texts import StoredTextGenerator, UsedFigures


@dataclass(slots=True, kw_only=True, eq=False)
class Played:
    """What is played: the answers, the measured server, and what is said of both.

    `world` is the server as it is known at the moment, and is set anew as figures of models are measured. `realised`
    returns the scores of a graph by (task, model) for a request seed, None where they are not all known.
    """

    known: ServerAnswers
    detail: str
    world: PlayedWorld = field(default_factory=PlayedWorld)
    simulated: bool = False
    realised: Callable[[TaskGraph, int], RealisedScores | None] = lambda *_: None


def playing_backend(played: Played, *, on_connect: Callable[[PlayingTransport], None] = lambda _: None) -> Backend:
    """Return the backend; every connection reaches a server of its own without resident models.

    Args:
        played: What is played.
        on_connect: Is given the transport of each connection.
    """
    from pytest_swarm.execution.simulated_client import SimulatedClient
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer
    from pytest_swarm.simulator.virtual_loop import new_virtual_loop

    known = played.known

    def connect() -> Connection:
        generator = StoredTextGenerator(UsedFigures(lambda: played.world))
        spec = played.world.server_spec(tuple(known.models.values()))
        server = SimulatedServer(spec, generator=generator)
        transport = PlayingTransport(server.transport(), known=known, generator=generator, install=server.install)
        on_connect(transport)
        client = SimulatedClient("http://measured", transport=transport, timeout_s=known.timeout_s)

        def register(graph: TaskGraph) -> None:
            transport.job = graph.name

        return Connection(
            client=client,
            probe_client=client,
            register_graph=register,
            realised=played.realised,
            announce=transport.announce,
        )

    return Backend(
        kind=MEASURED_BACKEND,
        detail=played.detail,
        simulated=played.simulated,
        virtual=True,
        profile_name=None,
        new_loop=new_virtual_loop,
        connect=connect,
        knows_realised=True,
        predicted=True,
        sparse_samples=True,
    )
