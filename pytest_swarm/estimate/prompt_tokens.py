"""Prompt tokens: estimated before a chat is sent, and compared with what the server says that it read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.text_tokens import text_tokens

TEMPLATE_TOKENS: Final = 30  # a chat template, with the system prompt that many models bring along
MESSAGE_TOKENS: Final = 6  # the marks around one message
ACTUAL_OVER_ESTIMATE: Final = 1.5
"""Most tokens per estimated token of common text in the Latin script. Measured over 103 prompts of SmolLM2 and Gemma 3
on a server: 0.68 to 1.46. Languages in this script that a tokenizer hardly knows have up to 2.7, base64 up to 3.1."""

_CUT_SLACK: Final = 4  # the server keeps 4 tokens of the beginning, and one more where the model has a BOS
_WELL_BELOW: Final = 0.6  # below the least that was measured
_UNBROKEN: Final = re.compile(r"[!-~]{32,}")  # what a vocabulary may lack: base64, and other scripts
_SPLIT_TO_BYTES: Final = re.compile(rf"[^\x00-\x7f]+|{_UNBROKEN.pattern}")


class PromptSize(NamedTuple):
    """Tokens of a prompt before it is sent: as estimated, and the most that it may be expected to have."""

    estimated: int
    most: int


def prompt_size(messages: Sequence[Message]) -> PromptSize:
    """Return the size of a chat: the tokens of `prompt_tokens`, and 1.5 times these and more for rare text.

    That is every character beyond ASCII, and ASCII of 32 characters or more without a blank. A tokenizer that lacks a
    script cuts its characters into bytes, three times the estimate: half of the bytes are added to 1.5 times of it.
    """
    estimated = prompt_tokens(messages)
    rare_bytes = sum(_rare_bytes(each["content"]) for each in messages)
    return PromptSize(estimated, math.ceil(estimated * ACTUAL_OVER_ESTIMATE + rare_bytes / 2))


@lru_cache(maxsize=1024)  # a prompt is sized in each step until it is sent
def _rare_bytes(text: str) -> int:
    rare = (_UNBROKEN if text.isascii() else _SPLIT_TO_BYTES).findall(text)
    return sum(len(found.encode("utf-8", "surrogatepass")) for found in rare)


def prompt_tokens(messages: Sequence[Message]) -> int:
    """Return the estimated tokens of a chat: 30 + sum over messages of (6 + tokens of its content).

    The content's are those of `text_tokens`. How far off the sum is: see `ACTUAL_OVER_ESTIMATE`.
    """
    return round(TEMPLATE_TOKENS + sum(MESSAGE_TOKENS + text_tokens(each["content"]) for each in messages))


def was_cut(*, reported: int | None, messages: Sequence[Message], num_ctx: int) -> bool | None:
    """Return whether the server cut a prompt; None where it does not say how much it read.

    Ollama cuts a prompt of num_ctx tokens or more in the middle, to num_ctx - (num_ctx - keep) / 2 tokens with a `keep`
    of 4 or 5, and says nothing but this count. So a count of just above half of num_ctx is a cut, unless the prompt
    cannot have num_ctx tokens (`prompt_size`). A count of num_ctx is one too, and one well below an estimate
    over num_ctx.

    Args:
        reported: The server's `prompt_eval_count`.
        messages: The prompt.
        num_ctx: The context of the request in tokens.
    """
    if reported is None:
        return None
    half = num_ctx // 2
    at_half = half < reported <= half + _CUT_SLACK and prompt_size(messages).most >= num_ctx
    if at_half or reported >= num_ctx:
        return True
    estimated = prompt_tokens(messages)
    return estimated >= num_ctx and reported < _WELL_BELOW * estimated
