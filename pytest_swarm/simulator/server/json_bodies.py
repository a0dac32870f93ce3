"""Reads the body of a request that is not a chat: the object, and the fields that several routes share."""

from __future__ import annotations

from pytest_swarm.simulator.server.request_bodies import InvalidBody, JsonObject, read_object, text_field
from pytest_swarm.simulator.server.request_error import RequestError


def read_request(body: bytes, kind: str) -> JsonObject:
    """Return the JSON object of a body. Raises RequestError 400 for a body that the server rejects.

    Args:
        body: The request body.
        kind: The server's name of the request type, such as ShowRequest.
    """
    try:
        return read_object(body, kind)
    except InvalidBody as error:
        raise RequestError(400, str(error)) from error


def model_field(data: JsonObject) -> str:
    """Return the model's name from `model`, or from the older `name`."""
    return text_field(data, "model") or text_field(data, "name")
