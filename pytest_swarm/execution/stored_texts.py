"""The texts and times that a simulated server takes from measured answers, and the figures that were used for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_swarm.domain.prompt_speed import is_stalled
from pytest_swarm.domain.text_tokens import decode_steps, tokens_by_length
from pytest_swarm.execution.played_world import ModelFigures, PlayedWorld
from pytest_swarm.ollama.answers.questions import ModelIdentity, Question
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest

_ENDLESS: Final = 1000.0  # times its time limit: the reply of a call that was given up


class UsedFigures:
    """The figures that a case was played with, so that it can be told whether others would change it.

    Args:
        world: Returns the measured server as it is known at the moment.
    """

    def __init__(self, world: Callable[[], PlayedWorld]) -> None:
        self._world = world
        self._values: dict[tuple[str, str], object] = {}

    @property
    def world(self) -> PlayedWorld:
        """The measured server as it is known at the moment."""
        return self._world()

    def use(self, digest: str, *names: str) -> None:
        """Note that figures of a model were used.

        Args:
            digest: The digest of the model's file.
            names: The names of the figures.
        """
        for name in names:
            self._values.setdefault((digest, name), self.world.figure(digest, name))

    def same_in(self, world: PlayedWorld) -> bool:
        """Return whether a measured server has the same figures."""
        return all(world.figure(*key) == value for key, value in self._values.items())


class StoredTextGenerator:
    """Gives the simulated server the measured answers, by the key that stands in place of a prompt."""

    def __init__(self, figures: UsedFigures) -> None:
        self.figures = figures
        self.stalled_s: dict[str, float] = {}
        """The seconds that prompts which stalled took beyond those that they are played with, by the question's key."""
        self._answers: dict[str, tuple[ModelIdentity, StoredAnswer]] = {}

    def put(self, question: Question, answer: StoredAnswer) -> None:
        """Keep an answer for the request that follows."""
        self._answers[question.key] = question.model, answer

    def prompt_tokens(self, request: GenerationRequest) -> int:
        """Return the tokens of the prompt as the real server counted them."""
        return max(1, self._answer(request)[1].prompt_tokens or 1)

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """Return the measured text with the times of the call when it ran alone."""
        model, answer = self._answer(request)
        figures = self.figures.world.models[model.digest]
        self.figures.use(model.digest, "slowest_prompt_tokens_per_s")
        stalled = _stalled(answer, figures)
        disturbed = bool(answer.cached or answer.beside or stalled)
        if disturbed:
            names = ("prefill_tokens_per_s", "decode_tokens_per_s", "overhead_s")
            self.figures.use(model.digest, *names)
        tokens = answer.completion_tokens or max(1, round(tokens_by_length(answer.text)))
        prefill_s = _prefill_s(answer, figures, disturbed=disturbed)
        if stalled:
            self.stalled_s[request.messages[-1]["content"]] = (answer.prefill_s or 0.0) - prefill_s
        return GeneratedText(
            text=answer.text,
            completion_tokens=tokens,
            prefill_s=prefill_s,
            decode_s=_decode_s(answer, figures, tokens),
            overhead_s=(figures.overhead_s or 0.0) if answer.overhead_s is None else answer.overhead_s,
            verbatim=True,
            reason=answer.done_reason if answer.done_reason != "repeat" else None,
            thinking=answer.thinking,
        )

    def _answer(self, request: GenerationRequest) -> tuple[ModelIdentity, StoredAnswer]:
        return self._answers[request.messages[-1]["content"]]


def _stalled(answer: StoredAnswer, figures: ModelFigures) -> bool:
    """Return whether the server took far longer than usual to read the prompt, which no other case would meet."""
    tokens, seconds = answer.prompt_tokens or 0, answer.prefill_s or 0.0
    return is_stalled(tokens, seconds, slowest=figures.slowest_prompt_tokens_per_s)


def _prefill_s(answer: StoredAnswer, figures: ModelFigures, *, disturbed: bool) -> float:
    """Return how long a prompt takes to read: by the model's speed where the call was not read alone and in full."""
    if disturbed and figures.prefill_tokens_per_s and answer.prompt_tokens:
        return answer.prompt_tokens / figures.prefill_tokens_per_s
    return answer.prefill_s or 0.0


def _decode_s(answer: StoredAnswer, figures: ModelFigures, tokens: int) -> float:
    """Return how long a reply takes: by the model's speed where other calls ran beside it."""
    if answer.unanswered_s is not None:
        return answer.unanswered_s * _ENDLESS
    if answer.beside and figures.decode_tokens_per_s:
        return decode_steps(tokens) / figures.decode_tokens_per_s
    return (answer.total_s or 0.0) if answer.decode_s is None else answer.decode_s
