"""Notices models that a server has replaced since a run began, so that no answer is kept under the file of another.

A tag says nothing about its file: only the list of models before and after a call tells which file has answered it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pytest_swarm.domain.limits import short_digests
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.execution.server_answers import models_at
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.client import OllamaClient

MEASURE_AGAIN: Final = "run again, and what is lacking is asked of the model that is there then"


class ReplacedModels:
    """The models of a run that their server does not have any more as they were at its start.

    A model that was replaced once counts as replaced for the rest of the run, also where it comes back.

    Args:
        began: Full tag -> the model as it was at the start of the run.
        advice: What to do about it.
    """

    def __init__(self, began: Mapping[str, ModelIdentity], *, advice: str = MEASURE_AGAIN) -> None:
        self._began = began
        self._advice = advice
        self._reasons: dict[str, str] = {}
        self.lost: dict[str, int] = {}
        """Full tag -> answers and loads that were not kept, because the model was replaced."""

    @property
    def began(self) -> tuple[ModelIdentity, ...]:
        """The models as they were at the start of the run."""
        return tuple(self._began.values())

    async def look(self, client: OllamaClient) -> None:
        """Ask a server for its models, and note those that are others than at the start.

        Args:
            client: The client of the server.

        Raises:
            BackendError: The server does not answer.
        """
        now = {full_tag(model.tag): model for model in await models_at(client)}
        for key, before in self._began.items():
            reason = _difference(before, now.get(key), self._advice)
            if reason is not None:
                self._reasons.setdefault(key, reason)

    async def keeps(self, client: OllamaClient, model: ModelIdentity) -> bool:
        """Return whether what a model has just done is certain to be its own; what is not is counted.

        Args:
            client: The client of the server.
            model: The model that was called.

        Raises:
            BackendError: The server does not answer.
        """
        await self.look(client)
        key = full_tag(model.tag)
        if key not in self._reasons:
            return True
        self.lost[key] = self.lost.get(key, 0) + 1
        return False

    def reason(self, model: ModelIdentity) -> str | None:
        """Return what happened to a model and what to do, in one sentence; None where it is as it was."""
        return self._reasons.get(full_tag(model.tag))

    def reason_of(self, tags: Iterable[str]) -> str | None:
        """Return what happened to the first of several models that is not as it was; None where all are."""
        found = (self._reasons.get(full_tag(tag)) for tag in tags)
        return next((reason for reason in found if reason is not None), None)

    @property
    def tags(self) -> frozenset[str]:
        """The full tags of the models that are others now."""
        return frozenset(self._reasons)

    def remarks(self) -> list[str]:
        """Return a sentence for each change of the server, with how much was not kept for it."""
        lost: dict[str, int] = {}
        for key, reason in sorted(self._reasons.items()):
            lost[reason] = lost.get(reason, 0) + self.lost.get(key, 0)
        return [f"{reason}{_not_kept(count)}" for reason, count in lost.items()]


def _not_kept(count: int) -> str:
    kept = f"; {count} {'reply was' if count == 1 else 'replies were'} not kept" if count else ""
    return f"{kept}; what was played before is of the model at the start"


def _difference(before: ModelIdentity, now: ModelIdentity | None, advice: str) -> str | None:
    """Return how a model differs from what it was, and what to do; None where it does not."""
    if now is None:
        return f"{before.tag} was removed from the server during this run; pull it, and run again"
    if now.digest != before.digest:
        was, digest = short_digests(before.digest, now.digest)
        return f"{before.tag} was replaced on the server during this run (digest {was} before, {digest} now); {advice}"
    if now.server != before.server:
        return f"the server changed from version {before.server} to {now.server} during this run; {advice}"
    return None
