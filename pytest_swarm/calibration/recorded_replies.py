"""Recorded answers of a profile: for each distinct request, the reply that the model gave most often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.metrics.facts import mean_of_known, median_of_known
from pytest_swarm.ollama.replies import REPEAT
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer, request_key

_LEAST_SHARE: Final = 0.5  # of a prompt: with less, prefill is mostly what each call costs


def recorded_answers(chats: Iterable[RecordedChat]) -> tuple[RecordedAnswer, ...]:
    """Return one answer for each distinct request of one model, in the order in which they were first asked.

    Of several texts the most frequent counts, of equally frequent ones the first. Times are means of its calls, which
    predict sums also where the machine's speed drifts: that of prefill for the whole prompt, over the calls that
    evaluated at least half of it. A reply without its token counts counts only where the server ended it because it
    repeats itself.
    """
    groups: dict[str, list[RecordedChat]] = defaultdict(list)
    for chat in chats:
        if chat.reply.done_reason == REPEAT or (chat.reply.prompt_tokens and chat.reply.completion_tokens):
            key = request_key(chat.model, chat.messages, form=chat.form, options=chat.exchange.options)
            groups[key].append(chat)
    return tuple(_answer(key, group) for key, group in groups.items())


def _answer(key: str, chats: list[RecordedChat]) -> RecordedAnswer:
    text = Counter(chat.reply.text for chat in chats).most_common(1)[0][0]
    same = [chat for chat in chats if chat.reply.text == text]
    reply = same[0].reply
    return RecordedAnswer(
        model=chats[0].model,
        request=key,
        text=text,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        repeats=reply.done_reason == REPEAT,
        prefill_s=mean_of_known(map(_whole_prefill_s, same)),
        decode_s=mean_of_known(chat.reply.decode_s for chat in same),
        overhead_s=median_of_known(chat.usual_overhead_s for chat in same),
    )


def _whole_prefill_s(chat: RecordedChat) -> float | None:
    """Return the seconds of prefill without a cache; None where too little was evaluated to tell."""
    share = (chat.tokens_read or 0) / (chat.reply.prompt_tokens or 1)
    return None if chat.reply.prefill_s is None or share < _LEAST_SHARE else chat.reply.prefill_s / share
