"""The gate of one case: requests that wait for an answer or for a model's figures, in the order they were sent.

While one waits, the case's time stands still, and later requests wait behind it. So a case that goes on when the answer
is there is the same as one that had it from the beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pytest_swarm.ollama.answers.questions import ModelIdentity, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNeed:
    """An answer that nobody has: the question, what it is for (`kind`), the task, and the job."""

    question: Question
    kind: str
    task: str
    job: str

    @property
    def model(self) -> ModelIdentity:
        """The model to ask."""
        return self.question.model

    @property
    def num_ctx(self) -> int | None:
        """The context in tokens; None = the server's default."""
        return self.question.num_ctx

    @property
    def identity(self) -> str:
        """What makes two needs one."""
        return self.question.key

    @property
    def label(self) -> str:
        """Such as `the answer of phi4:14b to task 'sum'`."""
        what = f"to task {self.task!r}" if self.task else f"as {self.kind}"
        return f"the answer of {self.model.tag} {what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadNeed:
    """A load that nobody has timed, of a model with a context in tokens."""

    model: ModelIdentity
    num_ctx: int

    @property
    def identity(self) -> str:
        """What makes two needs one."""
        return f"load {self.model.digest} {self.model.server} {self.num_ctx}"

    @property
    def label(self) -> str:
        """Such as `the load of phi4:14b`."""
        return f"the load of {self.model.tag}"


Need: TypeAlias = AnswerNeed | LoadNeed
Missing: TypeAlias = Callable[[], tuple[Need, ...]]


class AnswerGate:
    """Lets the requests of a case pass in their order, as soon as nothing is missing for them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Missing, asyncio.Future[None]]] = []
        self.foreseen: dict[str, Need] = {}
        """What the case will need next, by identity."""

    @property
    def closed(self) -> bool:
        """Whether a request waits."""
        return bool(self._waiting)

    async def passage(self, missing: Missing) -> None:
        """Return when nothing is missing for a request, by what `missing` returns, and no earlier one waits."""
        if not self._waiting and not missing():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((missing, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._waiting = [each for each in self._waiting if each[1] is not turn]
            raise

    def needs(self) -> tuple[Need, ...]:
        """Return what is missing for all requests that wait, and what the case will need next, each once."""
        found = {need.identity: need for missing, _ in self._waiting for need in missing()}
        return tuple(({**found, **self.foreseen}).values())

    def open(self) -> bool:
        """Let the requests pass for which nothing is missing any more; return whether the first one does."""
        passed = False
        while self._waiting and not self._waiting[0][0]():
            _, turn = self._waiting.pop(0)
            passed = True
            if not turn.done():
                turn.set_result(None)
        if passed:
            self.foreseen.clear()
        return passed
