"""A transport that plays measured answers: the store gives the texts, a simulated server their times and the residency.

A request whose answer is not known waits at the gate of its case. The simulated server is asked with the key of the
answer in place of the prompt, so that nothing that it does to prompts can change a measured answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from pytest_swarm.execution.answer_gate import AnswerGate, AnswerNeed, LoadNeed, Need
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.stored_texts import StoredTextGenerator
from pytest_swarm.execution.tasks import Announcement, TaskCall, chat_request
from pytest_swarm.fields import Json
from pytest_swarm.ollama.answers.questions import CHAT, GENERATE, ModelIdentity, Question
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.ollama.transports.probe import is_probe
from pytest_swarm.simulator.server.hardware import ModelSpec

_KEPT_OPTIONS: Final = ("num_ctx", "num_batch", "num_gpu", "num_thread", "main_gpu", "use_mmap")  # what a load needs


class PlayingTransport(httpx.AsyncBaseTransport):
    """The transport of one case: holds requests at the gate, and passes them on to the simulated server.

    Args:
        inner: Reaches the simulated server.
        known: The answers.
        generator: Gives the simulated server its texts.
        install: Installs a model in the simulated server, with the figures that are known now.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        known: ServerAnswers,
        generator: StoredTextGenerator,
        install: Callable[[ModelSpec], None],
    ) -> None:
        self.figures, self.stalled_s = generator.figures, generator.stalled_s
        self._inner = inner
        self._known = known
        self._generator = generator
        self._install = install
        self._announced: Announcement | None = None
        self._labels: dict[str, TaskCall] = {}
        self.gate = AnswerGate()
        self.job = ""
        self.used: dict[str, StoredAnswer] = {}
        """The answers that were played, by key."""
        self._installed: set[tuple[str, int]] = set()

    def announce(self, announcement: Announcement) -> None:
        """Keep the calls of the step that begins, until one of its requests has to wait."""
        self._announced = announcement
        self._labels = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the simulated server's response; a call waits until its answer is known."""
        path = request.url.path
        if request.method != "POST":
            return await self._brief(request)
        if path not in (CHAT, GENERATE):
            return await self._inner.handle_async_request(request)
        body = json.loads(await request.aread())
        if path == GENERATE and not body.get("prompt"):
            if body.get("keep_alive") == 0:
                return await self._brief(request)
            await self._before_load(request, body)
            return await self._inner.handle_async_request(request)
        question = self._known.question(path, body)
        if question is None:
            return await self._inner.handle_async_request(request)
        return await self._play(request, body, question)

    async def _brief(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a list or an unload after what such a request takes besides the server's work."""
        self.figures.use("", "list_s")
        if list_s := self.figures.world.list_s:
            await asyncio.sleep(list_s)
        return await self._inner.handle_async_request(request)

    async def _before_load(self, request: httpx.Request, body: Mapping[str, Json]) -> None:
        """Wait until the load of a model was timed; unloading needs no figures, and neither does a renewed lease."""
        tag, options = body.get("model"), body.get("options")
        model = self._known.model(tag) if isinstance(tag, str) else None
        num_ctx = options.get("num_ctx") if isinstance(options, dict) else None
        if model is None or not isinstance(num_ctx, int) or body.get("keep_alive") == 0 or is_probe(request):
            return
        await self._wait(lambda: self._missing_load(model, num_ctx))
        self._use_figures(model, num_ctx)

    async def _play(self, request: httpx.Request, body: Mapping[str, Json], question: Question) -> httpx.Response:
        await self._wait(lambda: self._missing(question))
        self._use_figures(question.model, question.num_ctx or 0)
        answer = self._known.answer(question)
        assert answer is not None, "the gate lets no other request pass"
        self.used[question.key] = answer
        self._generator.put(question, answer)
        options = body.get("options")
        given = options if isinstance(options, dict) else {}
        played: dict[str, Json] = {
            "model": body.get("model"),
            "messages": [{"role": "user", "content": question.key}],
            "options": {name: given[name] for name in _KEPT_OPTIONS if name in given},
            "stream": body.get("stream", True),
        }
        if "keep_alive" in body:
            played["keep_alive"] = body["keep_alive"]
        url = request.url.copy_with(raw_path=CHAT.encode())
        response = await self._inner.handle_async_request(httpx.Request("POST", url, json=played))
        return await self._after_client(question.model, response)

    async def _after_client(self, model: ModelIdentity, response: httpx.Response) -> httpx.Response:
        """Return a response after what a call takes besides the server's own time."""
        self.figures.use(model.digest, "client_s")
        figures = self.figures.world.models.get(model.digest)
        if figures is not None and figures.client_s:
            await asyncio.sleep(figures.client_s)
        return response

    async def _wait(self, missing: Callable[[], tuple[Need, ...]]) -> None:
        if self._announced is not None and missing():
            announcement, self._announced = self._announced, None
            self._foresee(announcement)
        await self.gate.passage(missing)

    def _foresee(self, announcement: Announcement) -> None:
        """Note what the announced calls of the step will need."""
        for call in announcement():
            question = None if call.imported else self._known.question_of_chat(chat_request(call))
            if question is not None:
                self._labels[question.key] = call
                for need in self._missing(question):
                    self.gate.foreseen[need.identity] = need

    def _missing(self, question: Question) -> tuple[Need, ...]:
        """Return what is missing to play a question: its answer, and the load of its model."""
        loads = () if question.num_ctx is None else self._missing_load(question.model, question.num_ctx)
        if self._known.answer(question) is not None:
            return loads
        call = self._labels.get(question.key)
        if call is None:
            return (AnswerNeed(question=question, kind=question.kind_beside_tasks, task="", job=self.job), *loads)
        return (AnswerNeed(question=question, kind=str(call.task.type), task=call.task.id, job=self.job), *loads)

    def _missing_load(self, model: ModelIdentity, num_ctx: int) -> tuple[Need, ...]:
        known = self.figures.world.knows(model.digest, num_ctx)
        return () if known else (LoadNeed(model=model, num_ctx=num_ctx),)

    def _use_figures(self, model: ModelIdentity, num_ctx: int) -> None:
        """Install a model with its figures, the first time that it is used with a context."""
        if (model.tag, num_ctx) not in self._installed and model.digest in self.figures.world.models:
            self._installed.add((model.tag, num_ctx))
            self.figures.use(model.digest, "load_s", "slowdowns", str(num_ctx))
            self._install(self.figures.world.model_spec(model))

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
