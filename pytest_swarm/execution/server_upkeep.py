"""Upkeep of a real server between cases: what is resident and installed there, and leaving it as it was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.replaced_models import ReplacedModels
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.server_answers import identities, models_at
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.messages import ListedModel, ResidentEntry

_RUN_AGAIN: Final = "jobs of both would be mixed: run again from the start"


class ServerUpkeep:
    """Calls to the server of a backend that belong to no case, each on a connection of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.restoration = Restoration()
        self._replaced: ReplacedModels | None = None

    def look(self) -> tuple[ResidentEntry, ...]:
        """Return what was resident on a real server before the first case; BackendError where it does not answer.

        Nothing on a server in this process, which ends with its connection.
        """
        if self.backend.live:
            self.backend.call(self.restoration.look)
        return self.restoration.found or ()

    def resident_now(self) -> tuple[ResidentEntry, ...]:
        """Return what is resident on a real server; BackendError where it does not answer."""
        return self.backend.call(lambda client: client.resident_entries())

    def installed_now(self) -> tuple[ListedModel, ...]:
        """Return the models that a real server has installed; BackendError where it does not answer."""
        return self.backend.call(lambda client: client.installed())

    @property
    def began(self) -> tuple[ModelIdentity, ...]:
        """The models of the server as they were at the first `watch_models`; none before it."""
        return () if self._replaced is None else self._replaced.began

    @property
    def has_changed(self) -> bool:
        """Whether a model of the server is another one than at the first `watch_models`, as far as the last one saw."""
        return self._replaced is not None and bool(self._replaced.tags)

    def begin_with(self, models: Iterable[ModelIdentity]) -> None:
        """Compare with the models that another process of the run began with, where it knows them."""
        began = identities(models)
        if began and self._replaced is None:
            self._replaced = ReplacedModels(began, advice=_RUN_AGAIN)

    def watch_models(self) -> ReplacedModels | None:
        """Return which models of a real server are others than at the first call; None where that cannot be told.

        A tag says nothing about its file, so a model can be replaced while a run goes on.
        """
        if not self.backend.live:
            return None
        try:
            if self._replaced is None:
                began = identities(self.backend.call(models_at))
                self._replaced = ReplacedModels(began, advice=_RUN_AGAIN)
            else:
                self.backend.call(self._replaced.look)
        except BackendError:  # the cases themselves report a server that does not answer
            return self._replaced
        return self._replaced

    def restore(self, *, loaded: bool = False) -> tuple[str, ...]:
        """Leave a real server as it was found; a sentence for what was not restored.

        Args:
            loaded: Leave the models of the run loaded, and put nothing back.
        """
        if not self.backend.live or self.restoration.found is None:
            return ()
        restoration, self.restoration = self.restoration, Restoration()
        return self.backend.call(lambda client: restoration.restore(client, loaded=loaded))
