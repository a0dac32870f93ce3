"""Serves one request of `/api/chat` or `/api/generate`, from the load of its model to the last token, in loop time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from pytest_swarm.domain.text_tokens import decode_steps
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.decode_sharing import DecodeSharing
from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.launch_options import launch_options
from pytest_swarm.simulator.server.loaded_model import LoadedModel, ModelRequest, RequestState
from pytest_swarm.simulator.server.model_library import LibraryModel
from pytest_swarm.simulator.server.prefix_cache import CachedPrompt
from pytest_swarm.simulator.server.prompt_window import PromptWindow, check_uncut, fit_prompt
from pytest_swarm.simulator.server.reply_bodies import (
    chunk,
    end_of_reply,
    load_reply,
    logprobs,
)
from pytest_swarm.simulator.server.reply_sinks import ReplySink
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import ParsedRequest
from pytest_swarm.simulator.server.runner_checks import check_by_runner, context_fault
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.template_check import template_fault
from pytest_swarm.simulator.server.token_stream import (
    GenerationRequest,
    StreamLimits,
    TextGenerator,
    TokenStream,
    build_token_stream,
    left_work,
)
from pytest_swarm.simulator.virtual_loop import wall_time_s

ServeChat: TypeAlias = Callable[[ParsedRequest, ReplySink], Awaitable[None]]
"""Serves one checked request."""
REQUEST_OVERHEAD_S: Final = 0.001  # of every request: the real server takes 0.7 to 2.8 ms for a warm model
QUEUE_FULL: Final = "server busy, please try again.  maximum pending requests exceeded"
_ALL_MODELS: Final = ""  # in place of a model: the processor that all of them share
_NO_MEMORY: Final = "exit status 1: cudaMalloc failed: out of memory"


class ChatEndpoint:
    """Serves chat and generate requests; `reply_numbers` count those that came by a route in another form.

    Args:
        spec: The server with its settings.
        scheduler: Loads and unloads the models.
        generator: Decides the texts.
    """

    def __init__(self, spec: ServerSpec, *, scheduler: SchedulerDriver, generator: TextGenerator) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._generator = generator
        self._sharing = DecodeSharing()
        self.reply_numbers = itertools.count(1)

    async def serve(self, parsed: ParsedRequest, reply: ReplySink) -> None:
        """Serve one request; cancellation releases its model and slot.

        Args:
            parsed: The checked request.
            reply: Takes the reply.

        Raises:
            RequestError: The request fails before the response has started.
        """
        loop = asyncio.get_running_loop()
        if parsed.unloads:
            self._scheduler.unload(parsed.model.blob)
            await reply.whole(load_reply(parsed, "unload", wall_time_s(loop)))
            return
        started_s = loop.time()
        model_request = ModelRequest(
            name=parsed.listed_name,
            model=parsed.model,
            options=launch_options(self._spec, parsed.model, parsed.options, shift=parsed.shift),
            keep_alive_s=parsed.keep_alive_s,
        )
        await self._await_load(model_request)
        try:
            if parsed.messages:
                await self._generate(parsed, model_request, started_s, reply)
            else:
                await reply.whole(load_reply(parsed, "load", wall_time_s(loop)))
        except asyncio.CancelledError:
            self._scheduler.cancel(model_request)
            raise
        except BaseException:
            self._scheduler.finish(model_request)
            raise
        self._scheduler.finish(model_request)

    async def load(self, model: LibraryModel, options: Mapping[str, Json], kept_s: float | None) -> None:
        """Load a model and release it at once; no effect on a loaded model but its `keep_alive`.

        Args:
            model: The installed model.
            options: The request's options over the model's.
            kept_s: Seconds that the model stays loaded; None keeps the present value.

        Raises:
            RequestError: The model cannot be loaded.
        """
        launch = launch_options(self._spec, model.spec, options)
        request = ModelRequest(name=model.name, model=model.spec, options=launch, keep_alive_s=kept_s)
        await self._await_load(request)
        self._scheduler.finish(request)

    async def _await_load(self, request: ModelRequest) -> None:
        fault = request.options.launch_fault
        if fault is not None:
            self._scheduler.unload(request.model.blob)
        else:
            state = await self._scheduler.ready(request)
            if state is RequestState.REFUSED:
                raise RequestError(503, QUEUE_FULL)
            fault = _NO_MEMORY if state is RequestState.FAILED else None
        if fault is not None:
            raise RequestError(500, f"llama-server process has terminated: {fault}")

    async def _generate(
        self, parsed: ParsedRequest, model_request: ModelRequest, started_s: float, reply: ReplySink
    ) -> None:
        loop = asyncio.get_running_loop()
        fault = template_fault(parsed.template) or context_fault(parsed.context)
        if fault is not None:
            raise RequestError(500, fault)
        load_s = loop.time() - started_s + REQUEST_OVERHEAD_S
        await self._scheduler.slot(model_request)
        assert model_request.loaded is not None  # it has a slot
        stream, cached = self._token_stream(parsed, model_request.options.num_ctx, model_request.loaded)
        begun_s, answer = loop.time() + REQUEST_OVERHEAD_S + stream.overhead_s, stream.text
        try:
            stream = await self._spend(parsed, stream, reply)
        except asyncio.CancelledError:
            evaluated = stream.prompt_tokens if cached is None else cached.evaluated
            left = left_work(stream, loop.time() - begun_s, evaluated=evaluated, batch=model_request.options.batch)
            self._scheduler.cancel(model_request, slot_held_s=left.slot_held_s)
            answer = left.text
            if cached is not None:
                cached.cut((evaluated - left.read_tokens) / stream.prompt_tokens)
            raise
        finally:
            if cached is not None:
                cached.end(answer)
        await self._send_end(parsed, stream, reply, total_s=loop.time() - started_s, load_s=load_s)

    async def _spend(self, parsed: ParsedRequest, stream: TokenStream, reply: ReplySink) -> TokenStream:
        """Let the time of a reply pass and send it if it is streamed; return it with the time that its tokens took."""
        loop, model, fixed_s = asyncio.get_running_loop(), parsed.model, REQUEST_OVERHEAD_S + stream.overhead_s
        if model.slowdown_beside > 1:
            shared, factors = _ALL_MODELS, {2: model.slowdown_beside}
            await asyncio.sleep(fixed_s)
            with self._sharing.work(shared, factors) as reading:
                await reading.until(stream.prefill_s)
            stream = replace(stream, prefill_s=reading.took_s)
        elif model.slowdowns:
            shared, factors = model.blob, dict(model.slowdowns)
            await asyncio.sleep(fixed_s + stream.prefill_s)
        elif parsed.stream:
            prefilled_s = loop.time() + fixed_s + stream.prefill_s
            await _stream(parsed, stream, reply, lambda work_s: asyncio.sleep(prefilled_s + work_s - loop.time()))
            return stream
        else:
            await asyncio.sleep(fixed_s + stream.prefill_s + stream.decode_s)
            return stream
        with self._sharing.work(shared, factors) as decoding:
            if parsed.stream:
                await _stream(parsed, stream, reply, decoding.until)
            else:
                await decoding.until(stream.decode_s)
        return replace(stream, decode_s=decoding.took_s)

    def _token_stream(
        self, parsed: ParsedRequest, num_ctx: int, loaded: LoadedModel
    ) -> tuple[TokenStream, CachedPrompt | None]:
        """Return the reply, and the prompt in the model's cache; RequestError for what the model's process refuses."""
        schema, json_mode = parsed.json_format
        limit = parsed.most_tokens(num_ctx)
        window = PromptWindow(
            num_ctx=num_ctx,
            num_keep=parsed.num_keep,
            truncate=parsed.truncate and not parsed.images,
            shift=parsed.shift,
            chat=parsed.chat,
            in_stream=parsed.stream,
        )
        request = GenerationRequest(
            model=parsed.model.full_name,
            messages=parsed.messages,
            schema=schema,
            json_mode=json_mode,
            seed=parsed.seed,
            num_predict=limit if "num_predict" in parsed.options else None,
            raw=parsed.raw,
            context_tokens=len(parsed.context),
            options=parsed.options,
        )
        request, prompt_tokens = fit_prompt(request, window, count=self._generator.prompt_tokens)
        check_by_runner(parsed)
        check_uncut(window, prompt_tokens)
        if not parsed.shift:
            room = max(1, window.allocated - prompt_tokens)
            limit = room if limit is None else min(limit, room)
            request = replace(request, num_predict=limit if "num_predict" in parsed.options else None)
        stream = build_token_stream(
            self._generator.generate(request),
            parsed.model,
            prompt_tokens=prompt_tokens,
            slowdown=loaded.placement.slowdown(parsed.model),
            limits=StreamLimits(tokens=limit, stops=parsed.stops),
        )
        if (schema is not None or json_mode) and not loaded.grammar_ready:
            loaded.grammar_ready = True
            stream = replace(stream, overhead_s=stream.overhead_s + parsed.model.first_format_s)
        if loaded.prompts is None:
            return stream, None
        cached = loaded.prompts.read(request.messages, prompt_tokens)
        return replace(stream, prefill_s=stream.prefill_s * cached.evaluated / prompt_tokens), cached

    async def _send_end(
        self, parsed: ParsedRequest, stream: TokenStream, reply: ReplySink, *, total_s: float, load_s: float
    ) -> None:
        text = "" if parsed.stream else stream.text
        said = chunk(parsed, text, wall_time_s(asyncio.get_running_loop()), thinking=stream.thinking)
        if stream.reason is None:
            if parsed.stream:
                await reply.end_lines()
            else:
                await reply.whole({**said, "done": False})
            return
        final = {**said, **end_of_reply(parsed, stream, total_s=total_s, load_s=load_s)}
        await (reply.line(final, last=True) if parsed.stream else reply.whole(final))


async def _stream(
    parsed: ParsedRequest, stream: TokenStream, reply: ReplySink, decoded: Callable[[float], Awaitable[None]]
) -> None:
    """Send each token at its time: when `decoded` so many seconds from the first on, so that delays do not add up."""
    for count, piece in enumerate(stream.pieces, start=1):
        await decoded(stream.decode_s if count == stream.tokens else decode_steps(count) * stream.token_s)
        if count == 1:
            await reply.start_lines()
        if piece:
            line: dict[str, Json] = {
                **chunk(parsed, piece, wall_time_s(asyncio.get_running_loop())),
                "done": False,
            }
            if parsed.logprobs is not None:
                line["logprobs"] = logprobs((piece,), parsed.logprobs)
            await reply.line(line)
