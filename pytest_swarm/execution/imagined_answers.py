"""Answers that nobody has measured, imagined to tell what measuring would cost: nothing of them is ever reported.

An imagined answer has the length that the task estimates and the speed that the fleet states. A planner's chooses as
the simulated planner does. Each text names its question, so that what follows from it is a question of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.placeholders import fill
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.domain.text_tokens import decode_steps, tokens_by_length
from pytest_swarm.execution.played_world import ModelFigures, PlayedWorld
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.ollama.answers.questions import ModelIdentity, Question
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.planner_problem import find_problem
from pytest_swarm.units import BYTES_PER_GB

_IMAGINED: Final = "imagined answer "
NO_LIMIT_S: Final = 1e9  # time limit of an imagined call: there is no reason to give one up
USUAL_TOKENS_PER_S: Final = 50.0  # of a model whose speed nobody stated: between a 2B and a 14B model on one GPU
_PREFILL_TOKENS_PER_S: Final = 2000.0
_OVERHEAD_S: Final = 0.2
_LOAD_S: Final = 4.0
_USUAL_TOKENS: Final = 150
_CONTEXT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImaginedAnswers(ServerAnswers):
    """The answers of a store, and imagined ones for the rest.

    Attributes:
        world: The speeds of the models.
        tokens: Prompt of a task -> tokens that it estimates.
        imagined: The questions that the store lacks, by key, with what was imagined.
    """

    world: ImaginedWorld
    tokens: dict[str, int] = field(default_factory=dict)
    imagined: dict[str, tuple[Question, StoredAnswer]] = field(default_factory=dict)

    def register(self, graph: TaskGraph) -> None:
        """Note the lengths that the tasks of a graph estimate."""
        self.tokens.update({fill(task.prompt, {}): task.estimated_tokens for task in graph.tasks})

    def answer(self, question: Question) -> StoredAnswer:
        """Return the stored answer, else an imagined one."""
        found = ServerAnswers.answer(self, question)
        if found is not None:
            return found
        known = self.imagined.get(question.key)
        if known is None:
            known = question, self._imagine(question)
            self.imagined[question.key] = known
        return known[1]

    def _imagine(self, question: Question) -> StoredAnswer:
        figures = self.world.models[question.model.digest]
        prompt_tokens = math.ceil(tokens_by_length(question.prompt))
        text = _planned(question) or f"{_IMAGINED}{question.key[:16]}"
        estimated = self.tokens.get(question.last_message, _USUAL_TOKENS)
        completion_tokens = max(1, estimated - prompt_tokens, math.ceil(tokens_by_length(text)))
        prefill_s = prompt_tokens / (figures.prefill_tokens_per_s or _PREFILL_TOKENS_PER_S)
        decode_s = decode_steps(completion_tokens) / (figures.decode_tokens_per_s or USUAL_TOKENS_PER_S)
        return StoredAnswer(
            text=text,
            kind="imagined",
            measured_ts_ms=0.0,
            site="",
            done_reason="stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_s=prefill_s + decode_s + (figures.overhead_s or _OVERHEAD_S),
            prefill_s=prefill_s,
            decode_s=decode_s,
        )


def is_imagined(answer: str | None) -> bool:
    """Whether the answer to a task, in a case that was played on imagined answers, is such a one."""
    return (answer or "").startswith(_IMAGINED)


def _planned(question: Question) -> str | None:
    """Return a planner's answer to a routing problem; None for any other question."""
    from pytest_swarm.simulator.models.profile_types import PlannerProfile
    from pytest_swarm.simulator.models.simulated_planner import plan_text

    problem = find_problem(question.last_message)
    if problem is None:
        return None
    return plan_text(problem, PlannerProfile(), stable_rng("imagined", question.key), constrained=True)[0]


class ImaginedWorld(PlayedWorld):
    """A measured server that has a figure for everything."""

    __slots__ = ()

    def knows(self, digest: str, num_ctx: int) -> bool:  # noqa: ARG002 - the base's
        """Return True: what was not measured is assumed."""
        return True


def imagined_world(measured: PlayedWorld, models: Mapping[str, ModelIdentity], fleet: Fleet) -> ImaginedWorld:
    """Return a server with measured figures where there are any, else with those of the fleet file.

    Args:
        measured: What was measured.
        models: Full tag -> the model.
        fleet: The fleet, with footprints and load times.
    """
    stated = {full_tag(model.tag): model for model in fleet}
    assumed = {model.digest: _assumed(stated.get(tag)) for tag, model in models.items()}
    return ImaginedWorld(
        models={**assumed, **measured.models}, num_parallel=measured.num_parallel, gpu_bytes=measured.gpu_bytes
    )


def _assumed(model: Model | None) -> ModelFigures:
    if model is None:
        return ModelFigures(load_s=_LOAD_S, footprints={_CONTEXT: 1})
    return ModelFigures(
        load_s=model.load_time_ms / 1000.0,
        footprints={_CONTEXT: round(model.vram_gb * BYTES_PER_GB)},
        prefill_tokens_per_s=model.prefill_tokens_per_s,
        decode_tokens_per_s=model.decode_tokens_per_s,
    )


def unmeasured_models(tags: tuple[str, ...]) -> dict[str, ModelIdentity]:
    """Return models of a server that is not asked."""
    return {full_tag(tag): ModelIdentity(tag=tag, digest=f"unmeasured {full_tag(tag)}", server="") for tag in tags}
