"""The values of a profile: how the models of a simulated server really perform.

Separate on purpose from the fleet file, which says what a router assumes (docs/simulator.md). `profile` reads these
values from TOML. Every figure of a shipped profile has its source in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import ANY_TYPE, Task
from pytest_swarm.domain.text_tokens import CHARS_PER_TOKEN, text_tokens, tokens_by_length
from pytest_swarm.errors import ProfileError
from pytest_swarm.simulator.models.call_cost import CallCost
from pytest_swarm.simulator.models.imported_answers import ImportedAnswers
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer
from pytest_swarm.simulator.server.faults import Fault
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec

KnownContext: TypeAlias = Literal["any", "none", "wrong"]
KNOWN_CONTEXTS: Final[tuple[KnownContext, ...]] = ("any", "none", "wrong")

POOLED_TASKS: Final = 5.0
"""How many tasks of a type all others of a model weigh as much as, in its accuracy and the length of its answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Probability of a right answer at the reference difficulty, in [0, 1], and the source of the figure."""

    value: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProfile:
    """One model: its specification, and its accuracy per task type (`*`, else neutral, for types without one).

    `plain` and `schema` are the costs of calls without and with a JSON schema. `estimate_per_token` is the length of
    its answers: estimated tokens (`text_tokens`) per token. In its place a profile may give `characters_per_token`.
    Without either a composed text stays as long as it is. `completion_tokens` are measured token counts of answers by
    type, one for each task.
    """

    spec: ModelSpec
    source: str
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    plain: CallCost = field(default_factory=CallCost)
    schema: CallCost = field(default_factory=CallCost)
    characters_per_token: float | None = None
    estimate_per_token: float | None = None
    completion_tokens: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "accuracy", MappingProxyType(dict(self.accuracy)))
        object.__setattr__(self, "completion_tokens", MappingProxyType(dict(self.completion_tokens)))

    def answer_tokens(self, text: str) -> float:
        """Return the tokens of an answer."""
        if self.estimate_per_token is not None:
            return text_tokens(text) / self.estimate_per_token
        return tokens_by_length(text) * CHARS_PER_TOKEN / (self.characters_per_token or CHARS_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOutcome:
    """The measured scores and token counts of one model on one task of a known job, one entry per call.

    `context` "none": measured without parents' outputs, and valid only so; "any": valid in both cases; "wrong":
    measured where a parent's output was wrong, and valid only so. Without scores, only the token counts are known.
    """

    job: str
    task: str
    model: str
    context: KnownContext
    scores: tuple[float, ...]
    completion_tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The rules for everything that was not measured; docs/simulator.md describes each.

    `difficulty_slope`: logits of accuracy lost per step of difficulty above `reference_difficulty`. `partial_share`:
    probability that one part of a partly right answer is right. `error_carryover`: probability that a wrong parent
    output makes the child wrong; `self_contained_carryover`: the same for a task with a score that was measured
    without parents' outputs. `neutral_accuracy`: accuracy of a model without one for the type. `token_spread`: relative
    half-width of the completion tokens of unmeasured tasks, around `completion_tokens` of the type.
    """

    reference_difficulty: float
    difficulty_slope: float
    partial_share: float
    error_carryover: float
    self_contained_carryover: float
    neutral_accuracy: float
    token_spread: float
    completion_tokens: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "completion_tokens", MappingProxyType(dict(self.completion_tokens)))


class Favour(StrEnum):
    """What the simulated planner favors among the models that fit."""

    CAPABILITY = "capability"  # the highest stated quality
    UTILITY = "utility"  # the highest stated utility
    CHEAPEST = "cheapest"  # the lowest stated token cost
    SMALLEST = "smallest"  # the least VRAM
    IN_TURN = "in_turn"  # the models in the order of the list, another one for each task


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerProfile:
    """How the simulated planner answers: what it favors, and the probability of each fault.

    The probabilities are per answer and exclude each other, so their sum is at most 1. `corrects`: probability that a
    second answer, after a refusal, has no fault. `ignores_schema`: answer as without a JSON schema (no structured
    output); only then can an answer be prose or name unknown tasks and models. `runaway_tokens`: length of an answer
    that exceeds any time limit. `thinking_tokens` are decoded before each answer. `ignores_budget`: choose without
    regard to the budget. `answer_tokens` are the tokens of an answer for 1, 2, 3 ... tasks; without them they follow
    from the text.
    """

    favours: Favour = Favour.CAPABILITY
    invalid_json: float = 0.0
    fenced: float = 0.0
    over_budget: float = 0.0
    missing_task: float = 0.0
    duplicate_task: float = 0.0
    unknown_task: float = 0.0
    unknown_model: float = 0.0
    runaway: float = 0.0
    corrects: float = 1.0
    ignores_schema: bool = False
    thinking_tokens: int = 0
    runaway_tokens: int = 100_000
    ignores_budget: bool = False
    answer_tokens: tuple[int, ...] = ()

    def tokens_for(self, tasks: int) -> int | None:
        """Return the tokens of an answer for so many tasks, beyond the last known number by its mean growth.

        None where no number is known.
        """
        known = self.answer_tokens
        if not known:
            return None
        growth = (known[-1] - known[0]) / (len(known) - 1) if len(known) > 1 else known[0]
        return known[tasks - 1] if tasks <= len(known) else round(known[-1] + growth * (tasks - len(known)))

    def __post_init__(self) -> None:
        total = sum(chance for _, chance in self.faults)
        if total > 1 + 1e-9:
            raise ProfileError(f"the planner's chances of failure add up to {total:g}, but must be at most 1")

    @property
    def faults(self) -> tuple[tuple[str, float], ...]:
        """The faults of an answer, with their probabilities."""
        names = ("invalid_json", "fenced", "over_budget", "missing_task", "duplicate_task", "unknown_task")
        return tuple((name, getattr(self, name)) for name in (*names, "unknown_model", "runaway"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile: a server with its models, how well they perform, the planner, and the faults to inject.

    With `measured`, every task has the answers of a table that others measured, and nothing is drawn.
    """

    name: str
    source: str
    server_spec: ServerSpec
    models: tuple[ModelProfile, ...]
    behaviour: Behaviour
    planner: PlannerProfile
    known: tuple[KnownOutcome, ...] = ()
    answers: tuple[RecordedAnswer, ...] = ()
    faults: tuple[Fault, ...] = ()
    measured: ImportedAnswers | None = None
    _answers: Mapping[tuple[str, str], RecordedAnswer] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, ModelProfile] = field(init=False, repr=False, compare=False)
    _known: Mapping[tuple[str, str, str], tuple[KnownOutcome, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {full_tag(each.spec.name): each for each in self.models}
        known: dict[tuple[str, str, str], tuple[KnownOutcome, ...]] = {}
        for row in self.known:
            if full_tag(row.model) not in by_name:
                raise ProfileError(
                    f"profile {self.name!r}: known outcome of {row.model!r}, which is not one of its models"
                )
            key = (row.job, row.task, full_tag(row.model))
            known[key] = (*known.get(key, ()), row)
        answers = {(full_tag(each.model), each.request): each for each in self.answers}
        for each in self.answers:
            if full_tag(each.model) not in by_name:
                raise ProfileError(f"profile {self.name!r}: answer of {each.model!r}, which is not one of its models")
        object.__setattr__(self, "_answers", MappingProxyType(answers))
        object.__setattr__(self, "_by_name", MappingProxyType(by_name))
        object.__setattr__(self, "_known", MappingProxyType(known))

    @property
    def tags(self) -> tuple[str, ...]:
        """The models' names as the profile has them."""
        return tuple(each.spec.name for each in self.models)

    def model(self, name: str) -> ModelProfile | None:
        """Return the model of that name, in any case and with or without `:latest`; None if it is unknown."""
        return self._by_name.get(full_tag(name))

    def require_models(self, tags: Iterable[str]) -> None:
        """Raise ProfileError if the profile lacks a model; the message names it and says what to do."""
        missing = [tag for tag in tags if self.model(tag) is None]
        if missing:
            raise ProfileError(
                f"profile {self.name!r} does not have {', '.join(missing)} (it has {', '.join(self.tags)}); "
                'describe them in a profile of your own, which begins with base = "a40" and has for each '
                f'[[models]] with name = "{missing[0]}" and like = "{self.tags[0]}" (docs/simulator.md), '
                "and give it with --swarm-profile=FILE"
            )

    def accuracy(self, model: str, task_type: str) -> float:
        """Return the probability of a right answer at the reference difficulty; neutral if none is known.

        Args:
            model: The model's name.
            task_type: The type of the task.
        """
        found = self.model(model)
        known = found.accuracy.get(task_type, found.accuracy.get(ANY_TYPE)) if found else None
        return known.value if known else self.behaviour.neutral_accuracy

    def answer(self, model: str, request: str) -> RecordedAnswer | None:
        """Return the recorded answer to a request; None if none was recorded.

        Args:
            model: The model's name.
            request: The key of the request (`request_key`).
        """
        return self._answers.get((full_tag(model), request))

    def known_outcome(self, job: str, task: Task, model: str, *, has_inputs: bool) -> KnownOutcome | None:
        """Return the measured outcome of a task on a model; None if it was not measured.

        Args:
            job: The name of the job.
            task: The task.
            model: The model's name.
            has_inputs: Whether the task received outputs of its parents.
        """
        rows = self._known.get((job, task.id, full_tag(model)))
        if rows is None:
            return None
        fitting = [row for row in rows if row.context == "any" or (row.context == "none" and not has_inputs)]
        return min(fitting, key=lambda row: row.context == "any", default=None)

    def outcome_after_wrong_input(self, job: str, task: Task, model: str) -> KnownOutcome | None:
        """Return what was measured of a task where a parent's output was wrong; None if it was not measured.

        Args:
            job: The name of the job.
            task: The task.
            model: The model's name.
        """
        rows = self._known.get((job, task.id, full_tag(model)), ())
        return next((row for row in rows if row.context == "wrong" and row.scores), None)
