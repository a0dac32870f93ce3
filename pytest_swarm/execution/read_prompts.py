"""Which questions a server has read in full: not those whose beginning it had in its prompt cache.

Which beginnings are reused depends on the model (`simulator/server/prefix_cache.py`). Here every common one counts,
because a prefill that is taken for whole although it was not makes the model look faster than it is.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.ollama.answers.questions import Question
from pytest_swarm.simulator.server.prefix_cache import CachedPrompt, PrefixCache, PrefixReuse

_LEAST_SHARE: Final = 0.1  # of a prompt: what is reused of less changes its prefill by less than repeats differ
_PARTS: Final = 1000  # in which a prompt is counted, whose tokens are known after the reply only


class ReadPrompt:
    """A question that a model reads. `cached` tells whether a part was reused that counts."""

    def __init__(self, prompt: CachedPrompt) -> None:
        self._prompt = prompt
        self.cached = prompt.evaluated < (1.0 - _LEAST_SHARE) * _PARTS

    def end(self, answer: str) -> None:
        """Add the answer, which stays in the cache behind the question."""
        self._prompt.end(answer)


class ReadPrompts:
    """The prompt caches of the models of one server, by a name for each.

    Args:
        slots: Calls that are sent at a time.
    """

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._caches: dict[object, PrefixCache] = {}

    def load(self, model: object) -> None:
        """Forget the prompts of a model, which was loaded anew."""
        self._caches.pop(model, None)

    def read(self, model: object, question: Question) -> ReadPrompt:
        """Return the question as the model reads it now; its owner calls `end` with the answer.

        Args:
            model: What names the model, or one residency of it.
            question: The question.
        """
        cache = self._caches.setdefault(model, PrefixCache(self._slots, PrefixReuse.ANY))
        return ReadPrompt(cache.read(_messages(question), _PARTS))


def _messages(question: Question) -> list[Message]:
    """Return what the model reads: the messages of a chat, or a prompt."""
    rows = question.asked.get("messages")
    found: list[Message] = [
        {"role": str(row.get("role") or ""), "content": str(row.get("content") or "")}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
    if "prompt" in question.asked:
        found.append({"role": "user", "content": str(question.asked["prompt"] or "")})
    return found
