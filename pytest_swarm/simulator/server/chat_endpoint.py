"""One call of `/api/chat` or `/api/generate` from its model's load to the last token, in the loop's time."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import end_lines, send_json, send_line, start_lines
from pytest_swarm.simulator.server.generation import GenerationRequest, TextGenerator
from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.launch_options import launch_options
from pytest_swarm.simulator.server.loaded_model import ModelRequest, RequestState
from pytest_swarm.simulator.server.reply_bodies import ReplyMetrics, bare, final, logprobs, part
from pytest_swarm.simulator.server.request_parsing import ParsedRequest, RequestError
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.token_stream import TokenStream, build_token_stream
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

REQUEST_OVERHEAD_S: Final = 0.001  # of every call: the real server takes 0.7 to 2.8 ms for a warm model
QUEUE_FULL: Final = "server busy, please try again.  maximum pending requests exceeded"
_NO_MEMORY: Final = "llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory"


class ChatEndpoint:
    """Answers calls: the scheduler has the models, the generator the texts."""

    def __init__(self, spec: ServerSpec, *, scheduler: SchedulerDriver, generator: TextGenerator) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._generator = generator

    async def answer(self, call: ParsedRequest, send: Send) -> None:
        """Serve one call. Raises RequestError before anything is sent; cancelling it frees whatever it held."""
        loop = asyncio.get_running_loop()
        if call.unloads:
            self._scheduler.unload(call.model.blob)
            await send_json(send, bare(call, "unload", wall_time_s(loop)))
            return
        started_s = loop.time()
        model_request = ModelRequest(
            name=call.listed,
            model=call.model,
            options=launch_options(self._spec, call.model, call.options, shift=call.shift),
            keep_alive_s=call.keep_alive_s,
        )
        state = await self._scheduler.ready(model_request)
        if state is RequestState.REFUSED:
            raise RequestError(503, QUEUE_FULL)
        if state is RequestState.FAILED:
            raise RequestError(500, _NO_MEMORY)
        try:
            if call.messages:
                await self._generate(call, model_request, started_s, send)
            else:
                await send_json(send, bare(call, "load", wall_time_s(loop)))
        except asyncio.CancelledError:
            self._scheduler.cancel(model_request)
            raise
        except BaseException:
            self._scheduler.finish(model_request)
            raise
        self._scheduler.finish(model_request)

    async def _generate(self, call: ParsedRequest, model_request: ModelRequest, started_s: float, send: Send) -> None:
        loop = asyncio.get_running_loop()
        schema, json_mode = call.json_format
        if call.template.count("{{") > call.template.count("}}"):
            raise RequestError(500, "template: :1: unclosed action")
        load_s = loop.time() - started_s + REQUEST_OVERHEAD_S
        await self._scheduler.slot(model_request)
        request = GenerationRequest(
            model=call.listed,
            messages=call.messages,
            schema=schema,
            json_mode=json_mode,
            seed=call.seed,
            num_predict=call.num_predict,
            options=call.options,
        )
        assert model_request.loaded is not None  # it has a slot
        said = build_token_stream(
            self._generator.generate(request),
            call.model,
            slowdown=model_request.loaded.placement.slowdown(call.model),
            limit=call.num_predict,
            num_ctx=model_request.options.num_ctx,
        )
        if call.stream:
            await self._stream(call, said, send)
        else:
            await asyncio.sleep(REQUEST_OVERHEAD_S + said.overhead_s + said.prefill_s + said.decode_s)
        await self._end(call, said, send, total_s=loop.time() - started_s, load_s=load_s)

    async def _stream(self, call: ParsedRequest, said: TokenStream, send: Send) -> None:
        """Every token in its moment; moments are counted from the start, so that lateness does not add up."""
        loop = asyncio.get_running_loop()
        prefilled_s = loop.time() + REQUEST_OVERHEAD_S + said.overhead_s + said.prefill_s
        for count, piece in enumerate(said.pieces, start=1):
            await asyncio.sleep(prefilled_s + count * said.token_s - loop.time())
            if count == 1:
                await start_lines(send)
            if piece:
                line: dict[str, Json] = {**part(call, piece, wall_time_s(loop)), "done": False}
                if call.logprobs is not None:
                    line["logprobs"] = logprobs((piece,), call.logprobs)
                await send_line(send, line)

    async def _end(self, call: ParsedRequest, said: TokenStream, send: Send, *, total_s: float, load_s: float) -> None:
        wall_s = wall_time_s(asyncio.get_running_loop())
        text = "" if call.stream else said.text
        if said.reason is None:
            if call.stream:
                await end_lines(send)
            else:
                await send_json(send, {**part(call, text, wall_s), "done": False})
            return
        metrics = ReplyMetrics(
            total_s=total_s,
            load_s=load_s,
            prompt_tokens=said.prompt_tokens,
            prefill_s=said.prefill_s,
            completion_tokens=said.tokens,
            decode_s=said.decode_s,
        )
        reply = final(call, text, wall_s, reason=said.reason, metrics=metrics)
        if call.stream:
            await send_line(send, reply, last=True)
        else:
            if call.logprobs is not None:
                reply["logprobs"] = logprobs(tuple(said.pieces), call.logprobs)
            await send_json(send, reply)
