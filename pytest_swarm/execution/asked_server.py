"""A server that is asked for what is missing: model by model, resident ones first, one call at a time by default.

Each answer and each load is stored as soon as it is there, so that a process that is killed loses none of them. What
another process has stored meanwhile is not asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import BackendError, CallTimeoutError, ServerDownError
from pytest_swarm.execution.answer_gate import AnswerNeed, LoadNeed, Need
from pytest_swarm.execution.asked_answers import answer_of, given_up
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.model_loading import ModelLoader, Room
from pytest_swarm.execution.read_prompts import ReadPrompts
from pytest_swarm.execution.replaced_models import ReplacedModels
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.speed_calibration import calibrate_speed
from pytest_swarm.execution.wave_tally import WaveTally
from pytest_swarm.execution.waves import WaveReport
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.ollama.messages import ChatReply, ChatRequest

ALONE_FIRST: Final = 3  # calls of each model and kind that run alone for their times, before others run beside them
OUT_OF_TIME: Final = "the time limit of --swarm-max-time was reached"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AskSettings:
    """How a server is asked.

    Attributes:
        room: What may be resident at the same time.
        parallel: Calls that are asked at a time.
        at_once: How many calls at once are timed for each model, besides one.
        limit_s: Seconds after which nothing more is asked; None = no limit.
        run_s: Returns the seconds since the run began; None = count those of the server that were used.
        guard: Held while the server is asked, so that no other process uses it, or asks the same; TimeoutError where
            another one does so until the time is up.
        tell: Shows a sentence at once.
        restoration: Is told of every model that is loaded, for whoever leaves the server as it was found.
    """

    room: Room
    parallel: int = 1
    at_once: tuple[int, ...] = (2, 4)
    limit_s: float | None = None
    run_s: Callable[[], float] | None = None
    guard: Callable[[], AbstractContextManager[None]] = nullcontext
    tell: Callable[[str], None] = lambda _: None
    restoration: Restoration = field(default_factory=Restoration)


class AskedServer:
    """A server on an open connection.

    Args:
        inner: The server, to which a connection is made.
        known: The answers, with the store that takes new ones.
        settings: How it is asked.
        replaced: The models that are others now than at the start of the run.
    """

    def __init__(
        self, inner: Backend, known: ServerAnswers, settings: AskSettings, *, replaced: ReplacedModels
    ) -> None:
        self._connection = inner.connect()
        self._client = self._connection.client
        self._live = inner.live
        self._site = inner.host or inner.kind
        self._known = known
        self._settings = settings
        self._replaced = replaced
        self._loader = ModelLoader(self._client, known.store, room=settings.room, site=self._site, keeps=self._keeps)
        self._prompts = ReadPrompts(settings.parallel)
        self._running: dict[int, int] = {}
        self._alone: dict[tuple[str, str], int] = {}
        self._used_s = 0.0  # of the server, so far

    async def measure(self, needs: Sequence[Need], graph: TaskGraph, *, wave: int) -> WaveReport:
        """Measure what is missing, and store it.

        Args:
            needs: What is missing, each once.
            graph: The graph of the cases that lack it.
            wave: The number of the wave, from 1.
        """
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        self._connection.register_graph(graph)
        needs = [need for need in needs if self._is_missing(need)]
        answers = sum(isinstance(need, AnswerNeed) for need in needs)
        tally = WaveTally(wave=wave, job=graph.name, total=answers, started_s=started_s)
        try:
            await self.look()
            await self._queues(needs, tally)
        except BackendError as error:  # without an answer to `look`, nothing is certain
            tally.failures |= {need.identity: str(error) for need in needs if self._is_missing(need)}
        except asyncio.CancelledError:
            self._settings.restoration.broken_off = True
            raise
        spent_s = loop.time() - started_s
        self._used_s += spent_s
        return WaveReport(asked=tally.asked, loads=tally.loads, server_s=spent_s, failures=tally.failures)

    async def look(self) -> None:
        """Ask a real server whether its models are those of the start; one in this process cannot change."""
        if self._live:
            await self._replaced.look(self._client)
            self._loader.forget(self._replaced.tags)
            self._settings.restoration.forget(self._replaced.tags)

    async def _keeps(self, model: ModelIdentity) -> bool:
        """Return whether what a model has just done is certain to be its own."""
        return not self._live or await self._replaced.keeps(self._client, model)

    def _is_missing(self, need: Need) -> bool:
        """Return whether nobody has measured it meanwhile."""
        if isinstance(need, AnswerNeed):
            return self._known.answer(need.question) is None
        loads = self._known.store.loads()
        return not any((load.digest, load.num_ctx) == (need.model.digest, need.num_ctx) for load in loads)

    async def _queues(self, needs: Sequence[Need], tally: WaveTally) -> None:
        """Measure the queue of each model and context: resident ones first, then the longest queue."""
        queues: dict[tuple[str, int], list[Need]] = {}
        for need in needs:
            queues.setdefault((need.model.tag, need.num_ctx or 0), []).append(need)
        while queues:
            resident = await self._loader.resident()
            self._settings.restoration.see(self._loader.listed)
            tag, num_ctx = min(queues, key=lambda each: (each not in resident, -len(queues[each]), each))
            queue = queues.pop((tag, num_ctx))
            if self._is_late(tally):
                tally.failures |= {need.identity: OUT_OF_TIME for need in queue}
                continue
            await self.look()
            reason = self._replaced.reason(queue[0].model)
            if reason is not None:
                tally.failures |= {need.identity: reason for need in queue}
                continue
            calls = sum(isinstance(need, AnswerNeed) for need in queue)
            self._settings.tell(tally.progress(tag, calls, now_s=asyncio.get_running_loop().time()))
            try:
                await self._prepare(queue, num_ctx or None, wanted=[each for each, _ in queues], tally=tally)
            except ServerDownError:
                raise
            except BackendError as error:
                tally.failures |= {need.identity: str(error) for need in queue}
                continue
            tally.failures |= {
                need.identity: self._replaced.reason(need.model)
                or f"{tag} was loaded, and the server did not list it under this tag afterwards"
                for need in queue
                if isinstance(need, LoadNeed) and self._is_missing(need)
            }
            await self._ask_queue([need for need in queue if isinstance(need, AnswerNeed)], tally)

    async def _prepare(self, queue: list[Need], num_ctx: int | None, *, wanted: list[str], tally: WaveTally) -> None:
        """Load the model of a queue; the first time, time it with several calls at once and load it once more."""
        model = queue[0].model
        self._settings.restoration.change()
        self._settings.restoration.use(model.tag)
        fresh = any(isinstance(need, LoadNeed) for need in queue)
        loads = await self._loader.load(model, num_ctx, wanted=wanted, again=fresh)
        self._settings.restoration.see(self._loader.listed)
        tally.loads += loads
        if loads:
            self._prompts.load(model.digest)
        store = self._known.store
        if num_ctx is not None and not any(speed.digest == model.digest for speed in store.speeds()):
            samples = await calibrate_speed(
                self._chat, model, num_ctx=num_ctx, at_once=self._settings.at_once, site=self._site
            )
            for sample in samples if samples and await self._keeps(model) else ():
                store.add_sample(sample)

    async def _chat(self, request: ChatRequest) -> ChatReply:
        return await self._settings.restoration.reply(self._client.chat(request))

    async def _ask_queue(self, queue: list[AnswerNeed], tally: WaveTally) -> None:
        """Ask one after the other; with several at a time, the first few of each kind alone."""
        queue = sorted(queue, key=lambda need: (need.question.seed or 0, need.kind, need.question.key))
        alone: list[AnswerNeed] = queue
        together: list[AnswerNeed] = []
        if self._settings.parallel > 1:
            alone = []
            for need in queue:
                kind = (need.model.digest, need.kind)
                first = self._alone.get(kind, 0) < ALONE_FIRST
                self._alone[kind] = self._alone.get(kind, 0) + 1
                (alone if first else together).append(need)
        for need in alone:
            await self._ask(need, tally)
        limit = asyncio.Semaphore(self._settings.parallel)

        async def limited(need: AnswerNeed) -> None:
            async with limit:
                await self._ask(need, tally)

        await asyncio.gather(*map(limited, together))

    async def _ask(self, need: AnswerNeed, tally: WaveTally) -> None:
        """Ask a question and store its answer, unless somebody has, or the time is over."""
        if not self._is_missing(need):
            return
        reason = OUT_OF_TIME if self._is_late(tally) else self._replaced.reason(need.model)
        if reason is not None:
            tally.failures[need.identity] = reason
            return
        loop, question = asyncio.get_running_loop(), need.question
        started_s = loop.time()
        prompt = self._prompts.read(need.model.digest, question)
        for other in self._running:
            self._running[other] = max(self._running[other], len(self._running))
        number = id(need)
        self._running[number] = len(self._running)
        try:
            answer = await self._reply(need, started_s=started_s)
            kept = await self._keeps(need.model)
        except ServerDownError:
            raise
        except BackendError as error:
            tally.failures[need.identity] = str(error)
        else:
            prompt.end(answer.text)
            if kept:
                self._known.store.add(question, replace(answer, cached=prompt.cached))
            else:
                tally.failures[need.identity] = self._replaced.reason(need.model) or ""
        finally:
            self._running.pop(number, None)
        tally.asked += 1

    async def _reply(self, need: AnswerNeed, *, started_s: float) -> StoredAnswer:
        """Ask a question, and return what is to be stored."""
        try:
            reply = await self._settings.restoration.reply(self._client.ask(need.question.body))
        except CallTimeoutError:
            return given_up(need, site=self._site, timeout_s=self._known.timeout_s)
        elapsed_s = asyncio.get_running_loop().time() - started_s
        return answer_of(reply, need, site=self._site, elapsed_s=elapsed_s, beside=self._running.pop(id(need)))

    def _is_late(self, tally: WaveTally) -> bool:
        limit_s, run_s = self._settings.limit_s, self._settings.run_s
        if limit_s is None:
            return False
        now_s = self._used_s + asyncio.get_running_loop().time() - tally.started_s if run_s is None else run_s()
        return now_s >= limit_s

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()
