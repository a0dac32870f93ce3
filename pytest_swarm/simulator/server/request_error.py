"""The error response of a request, as an exception of the handlers; knows no routes."""

from __future__ import annotations

import json


class RequestError(Exception):
    """A response with an error status; the message is the `error` of its body.

    `in_stream`: the server was about to send a reply. The content type is then that of a plain JSON text without a
    character set, for a reply that would have been a stream.
    """

    def __init__(self, status: int, text: str, *, in_stream: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.in_stream = in_stream


def runner_error(message: str, *, in_stream: bool, **more: int | str) -> RequestError:
    """Return a refusal of the model's process, whose own JSON is the text of the server's error.

    Args:
        message: What the process says.
        in_stream: Whether the reply would have been a stream.
        more: Further keys of the error object; `type` is invalid_request_error unless it is given.
    """
    error = {"code": 400, "message": message, "type": "invalid_request_error", **more}
    return RequestError(400, json.dumps({"error": error}, separators=(",", ":")), in_stream=in_stream)
