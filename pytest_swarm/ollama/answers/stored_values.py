"""Values of the answer store: answers with their times, loads with their footprints, speeds of several calls at once.

Each value knows where and when it was measured. None = not measured.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Seconds: TypeAlias = Annotated[float, Meta(ge=0.0)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]


class StoredAnswer(Struct, frozen=True, kw_only=True):
    """A reply to a question, as the server reported it.

    Attributes:
        text: The text of the reply; model output, so untrusted.
        kind: What the question was for: the type of a task, `planner` or `judge`.
        task: The ID of the task, empty for a planner and a judge.
        measured_ts_ms: When it was measured, in milliseconds since 1970.
        site: The server that was asked, without credentials.
        thinking: What the model wrote before the text; None where it wrote none.
        done_reason: Why the text ended; None for a text that the server stopped without a reason.
        prompt_tokens: Tokens of the prompt as the server counted them.
        completion_tokens: Tokens of the reply.
        total_s: Seconds of the whole call by the server's clock.
        load_s: Seconds until the model was ready.
        prefill_s: Seconds of the prompt.
        decode_s: Seconds of the reply.
        beside: Other calls that ran at the same time.
        cached: Whether an earlier prompt of the same loaded model began alike, so that `prefill_s` is too short.
        client_s: Seconds of the call by the client's clock beyond `total_s`: the client's own, and the way there.
        unanswered_s: The call was given up after so many seconds, without a reply; None for every other answer.
    """

    text: str
    kind: str
    measured_ts_ms: float
    site: str
    task: str = ""
    thinking: str | None = None
    done_reason: str | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_s: Seconds | None = None
    load_s: Seconds | None = None
    prefill_s: Seconds | None = None
    decode_s: Seconds | None = None
    beside: Count = 0
    cached: bool = False
    client_s: Seconds | None = None
    unanswered_s: Seconds | None = None

    @property
    def overhead_s(self) -> float | None:
        """Seconds that the call took besides load, prefill and decode; None where the server did not report them."""
        if self.total_s is None or self.beside:
            return None
        return max(0.0, self.total_s - (self.load_s or 0.0) - (self.prefill_s or 0.0) - (self.decode_s or 0.0))


class LoadSample(Struct, frozen=True, kw_only=True, tag="load"):
    """One load of a model, and its footprint afterwards.

    Attributes:
        digest: The digest of the model's file.
        server: The version of the server.
        site: The server that was asked, without credentials.
        measured_ts_ms: When, in milliseconds since 1970.
        load_s: Seconds of the load by the client's clock.
        num_ctx: The context that it was loaded with, in tokens.
        size_bytes: Its size in memory.
        size_vram_bytes: The part of it on the GPU.
        list_s: Seconds of the request that listed the resident models afterwards; None = not measured.
        first: Whether it was the first load by its process, so that the file may have come from the disk.
    """

    digest: str
    server: str
    site: str
    measured_ts_ms: float
    load_s: Seconds
    num_ctx: Count
    size_bytes: Count
    size_vram_bytes: Count
    first: bool = False
    list_s: Seconds | None = None


class SpeedSample(Struct, frozen=True, kw_only=True, tag="speed"):
    """Several equal calls of one model at once.

    Attributes:
        digest: The digest of the model's file.
        server: The version of the server.
        site: The server that was asked, without credentials.
        measured_ts_ms: When, in milliseconds since 1970.
        at_once: How many calls were sent at the same time.
        running: How many of them ran at the same time; the others waited for a slot.
        decode_tokens_per_s: The decode speed of one of those that ran together.
        alone_tokens_per_s: The decode speed of the same call alone.
    """

    digest: str
    server: str
    site: str
    measured_ts_ms: float
    at_once: Count
    running: Count
    decode_tokens_per_s: Seconds
    alone_tokens_per_s: Seconds


Sample: TypeAlias = LoadSample | SpeedSample
