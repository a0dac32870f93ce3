"""Requests in the OpenAI form, translated to the server's own: chat, completions and embeddings."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import InvalidBody
from pytest_swarm.simulator.server.go_syntax import syntax_fault
from pytest_swarm.simulator.server.go_values import base64_fault, go_type
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, rows_of, text_field

_IMAGE: Final = re.compile(r"data:(?:image/(?:jpeg|jpg|png|webp))?;base64,(.*)", re.DOTALL)
_FORMAT_FAULT: Final = "invalid message format"
_EFFORTS: Final[dict[str, Json]] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
    "xhigh": "max",
    "ultra": "max",
}
_EFFORT_CHOICE: Final = '"minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none"'


def chat_body(data: JsonObject) -> dict[str, Json]:
    """Return the body for `/api/chat`. Raises InvalidBody with the server's message."""
    rows = data.get("messages")
    if not isinstance(rows, list) or not rows:
        raise InvalidBody("[] is too short - 'messages'")
    messages: list[Json] = []
    for row in rows_of(rows):
        messages += _messages(row, first=not messages)
    stop = data.get("stop")
    options = _options(data, stops=stop if isinstance(stop, list) else [stop])
    for name in ("frequency_penalty", "presence_penalty"):
        if data.get(name) is not None:
            options[name] = data[name]
    body: dict[str, Json] = {
        "model": text_field(data, "model"),
        "messages": messages,
        "stream": data.get("stream") is True,
        "options": options,
        "tools": data.get("tools"),
        "think": think_value(data),
        "logprobs": data.get("logprobs") is True,
        "top_logprobs": data.get("top_logprobs"),
    }
    return body | _format(data.get("response_format"))


def completion_body(data: JsonObject) -> dict[str, Json]:
    """Return the body for `/api/generate`. Raises InvalidBody with the server's message."""
    stop = data.get("stop")
    if isinstance(stop, list):
        for each in stop:
            if not isinstance(each, str):
                raise InvalidBody(f"invalid type for 'stop' field: {go_type(each)}")
    options = _options(data, stops=stop if isinstance(stop, list) else [stop])
    for name in ("frequency_penalty", "presence_penalty"):
        options[name] = data.get(name) or 0
    alternatives = data.get("logprobs")
    wanted = isinstance(alternatives, int) and alternatives > 0
    return {
        "model": text_field(data, "model"),
        "prompt": text_field(data, "prompt"),
        "suffix": text_field(data, "suffix"),
        "stream": data.get("stream") is True,
        "options": options,
        "logprobs": wanted,
        "top_logprobs": alternatives if wanted else 0,
    }


def embedding_body(data: JsonObject) -> dict[str, Json]:
    """Return the body for `/api/embed`. Raises InvalidBody with the server's message."""
    encoding = text_field(data, "encoding_format")
    if encoding and encoding.lower() not in ("float", "base64"):
        raise InvalidBody(f"Invalid value for 'encoding_format' = {encoding}. Supported values: ['float', 'base64'].")
    given: Json = [""] if data.get("input") == "" else data.get("input")
    if given is None or given == []:
        raise InvalidBody("invalid input")
    return {"model": text_field(data, "model"), "input": given, "dimensions": data.get("dimensions")}


def _options(data: JsonObject, *, stops: list[Json]) -> dict[str, Json]:
    """Return the sampler options; temperature and top_p are 1 unless they are given."""
    options: dict[str, Json] = {"temperature": 1.0, "top_p": 1.0}
    options |= {name: data[name] for name in tuple(options) if data.get(name) is not None}
    texts: list[Json] = [each for each in stops if isinstance(each, str)]
    if texts:
        options["stop"] = texts
    for name, option in (("max_tokens", "num_predict"), ("seed", "seed")):
        if data.get(name) is not None:
            options[option] = data[name]
    return options


def _format(given: Json) -> dict[str, Json]:
    form = object_of(given)
    kind, schema = text_field(form, "type").strip().lower(), form.get("json_schema")
    if kind == "json_object":
        return {"format": "json"}
    return {"format": schema.get("schema")} if kind == "json_schema" and isinstance(schema, dict) else {}


def think_value(data: JsonObject) -> Json:
    """Return the server's own `think` for the effort of a request. Raises InvalidBody for an unknown effort."""
    reasoning = data.get("reasoning")
    effort = text_field(data, "reasoning_effort") if reasoning is None else text_field(object_of(reasoning), "effort")
    if effort and effort not in _EFFORTS:
        raise InvalidBody(f'invalid reasoning value: "{effort}" (must be {_EFFORT_CHOICE})')
    return _EFFORTS.get(effort)


def _messages(row: JsonObject, *, first: bool) -> list[Json]:
    """Return a message as messages of the server: one for each part of its content; the last takes the tool calls."""
    role, content, calls = text_field(row, "role"), row.get("content"), row.get("tool_calls")
    if isinstance(content, list):
        messages = [_part(role, part) for part in content]
    elif isinstance(content, str) or calls is not None:
        messages = [{"role": role, "content": content if isinstance(content, str) else ""}]
    else:
        raise InvalidBody(f"invalid message content type: {go_type(content)}")
    if messages or not first:
        _check_tool_calls(calls)
    return messages


def _check_tool_calls(calls: Json) -> None:
    """Raise InvalidBody where the arguments of a tool call are not a JSON object, or null, in a text."""
    for call in rows_of(calls):
        text = text_field(object_of(call.get("function")), "arguments")
        if syntax_fault(text.encode(), whole=True) or not text.lstrip().startswith(("{", "null")):
            raise InvalidBody("invalid tool call arguments")


def _part(role: str, part: Json) -> Json:
    if not isinstance(part, dict):
        raise InvalidBody(_FORMAT_FAULT)
    if part.get("type") == "input_audio":
        return {"role": role, "content": "", "images": [_audio_data(part.get("input_audio"))]}
    text, image = part.get("text"), part.get("image_url")
    if part.get("type") == "text" and isinstance(text, str):
        return {"role": role, "content": text}
    url = image.get("url") if isinstance(image, dict) else image
    if part.get("type") != "image_url" or not isinstance(url, str):
        raise InvalidBody(_FORMAT_FAULT)
    return {"role": role, "content": "", "images": [image_data(url)]}


def _audio_data(audio: Json) -> str:
    """Return the base64 text of a sound, which the server passes on like an image. Raises InvalidBody."""
    if not isinstance(audio, dict):
        raise InvalidBody("invalid input_audio format")
    data = audio.get("data")
    if not isinstance(data, str):
        raise InvalidBody("invalid input_audio format: missing data")
    fault = base64_fault(data)
    if fault is not None:
        raise InvalidBody(f"invalid input_audio base64 data: illegal base64 data at input byte {fault}")
    return data


def image_data(url: str) -> str:
    """Return the base64 text of a data URL. Raises InvalidBody with the server's message."""
    if url.startswith(("http://", "https://")):
        raise InvalidBody("image URLs are not currently supported, please use base64 encoded data instead")
    found = _IMAGE.fullmatch(url)
    if found is None or base64_fault(found[1]) is not None:
        raise InvalidBody("invalid image input")
    return found[1]
