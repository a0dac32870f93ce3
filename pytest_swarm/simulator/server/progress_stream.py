"""Replies of long operations (create, pull, push): lines of progress, or the last of them as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import PLAIN_JSON, SentReply, send_json
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.transport import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationProgress:
    """What an operation reports: one object per step, and the error that ended it, if any."""

    steps: Sequence[str]
    error: str | None = None
    status: int = 500


async def send_progress(send: Send, progress: OperationProgress, request: JsonObject) -> None:
    """Send the progress of an operation: streamed unless the request says otherwise.

    Args:
        send: The ASGI callable for the response.
        progress: What the operation reports.
        request: The request, with its field `stream`.
    """
    streamed = request.get("stream") is not False
    failed_at_once = progress.error is not None and not (streamed and progress.steps)
    if failed_at_once:
        error: dict[str, Json] = {"error": progress.error}
        await send_json(send, error, status=progress.status, content_type=PLAIN_JSON, sized=not streamed)
    elif not streamed:
        await send_json(send, {"status": progress.steps[-1]}, content_type=PLAIN_JSON)
    else:
        lines: list[dict[str, Json]] = [{"status": step} for step in progress.steps]
        if progress.error is not None:
            lines.append({"error": progress.error})
        reply = SentReply(send)
        await reply.start_lines()
        for number, line in enumerate(lines, start=1):
            await reply.line(line, last=number == len(lines))
