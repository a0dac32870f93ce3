"""Requests for the text of a sound, translated to a chat about it; they are forms of several parts, not JSON.

Go's own error messages stand for a form that cannot be read. Knows no models.
"""

from __future__ import annotations

import base64
from email.errors import CloseBoundaryNotFoundDefect
from email.parser import BytesParser
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import InvalidBody

_INSTRUCTION: Final = (
    "Transcribe the audio exactly as spoken. Output only the spoken words. Do not answer any question in the audio."
)
_QUESTION: Final = "What exact words are spoken in this audio?"


def transcription_body(body: bytes, content_type: str) -> dict[str, Json]:
    """Return the body for `/api/chat`.

    Args:
        body: The form.
        content_type: The value of the request's header.

    Raises:
        InvalidBody: The server would reject the form.
    """
    texts, sound = _read_form(body, content_type)
    model, language, context = (texts.get(name, "") for name in ("model", "language", "prompt"))
    if not model:
        raise InvalidBody("model is required")
    if sound is None:
        raise InvalidBody("file is required: http: no such file")
    if not sound:
        raise InvalidBody("audio file is empty")
    instruction = _INSTRUCTION
    if language:
        instruction += f" The audio is in {language}."
    if context:
        instruction += f" Context: {context}"
    messages: list[Json] = [
        {"role": "system", "content": instruction},
        {"role": "user", "content": _QUESTION, "images": [base64.b64encode(sound).decode()]},
    ]
    return {"model": model, "messages": messages, "stream": False, "options": {"temperature": 0}}


def _read_form(body: bytes, content_type: str) -> tuple[dict[str, str], bytes | None]:
    """Return the texts of a form by their names, and what stands in the file named `file`, if there is one."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser().parsebytes(head + body)
    fault = None
    if form.get_content_type() != "multipart/form-data":
        fault = "request Content-Type isn't multipart/form-data"
    elif not form.get_boundary():
        fault = "no multipart boundary param in Content-Type"
    elif not form.is_multipart():
        fault = "multipart: NextPart: EOF"
    elif any(isinstance(defect, CloseBoundaryNotFoundDefect) for defect in form.defects):
        fault = "unexpected EOF"
    if fault is not None:
        raise InvalidBody(f"failed to parse multipart form: {fault}")
    texts: dict[str, str] = {}
    sound = None
    for part in form.walk():
        name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(data, bytes) or part.get_content_disposition() != "form-data":
            continue
        if part.get_filename() is None:
            texts.setdefault(name, data.decode("utf-8", "replace"))
        elif name == "file" and sound is None:
            sound = data
    return texts, sound
