"""Runs tasks: one chat per task; a failure is an outcome, not an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TypeAlias, TypedDict

from pytest_swarm.domain.answer_state import ENDED_AT_LIMIT, AnswerState
from pytest_swarm.domain.imported_call import MEASURED_ELSEWHERE, ImportedCall
from pytest_swarm.domain.model import Model
from pytest_swarm.domain.placeholders import fill
from pytest_swarm.domain.prompt import task_messages
from pytest_swarm.domain.record import TaskOutcome, TaskStatus
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import BackendError
from pytest_swarm.estimate.prompt_tokens import was_cut
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.ollama.messages import Chat, ChatReply, ChatRequest
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.scorers import Scorers


class _Begun(TypedDict):
    """The fields of an outcome that are known before its call."""

    task: str
    step: int
    model: str
    started_s: float


class _Failure(TypedDict):
    """The fields of an outcome that say how its call failed."""

    error: str
    error_kind: str
    server_fault: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCall:
    """One task to run: its model, the tasks whose answers it is given, its step and its seed.

    `imported` is the call as others measured it; None where the server is to be asked.
    """

    task: Task
    model: Model
    given: tuple[tuple[Task, str], ...]
    step: int
    seed: int
    imported: ImportedCall | None = None


Announcement: TypeAlias = Callable[[], tuple[TaskCall, ...]]
"""Makes the calls of a step, before its models are loaded, when somebody wants to know them: whoever measures answers
asks for all of them at once, also for those that wait for others to end."""


def chat_request(call: TaskCall) -> ChatRequest:
    """Return the request of a task with the answers that it is given."""
    return ChatRequest(
        model=call.model.tag,
        messages=task_messages(call.task, {parent.id: answer for parent, answer in call.given}),
        num_ctx=call.model.context_tokens,
        seed=call.seed,
    )


async def run_task(call: TaskCall, chat: Chat, clock: JobClock) -> TaskOutcome:
    """Run one task and return its unscored outcome; a BackendError becomes a failed outcome.

    Args:
        call: The task with its model and inputs.
        chat: Asks the server.
        clock: The clock of the job.
    """
    begun: _Begun = {"task": call.task.id, "step": call.step, "model": call.model.tag, "started_s": clock.now_s()}
    if call.imported is not None:
        return await _played(call.imported, begun, clock)
    request = chat_request(call)
    try:
        reply = await chat(request)
    except BackendError as error:
        return TaskOutcome(**begun, status=TaskStatus.FAILED, finished_s=clock.now_s(), **_failure(error))
    return _answered(begun, request, reply, model=call.model, finished_s=clock.now_s())


async def _played(call: ImportedCall, begun: _Begun, clock: JobClock) -> TaskOutcome:
    """Return the outcome of a call that others measured, after its latency: no server is asked, and nothing is scored.

    Without a measured latency the call has no end, so that neither latency nor makespan is given.
    """
    if call.latency_s is not None:
        await asyncio.sleep(call.latency_s)
    return TaskOutcome(
        **begun,
        status=TaskStatus.OK,
        score=call.score,
        local_score=call.score,
        score_detail=MEASURED_ELSEWHERE,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        token_cost=call.cost,
        finished_s=None if call.latency_s is None else clock.now_s(),
    )


def _answered(begun: _Begun, request: ChatRequest, reply: ChatReply, *, model: Model, finished_s: float) -> TaskOutcome:
    tokens = (reply.prompt_tokens, reply.completion_tokens)
    used = None if tokens[0] is None or tokens[1] is None else tokens[0] + tokens[1]
    truncated = reply.refused_whole or was_cut(
        reported=reply.prompt_tokens, messages=request.messages, num_ctx=request.num_ctx
    )
    return TaskOutcome(
        **begun,
        status=TaskStatus.OK,
        answer=reply.text,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        token_cost=None if used is None else model.cost_per_token * used,
        finished_s=finished_s,
        load_s=reply.load_s,
        prefill_s=reply.prefill_s,
        decode_s=reply.decode_s,
        done_reason=reply.done_reason,
        thinking=reply.thinking,
        thinking_chars=reply.thinking_chars,
        answer_state=_state(reply),
        truncated=truncated,
        whole_prompt_tokens=reply.whole_prompt_tokens,
    )


def _state(reply: ChatReply) -> AnswerState | None:
    """What is the matter with an answer as a text; thinking only weighs more than the limit that ended it."""
    if not readable(reply.text):
        return AnswerState.THINKING if reply.text.strip() or reply.thinking_chars else AnswerState.EMPTY
    return AnswerState.CUT if reply.done_reason == ENDED_AT_LIMIT else None


async def run_tasks(
    calls: tuple[TaskCall, ...], chat: Chat, clock: JobClock, *, concurrency: int
) -> tuple[TaskOutcome, ...]:
    """Run tasks concurrently, within the slots of each model, and return their outcomes in the order of the calls.

    Args:
        calls: The tasks with their models and inputs.
        chat: Asks the server.
        clock: The clock of the job.
        concurrency: The most tasks that run at the same time.
    """
    if len(calls) == 1:  # it needs no task of its own, and finds each slot free
        return (await run_task(calls[0], chat, clock),)
    limit = asyncio.Semaphore(concurrency)
    slots = {
        call.model.tag: asyncio.Semaphore(call.model.parallel) for call in calls if call.model.parallel is not None
    }

    async def limited(call: TaskCall) -> TaskOutcome:
        async with slots.get(call.model.tag, nullcontext()), limit:
            return await run_task(call, chat, clock)

    return tuple(await asyncio.gather(*map(limited, calls)))


def not_loaded(call: TaskCall, error: BackendError, at_s: float) -> TaskOutcome:
    """Return the outcome of a task whose model could not be loaded: it was never called, so it has no latency.

    Args:
        call: The task with its model.
        error: The error of the load.
        at_s: Time of the failure in seconds since the start of the job.
    """
    return TaskOutcome(
        task=call.task.id,
        status=TaskStatus.FAILED,
        step=call.step,
        model=call.model.tag,
        finished_s=at_s,
        **_failure(error),
    )


def _failure(error: BackendError) -> _Failure:
    return {"error": str(error), "error_kind": error.kind, "server_fault": error.of_server}


def skipped(task_id: str, because: str) -> TaskOutcome:
    """Return the outcome of task `task_id`, which was not run because the task `because` failed.

    Args:
        task_id: The task that was not run.
        because: The task that failed.
    """
    return TaskOutcome(
        task=task_id, status=TaskStatus.SKIPPED, error=f"not run, because task {because!r} failed", error_kind="skipped"
    )


def cut_sentence(call: TaskCall, outcome: TaskOutcome) -> str:
    """Return what the server cut of a prompt, and what to do."""
    tokens, context, tag = outcome.whole_prompt_tokens, call.model.context_tokens, call.model.tag
    whole = "" if tokens is None else f"from {tokens} "
    why = f"because the context of {tag} is {context}; raise its num_ctx"
    if tokens is not None and tokens < context:
        why = f"although num_ctx of {tag} is {context}: its own context is shorter; lower its max_ctx in the fleet file"
    return f"the server cut the prompt of task {outcome.task!r} {whole}to {outcome.prompt_tokens} tokens, {why}"


def as_asked(task: Task, answers: Mapping[str, str]) -> Task:
    """Return the task with its prompt as it was sent, which a judge reads; a blank one stays as it is written.

    Args:
        task: The task.
        answers: Task ID to answer, of the tasks that it was given.
    """
    prompt = fill(task.prompt, answers)
    return replace(task, prompt=prompt) if prompt.strip() and prompt != task.prompt else task


async def scored(outcome: TaskOutcome, call: TaskCall, scorers: Scorers) -> TaskOutcome:
    """Return the outcome with its scores; an outcome without an answer is returned as it is.

    An answer to a prompt that the server cut has no score: it says nothing about the model.

    Args:
        outcome: The unscored outcome.
        call: The task with its parents' answers.
        scorers: The scorers, a judge included.
    """
    if outcome.answer is None:
        return outcome
    if outcome.truncated:
        return replace(outcome, score_detail=f"not scored: {cut_sentence(call, outcome)}")
    score = await scorers.score(as_asked(call.task, {each.id: text for each, text in call.given}), outcome.answer)
    local = score
    if call.task.derive is not None:
        local = await scorers.local_score(call.task, outcome.answer, call.given)
    return replace(
        outcome,
        score=score.value,
        score_detail=score.detail,
        local_score=local.value,
        read=score.read,
        read_where=score.where,
        sandbox_layers=score.layers,
        judge_reply=score.judge_reply,
    )
