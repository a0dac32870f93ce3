"""Answers as they are stored: of a reply, and of a call that was given up."""

from __future__ import annotations

from pytest_swarm.execution.answer_gate import AnswerNeed
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.ollama.messages import ChatReply
from pytest_swarm.ollama.replies import REPEAT
from pytest_swarm.units import now_ms


def answer_of(reply: ChatReply, need: AnswerNeed, *, site: str, elapsed_s: float, beside: int) -> StoredAnswer:
    """Return the answer of a reply; one that the server ended without figures has the client's time.

    Args:
        reply: The reply.
        need: What was asked, and for what.
        site: The server, as entries of the store name it.
        elapsed_s: Seconds of the call by the client's clock.
        beside: Other calls that ran at the same time.
    """
    return StoredAnswer(
        text=reply.text,
        kind=need.kind,
        task=need.task,
        measured_ts_ms=now_ms(),
        site=site,
        thinking=reply.thinking,
        done_reason=reply.done_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        total_s=elapsed_s if reply.done_reason == REPEAT else reply.total_s,
        load_s=reply.load_s,
        prefill_s=reply.prefill_s,
        decode_s=reply.decode_s,
        beside=beside,
        client_s=None if reply.total_s is None or beside else max(0.0, elapsed_s - reply.total_s),
    )


def given_up(need: AnswerNeed, *, site: str, timeout_s: float) -> StoredAnswer:
    """Return the entry of a call that was given up without a reply.

    Args:
        need: What was asked, and for what.
        site: The server, as entries of the store name it.
        timeout_s: The time limit of the call in seconds.
    """
    return StoredAnswer(
        text="", kind=need.kind, task=need.task, measured_ts_ms=now_ms(), site=site, unanswered_s=timeout_s
    )
