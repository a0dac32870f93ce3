"""One call of `/api/chat` or `/api/generate` from its model's load to the last token, in the loop's time."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.generation import Answerer, Generation
from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.launch_options import launch_options
from pytest_swarm.simulator.server.loaded_model import Ticket, TicketState
from pytest_swarm.simulator.server.reply_bodies import Figures, bare, final, logprobs, part
from pytest_swarm.simulator.server.request_parsing import Call, RequestError
from pytest_swarm.simulator.server.responses import end_lines, send_json, send_line, start_lines
from pytest_swarm.simulator.server.scheduler_driver import SchedulerDriver
from pytest_swarm.simulator.server.token_stream import Speech, speech
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

HANDLING_S: Final = 0.001  # of every call: the real server takes 0.7 to 2.8 ms for a warm model
QUEUE_FULL: Final = "server busy, please try again.  maximum pending requests exceeded"
_NO_MEMORY: Final = "llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory"


class Talker:
    """Answers calls: the engine has the models, the answerer the texts."""

    def __init__(self, spec: ServerSpec, *, engine: SchedulerDriver, answerer: Answerer) -> None:
        self._spec = spec
        self._engine = engine
        self._answerer = answerer

    async def answer(self, call: Call, send: Send) -> None:
        """Serve one call. Raises RequestError before anything is sent; cancelling it frees whatever it held."""
        loop = asyncio.get_running_loop()
        if call.unloads:
            self._engine.unload(call.model.blob)
            await send_json(send, bare(call, "unload", wall_time_s(loop)))
            return
        started_s = loop.time()
        ticket = Ticket(
            name=call.listed,
            model=call.model,
            options=launch_options(self._spec, call.model, call.options, shift=call.shift),
            keep_alive_s=call.keep_alive_s,
        )
        state = await self._engine.ready(ticket)
        if state is TicketState.REFUSED:
            raise RequestError(503, QUEUE_FULL)
        if state is TicketState.FAILED:
            raise RequestError(500, _NO_MEMORY)
        try:
            if call.messages:
                await self._speak(call, ticket, started_s, send)
            else:
                await send_json(send, bare(call, "load", wall_time_s(loop)))
        except asyncio.CancelledError:
            self._engine.cancel(ticket)
            raise
        except BaseException:
            self._engine.finish(ticket)
            raise
        self._engine.finish(ticket)

    async def _speak(self, call: Call, ticket: Ticket, started_s: float, send: Send) -> None:
        loop = asyncio.get_running_loop()
        schema, json_mode = call.json_format
        if call.template.count("{{") > call.template.count("}}"):
            raise RequestError(500, "template: :1: unclosed action")
        load_s = loop.time() - started_s + HANDLING_S
        await self._engine.slot(ticket)
        request = Generation(
            model=call.listed,
            messages=call.messages,
            schema=schema,
            json_mode=json_mode,
            seed=call.seed,
            num_predict=call.num_predict,
            options=call.options,
        )
        assert ticket.runner is not None  # it has a slot
        said = speech(
            self._answerer.answer(request),
            call.model,
            slowdown=ticket.runner.placement.slowdown(call.model),
            limit=call.num_predict,
            num_ctx=ticket.options.num_ctx,
        )
        if call.stream:
            await self._stream(call, said, send)
        else:
            await asyncio.sleep(HANDLING_S + said.overhead_s + said.prefill_s + said.decode_s)
        await self._end(call, said, send, total_s=loop.time() - started_s, load_s=load_s)

    async def _stream(self, call: Call, said: Speech, send: Send) -> None:
        """Every token in its moment; moments are counted from the start, so that lateness does not add up."""
        loop = asyncio.get_running_loop()
        prefilled_s = loop.time() + HANDLING_S + said.overhead_s + said.prefill_s
        for count, piece in enumerate(said.pieces, start=1):
            await asyncio.sleep(prefilled_s + count * said.token_s - loop.time())
            if count == 1:
                await start_lines(send)
            if piece:
                line: dict[str, Json] = {**part(call, piece, wall_time_s(loop)), "done": False}
                if call.logprobs is not None:
                    line["logprobs"] = logprobs((piece,), call.logprobs)
                await send_line(send, line)

    async def _end(self, call: Call, said: Speech, send: Send, *, total_s: float, load_s: float) -> None:
        wall_s = wall_time_s(asyncio.get_running_loop())
        text = "" if call.stream else said.text
        if said.reason is None:
            if call.stream:
                await end_lines(send)
            else:
                await send_json(send, {**part(call, text, wall_s), "done": False})
            return
        figures = Figures(
            total_s=total_s,
            load_s=load_s,
            prompt_tokens=said.prompt_tokens,
            prefill_s=said.prefill_s,
            completion_tokens=said.tokens,
            decode_s=said.decode_s,
        )
        reply = final(call, text, wall_s, reason=said.reason, figures=figures)
        if call.stream:
            await send_line(send, reply, last=True)
        else:
            if call.logprobs is not None:
                reply["logprobs"] = logprobs(tuple(said.pieces), call.logprobs)
            await send_json(send, reply)
