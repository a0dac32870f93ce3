"""The text of an answer that is read: of its first turn, outside of thinking, and limited in length.

Thinking is marked by tags (<think>, <thinking>, <thought>, <reasoning>, [THINK], in any case) or by the channels of the
harmony format (`<|channel|>analysis<|message|>...`), also with their special tokens stripped by the server.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.kept_answers import once_of_text
from pytest_swarm.scoring.plain_text import with_short_gaps

MAX_ANSWER_CHARS: Final = 200_000  # far above any real answer; keeps every scorer's time bounded
_NAMES: Final = r"(?:think|thinking|thought|thoughts|reasoning)"
_OPEN: Final = re.compile(rf"<{_NAMES}>|\[THINK\]|◁think▷", re.IGNORECASE)
_CLOSE: Final = re.compile(rf"</{_NAMES}>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_FINAL_CHANNEL: Final = re.compile(r"<\|channel\|>final(?: [^<]{0,80})?<\|message\|>")
_ANY_CHANNEL: Final = re.compile(r"<\|channel\|>(?:analysis|commentary)")
_END_OF_MESSAGE: Final = re.compile(r"<\|(?:end|return|start|call)\|>")
_TURN: Final = (
    r"(?:<\|(?:im_end|im_start|eot_id|eom_id|end|user|endoftext|end_of_text|start_header_id)\|>|<(?:end|start)_of_turn>"
    r"|<\uff5cend▁of▁sentence\uff5c>|\[INST\]|</s>(?=\s*(?:\Z|<s>|\[INST\])))"
)
_END_OF_TURN: Final = re.compile(rf"(?<![\"'`]){_TURN}|{_TURN}(?![\"'`])")  # in quotes it is what a text speaks of
_STRIPPED_ANALYSIS: Final = "analysis"
_STRIPPED_FINAL: Final = "assistantfinal"


@once_of_text(kept=256)  # it is read, scored and counted one after the other
def readable(answer: str) -> str:
    """Return the part of an answer that counts: the first turn without thinking, its last MAX_ANSWER_CHARS."""
    return with_short_gaps(without_thinking(_first_turn(answer))[-MAX_ANSWER_CHARS:].strip())


def without_thinking(answer: str) -> str:
    """Return what a model says outside of its thinking, without surrounding space.

    Everything up to the last closing tag is thinking, also where the opening tag is missing (some chat templates put
    it into the prompt). Where nothing follows that tag, the text around the thinking is the answer. Thinking that
    starts the text and never ends leaves nothing: the model did not come to an answer.
    """
    text = _final_channel(answer)
    closings = list(_CLOSE.finditer(text))
    if closings:
        after = text[closings[-1].end() :].strip()
        if after:
            return _before_open_thinking(after)
        first = _OPEN.search(text)
        return "" if first is None or first.start() > closings[-1].start() else text[: first.start()].strip()
    return _before_open_thinking(text.strip())


def handed_on(answer: str, *, whole: bool) -> str:
    """Return what later tasks get of an answer: without the thinking, unless `whole`.

    Without any thinking, the answer goes on to the letter: space is a part of the recorded requests.
    """
    without = without_thinking(answer)
    return answer if whole or without == answer.strip() else without


def _first_turn(answer: str) -> str:
    """The text before the token that ends the model's turn, where the server left it in; all of harmony's messages."""
    if _ANY_CHANNEL.search(answer) or _FINAL_CHANNEL.search(answer):
        return answer
    ends = (match.start() for match in _END_OF_TURN.finditer(answer))
    return next((said for end in ends if (said := answer[:end]).strip()), answer)


def _before_open_thinking(text: str) -> str:
    """The text, or nothing where it begins with thinking that never ends."""
    return "" if _OPEN.match(text) else text


def _final_channel(text: str) -> str:
    """The last message of harmony's final channel; the text itself where it has no channels."""
    finals = list(_FINAL_CHANNEL.finditer(text))
    if finals:
        start = finals[-1].end()
        end = _END_OF_MESSAGE.search(text, start)
        return text[start : len(text) if end is None else end.start()]
    if _ANY_CHANNEL.search(text):
        return ""
    if text.lstrip().startswith(_STRIPPED_ANALYSIS) and _STRIPPED_FINAL in text:
        return text.rpartition(_STRIPPED_FINAL)[2]
    return text
