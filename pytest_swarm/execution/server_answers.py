"""What is known of a server's models: their identities, and the answers that the store has of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import AnswersError
from pytest_swarm.execution.backends import Backend
from pytest_swarm.fields import Json
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import CHAT, ModelIdentity, Question, question_of
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.ollama.client import LEASE_S, OllamaClient
from pytest_swarm.ollama.messages import ChatRequest, chat_body


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerAnswers:
    """The answers of the models that a run asks.

    Attributes:
        store: Where the answers are.
        models: Full tag -> the model as the server has it now.
        timeout_s: The time limit of a call; a call that was given up earlier is not known.
    """

    store: AnswerStore
    models: Mapping[str, ModelIdentity]
    timeout_s: float
    _cache: dict[str, StoredAnswer] = field(default_factory=dict, init=False, repr=False)

    def model(self, tag: str) -> ModelIdentity | None:
        """Return the model of a tag; None where the server has none."""
        return self.models.get(full_tag(tag))

    def question(self, path: str, body: Mapping[str, Json]) -> Question | None:
        """Return the question of a request; None where it names no model of the server.

        Args:
            path: The path of the request.
            body: Its JSON body.
        """
        tag = body.get("model")
        model = self.model(tag) if isinstance(tag, str) else None
        return None if model is None else question_of(path, body, model)

    def question_of_chat(self, request: ChatRequest) -> Question | None:
        """Return the question of a chat that the client may send; None where it names no model of the server."""
        return self.question(CHAT, chat_body(request, keep_alive=LEASE_S, truncate=True))

    def answer(self, question: Question) -> StoredAnswer | None:
        """Return the answer to a question; None where it must be asked."""
        found = self._cache.get(question.key) or self.store.answer(question)
        if found is None or (found.unanswered_s is not None and found.unanswered_s < self.timeout_s):
            return None
        self._cache[question.key] = found
        return found


def identities(models: Iterable[ModelIdentity]) -> dict[str, ModelIdentity]:
    """Return the models by their full tags; of several of one tag the first."""
    found: dict[str, ModelIdentity] = {}
    for model in models:
        found.setdefault(full_tag(model.tag), model)
    return found


def served_models(inner: Backend) -> tuple[ModelIdentity, ...]:
    """Return the models of a server as it has them now.

    Args:
        inner: The server.

    Raises:
        BackendError: The server does not answer.
        AnswersError: It does not tell the digests of its models.
    """
    found = inner.call(models_at)
    if not found:
        raise AnswersError(
            f"{inner.detail}: tells no digest of a model, so that its answers cannot be told apart; update the server"
        )
    return found


async def models_at(client: OllamaClient) -> tuple[ModelIdentity, ...]:
    """Return the models that a server has now, and that it runs itself.

    Args:
        client: The client of the server.

    Raises:
        BackendError: The server does not answer.
    """
    version, listed = await client.version(), await client.installed()
    return tuple(
        ModelIdentity(tag=model.tag, digest=model.digest, server=version)
        for model in listed
        if model.digest is not None and model.remote_host is None
    )


def stored_models(store: AnswerStore, needed: Iterable[str]) -> tuple[ModelIdentity, ...]:
    """Return the models of a store as they were seen last.

    Args:
        store: The answers.
        needed: The tags that must be there.

    Raises:
        AnswersError: A model was never seen.
    """
    found = identities(seen.model for seen in store.seen())
    missing = [tag for tag in needed if full_tag(tag) not in found]
    if missing:
        raise AnswersError(
            f"answers {store.path}: holds nothing of {', '.join(missing)}; measure without --swarm-offline first"
        )
    return tuple(found.values())
