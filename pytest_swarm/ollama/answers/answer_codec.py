"""Lines of the answer store's text form, and the rows of its database: JSON that is checked while it is read."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonDecoder, JsonObject, encode_line, json_schema, to_json
from pytest_swarm.errors import AnswersError
from pytest_swarm.ollama.answers.questions import ModelIdentity, Question
from pytest_swarm.ollama.answers.stored_values import LoadSample, Sample, SpeedSample, StoredAnswer

VERSION: Final = 1


class AnswersHeader(Struct, frozen=True, kw_only=True):
    """The first line of the text form.

    Attributes:
        answers: The version of the form.
    """

    answers: Annotated[int, Meta(ge=1)]


class AnswerLine(Struct, frozen=True, kw_only=True):
    """A question with its answer.

    Attributes:
        tag: The tag of the model when it was asked.
        digest: The digest of the model's file.
        server: The version of the server.
        path: The path of the request.
        asked: The body of the request without the fields that change no answer.
        answer: What came of it.
    """

    tag: str
    digest: str
    server: str
    asked: dict[str, Any]
    answer: StoredAnswer
    path: str = "/api/chat"


class ModelLine(Struct, frozen=True, kw_only=True):
    """A model that a server had under a tag.

    Attributes:
        model: The tag.
        digest: The digest of the model's file.
        server: The version of the server.
        seen_ts_ms: When it was last seen there, in milliseconds since 1970.
    """

    model: str
    digest: str
    server: str
    seen_ts_ms: float


class SampleLine(Struct, frozen=True, kw_only=True):
    """A load or a speed.

    Attributes:
        sample: What was measured.
    """

    sample: Sample


class LineKind(Struct, frozen=True, kw_only=True):
    """What is read of a line before its kind is known."""

    answers: int | None = None
    answer: Any = None
    model: str | None = None
    sample: Any = None


EXPORT_AGAIN: Final = "write it again with `python -m pytest_swarm answers export`"
RESTORE: Final = "restore the file, or name another one"  # of a store that is damaged
KIND: Final[JsonDecoder[LineKind]] = JsonDecoder(LineKind, error=AnswersError, advice=EXPORT_AGAIN)
HEADER_LINE: Final[JsonDecoder[AnswersHeader]] = JsonDecoder(AnswersHeader, error=AnswersError, advice=EXPORT_AGAIN)
ANSWER_LINE: Final[JsonDecoder[AnswerLine]] = JsonDecoder(AnswerLine, error=AnswersError, advice=EXPORT_AGAIN)
MODEL_LINE: Final[JsonDecoder[ModelLine]] = JsonDecoder(ModelLine, error=AnswersError, advice=EXPORT_AGAIN)
SAMPLE_LINE: Final[JsonDecoder[SampleLine]] = JsonDecoder(SampleLine, error=AnswersError, advice=EXPORT_AGAIN)
STORED_ANSWER: Final[JsonDecoder[StoredAnswer]] = JsonDecoder(StoredAnswer, error=AnswersError, advice=RESTORE)
STORED_SAMPLE: Final[JsonDecoder[Sample]] = JsonDecoder(Sample, error=AnswersError, advice=RESTORE)
ASKED: Final[JsonDecoder[dict[str, Any]]] = JsonDecoder(dict[str, Any], error=AnswersError, advice=RESTORE)


def encode_answer(question: Question, answer: StoredAnswer) -> JsonObject:
    """Return the line of an answer."""
    model = question.model
    line = AnswerLine(
        tag=model.tag,
        digest=model.digest,
        server=model.server,
        path=question.path,
        asked=dict(question.asked),
        answer=answer,
    )
    return to_json(line)


def decode_answer(line: AnswerLine) -> tuple[Question, StoredAnswer]:
    """Return the question and the answer of a line."""
    model = ModelIdentity(tag=line.tag, digest=line.digest, server=line.server)
    return Question(model=model, asked=line.asked, path=line.path), line.answer


def sample_text(sample: Sample) -> str:
    """Return the JSON text of a sample, equal for equal samples."""
    assert isinstance(sample, LoadSample | SpeedSample), "there is no other kind"
    return encode_line(to_json(sample))


def sample_key(sample: Sample) -> str:
    """Return the identity of a sample by its content."""
    return hashlib.sha256(sample_text(sample).encode()).hexdigest()


def answers_schema() -> JsonObject:
    """Return the JSON Schema of one line of the text form."""
    return json_schema(
        *(AnswersHeader, ModelLine, SampleLine, AnswerLine),
        name=f"swarm-answers-{VERSION}",
        title=f"One line of an export of answers of pytest-swarm, version {VERSION}",
        description="The first line has `answers`; models have `model`, loads and speeds `sample`, answers `answer`.",
    )
