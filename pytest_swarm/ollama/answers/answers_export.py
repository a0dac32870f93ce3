"""The text form of an answer store: JSON lines, sorted, so that two exports can be compared line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from pytest_swarm.codec import encode_line, is_json, to_json
from pytest_swarm.errors import AnswersError
from pytest_swarm.files import readable
from pytest_swarm.ollama.answers.answer_codec import (
    ANSWER_LINE,
    EXPORT_AGAIN,
    HEADER_LINE,
    KIND,
    MODEL_LINE,
    SAMPLE_LINE,
    VERSION,
    AnswersHeader,
    ModelLine,
    SampleLine,
    decode_answer,
    encode_answer,
)
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel, is_database
from pytest_swarm.ollama.answers.questions import ModelIdentity


def exported_lines(store: AnswerStore) -> Iterator[str]:
    """Yield the lines of the text form: header, models, samples, answers, each kind in a fixed order."""
    yield encode_line(to_json(AnswersHeader(answers=VERSION)))
    for seen in store.seen():
        model = seen.model
        line = ModelLine(model=model.tag, digest=model.digest, server=model.server, seen_ts_ms=seen.seen_ts_ms)
        yield encode_line(to_json(line))
    for sample in store.samples():
        yield encode_line(to_json(SampleLine(sample=sample)))
    for question, answer in store.entries():
        yield encode_line(encode_answer(question, answer))


def import_text(store: AnswerStore, path: Path) -> int:
    """Add the entries of an export to a store; return how many answers were new.

    Args:
        store: Takes the answers that it lacks.
        path: The export: JSON lines.

    Raises:
        AnswersError: The file cannot be read, or a line does not belong into an export. The message names the line.
    """
    return take_lines(store, _lines(path), name=str(path))


def _lines(path: Path) -> list[bytes]:
    try:
        lines = readable(path).read_bytes().splitlines()
    except OSError as error:
        raise AnswersError(f"answers {path}: cannot be read: {error.strerror}; name another file") from error
    if not lines:
        raise AnswersError(f"answers {path}: is empty, so it is no export; {EXPORT_AGAIN}")
    return lines


def take_lines(store: AnswerStore, lines: Iterable[bytes], *, name: str) -> int:
    """Add lines of the text form to a store; return how many answers were new. The first line must be the header.

    Args:
        store: Where the entries go.
        lines: The lines.
        name: The name of their file, for errors.

    Raises:
        AnswersError: A line does not belong into an export. The message names the line.
    """
    new, opened = 0, False
    for number, line in enumerate(lines, start=1):
        where = f"answers {name}, line {number}"
        kind = KIND.decode(line, where=where)
        if not opened:
            if kind.answers is None:
                raise AnswersError(f"{where}: is not the first line of an export of answers; {EXPORT_AGAIN}")
            version = HEADER_LINE.decode(line, where=where).answers
            if version > VERSION:
                raise AnswersError(f"{where}: version {version} is newer than {VERSION}; update pytest-swarm")
            opened = True
        elif kind.answer is not None:
            new += store.add(*decode_answer(ANSWER_LINE.decode(line, where=where)))
        elif kind.model is not None:
            row = MODEL_LINE.decode(line, where=where)
            model = ModelIdentity(tag=row.model, digest=row.digest, server=row.server)
            store.see(SeenModel(model=model, seen_ts_ms=row.seen_ts_ms))
        elif kind.sample is not None:
            store.add_sample(SAMPLE_LINE.decode(line, where=where).sample)
        else:
            raise AnswersError(f"{where}: is no answer, no model and no sample; {EXPORT_AGAIN}")
    return new


def is_export(path: Path) -> bool:
    """Return whether a file is an export, by its first line."""
    if not path.is_file() or is_database(path):
        return False
    with path.open("rb") as file:
        line = file.readline()
    return is_json(line) and b'"answers"' in line


def open_answers(path: Path, *, writable: bool) -> AnswerStore:
    """Return the store of a file; an export is read into memory where nothing is to be added.

    Args:
        path: A store, or an export of one.
        writable: Whether entries will be added.

    Raises:
        AnswersError: The file cannot be used.
    """
    if writable or not is_export(path):
        return AnswerStore(path, writable=writable)
    with ExitStack() as opened:
        store = opened.enter_context(AnswerStore(None))
        import_text(store, path)
        store.path = path
        opened.pop_all()
    return store
