"""The routes about installed and resident models: tags, ps, show, copy, delete and blobs."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.simulator.server.asgi_messages import send_bytes
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.model_library import BAD_DIGEST, ModelLibrary, hex_digest
from pytest_swarm.simulator.server.reply_bodies import process_row
from pytest_swarm.simulator.server.reply_sinks import ReplySink
from pytest_swarm.simulator.server.request_bodies import read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import model_field, object_of, text_field
from pytest_swarm.simulator.server.requested_names import (
    INVALID_NAME,
    NO_CLOUD_DETAILS,
    requested_name,
    stored_name,
)
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.show_reply import ShowRequest, show_reply
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s


class ModelEndpoints:
    """Serves the routes about models.

    Args:
        library: The installed models.
        scheduler: Knows the resident models.
    """

    def __init__(self, library: ModelLibrary, *, scheduler: SchedulerDriver) -> None:
        self._library = library
        self._scheduler = scheduler

    async def tags(self, _: bytes, reply: ReplySink) -> None:
        """Serve `/api/tags`."""
        await reply.whole({"models": self._library.rows()})

    async def ps(self, _: bytes, reply: ReplySink) -> None:
        """Serve `/api/ps`."""
        loop = asyncio.get_running_loop()
        now_s, wall_s = loop.time(), wall_time_s(loop)
        rows = [process_row(loaded, now_s=now_s, wall_s=wall_s) for loaded in self._scheduler.by_expiry()]
        await reply.whole({"models": list(rows)})

    async def show(self, body: bytes, reply: ReplySink) -> None:
        """Serve `/api/show`."""
        data = read_request(body, "ShowRequest")
        if not model_field(data).strip():
            raise RequestError(400, "model is required")
        name = requested_name(model_field(data), unavailable=NO_CLOUD_DETAILS)
        found = self._library.find(name.full)
        if found is None:
            raise RequestError(404, f"model '{self._library.spelled(name).shortest}' not found")
        asked = ShowRequest(
            system=text_field(data, "system"),
            options=object_of(data.get("options")),
            verbose=data.get("verbose") is True,
        )
        await reply.whole(show_reply(found, asked))

    async def copy(self, body: bytes, send: Send) -> None:
        """Serve `/api/copy`."""
        data = read_request(body, "CopyRequest")
        source, destination = text_field(data, "source"), text_field(data, "destination")
        for what, name in (("source", source), ("destination", destination)):
            if not parse_name(name).valid:
                raise RequestError(400, f"{what} {go_quoted(name)} is invalid")
        found, same = self._library.find(source), self._library.spelled(parse_name(source))
        if same != self._library.spelled(parse_name(destination)):  # else there is nothing to do
            if found is None:
                raise RequestError(404, f"model {go_quoted(source)} not found")
            self._library.add(replace(found, name=destination, modified_s=wall_time_s(asyncio.get_running_loop())))
        await send_bytes(send, b"", headers={})

    async def delete(self, body: bytes, send: Send) -> None:
        """Serve `/api/delete`."""
        name = model_field(read_request(body, "DeleteRequest"))
        if not name.strip():
            raise RequestError(400, "model is required")
        try:
            stored = stored_name(name)
        except RequestError as error:
            refusal = f"name {go_quoted(name)} is invalid" if str(error) == INVALID_NAME else str(error)
            raise RequestError(400, refusal) from error
        if not self._library.remove(stored.full):
            raise RequestError(404, f"model '{name}' not found")
        await send_bytes(send, b"", headers={})

    async def has_blob(self, digest: str, send: Send) -> None:
        """Serve `HEAD /api/blobs/DIGEST`."""
        if not self._library.has_blob(_hex_digest(digest)):
            raise RequestError(404, f"blob {go_quoted(digest)} not found")
        await send_bytes(send, b"", headers={}, sized=False)

    async def add_blob(self, digest: str, body: bytes, send: Send) -> None:
        """Serve `POST /api/blobs/DIGEST`: the digest must be that of the body, which is not kept."""
        wanted, found = _hex_digest(digest), hashlib.sha256(body).hexdigest()
        if self._library.has_blob(wanted):
            await send_bytes(send, b"", headers={})
            return
        self._library.add_upload(found)  # a body with another digest is refused, and kept all the same
        if digest != f"sha256:{found}":
            text = f'digest mismatch, expected {go_quoted(digest)}, got "sha256:{found}"'
            raise RequestError(400, text)
        await send_bytes(send, b"", headers={}, status=201)


def _hex_digest(digest: str) -> str:
    found = hex_digest(digest)
    if found is None:
        raise RequestError(400, BAD_DIGEST)
    return found
