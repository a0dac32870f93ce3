"""Answers of recordings for the answer store: each recorded chat and load that tells which model and server it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_swarm.calibration.recorded_chats import (
    RecordedChat,
    is_load,
    overlapping_chats,
    recorded_chats,
    resident_models,
)
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import AnswersError
from pytest_swarm.execution.read_prompts import ReadPrompts
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel
from pytest_swarm.ollama.answers.questions import GENERATE, ModelIdentity, Question, question_of
from pytest_swarm.ollama.answers.stored_values import LoadSample, StoredAnswer
from pytest_swarm.ollama.cassette.takes import Cassette, Exchange, Take

_MS_PER_S: Final = 1000.0


def import_cassette(store: AnswerStore, cassette: Cassette, *, server: str | None) -> int:
    """Add the answers and loads of a cassette to a store; return how many chats do not tell their model's digest.

    Args:
        store: Where they go.
        cassette: The recording of a real server.
        server: The version of the recorded server, where the cassette does not tell it.

    Raises:
        AnswersError: A simulated server was recorded, or nobody tells the version of the server.
    """
    if cassette.simulated:
        raise AnswersError(
            f"cassette {cassette.path}: was recorded from a simulated server, so that no answer in it is measured"
        )
    unknown = 0
    for take in cassette.takes:
        version = take.origin.server_version or server
        if version is None:
            raise AnswersError(
                f"cassette {cassette.path}: does not tell the version of the server; add --server=VERSION, "
                f"as `curl {take.origin.host}/api/version` shows it"
            )
        for sample in _loads(take, version):
            store.add_sample(sample)
        prompts = ReadPrompts()
        for chat in recorded_chats(take):
            digest = chat.exchange.model_digest
            if digest is None:
                unknown += 1
                continue
            model = ModelIdentity(tag=chat.model, digest=digest, server=version)
            store.see(SeenModel(model=model, seen_ts_ms=take.origin.recorded_ts_ms))
            question = question_of(chat.exchange.path, chat.exchange.fields, model)
            prompt = prompts.read((digest, chat.residency), question)
            store.add(question, _answer(chat, question, cached=prompt.cached))
            prompt.end(chat.reply.text)
    return unknown


def _answer(chat: RecordedChat, question: Question, *, cached: bool) -> StoredAnswer:
    reply, task, origin = chat.reply, chat.task, chat.take.origin
    return StoredAnswer(
        text=reply.text,
        kind=question.kind_beside_tasks if task is None else str(task.type),
        task="" if task is None else task.id,
        measured_ts_ms=origin.recorded_ts_ms + chat.exchange.sent_s * _MS_PER_S,
        site=origin.host,
        thinking=reply.thinking,
        done_reason=reply.done_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        total_s=reply.total_s,
        load_s=reply.load_s,
        prefill_s=reply.prefill_s,
        decode_s=reply.decode_s,
        beside=overlapping_chats(chat),
        cached=cached,
    )


def _loads(take: Take, server: str) -> Iterator[LoadSample]:
    """Yield the loads whose footprint the take shows afterwards."""
    seen: set[str] = set()
    for number, row in enumerate(take.exchanges):
        if not is_load(row) or row.watched or row.model_digest is None:
            continue
        footprint = _footprint(take.exchanges[number:], row.model or "")
        num_ctx = row.options.get("num_ctx")
        if footprint is not None and isinstance(num_ctx, int) and row.path == GENERATE:
            yield LoadSample(
                digest=row.model_digest,
                server=server,
                site=take.origin.host,
                measured_ts_ms=take.origin.recorded_ts_ms + row.sent_s * _MS_PER_S,
                load_s=row.end_s,
                num_ctx=num_ctx,
                size_bytes=footprint[0],
                size_vram_bytes=footprint[1],
                first=row.model_digest not in seen,
            )
        seen.add(row.model_digest)


def _footprint(rows: tuple[Exchange, ...], tag: str) -> tuple[int, int] | None:
    for row in rows:
        for resident in resident_models(row):
            if full_tag(resident.tag) == full_tag(tag):
                return resident.size_bytes, resident.size_vram_bytes
    return None
