"""ProfileGenerator: what the simulated models say, drawn from a profile and composed as real texts.

A task is recognised by the text of the last message, which is its prompt to the letter. Every draw has a generator of
its own, seeded by (seed, request seed, model, prompt): the same request gets the same answer, whatever was asked
before, and two modes that give a task to the same model get the same outcome (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.planner_problem import find_problem
from pytest_swarm.domain.prompt import parent_outputs
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.domain.task import Task
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.simulator.models.answer_texts import compose, parts, prose, score_or_none
from pytest_swarm.simulator.models.profile_types import KnownOutcome, Profile
from pytest_swarm.simulator.models.schema_texts import constrained_text
from pytest_swarm.simulator.models.simulated_planner import plan_text
from pytest_swarm.simulator.server.generation import GeneratedText, GenerationRequest
from pytest_swarm.simulator.server.hardware import full_name

CHARACTERS_PER_TOKEN: Final = 4.0  # the usual rule of thumb for English text under BPE tokenisers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One task asked of one model: everything that its draws depend on."""

    graph: TaskGraph
    task: Task
    model: str
    request_seed: int | None

    def rng(self, seed: int, purpose: str) -> Random:
        """The generator of one purpose (outcome, input, text, tokens), independent of the others."""
        return stable_rng(purpose, seed, str(self.request_seed), full_name(self.model).lower(), self.task.prompt)


class ProfileGenerator:
    """Answers tasks that it has learned of, planner prompts, and anything else with text of no particular meaning."""

    def __init__(self, profile: Profile, *, seed: int, graphs: Iterable[TaskGraph] = ()) -> None:
        self.profile = profile
        self.seed = seed
        self._tasks_by_prompt: dict[str, list[tuple[TaskGraph, Task]]] = {}
        self._registered: set[str] = set()
        for graph in graphs:
            self.register_graph(graph)

    def register_graph(self, graph: TaskGraph) -> None:
        """Know the tasks of a graph from now on; a graph that is known already changes nothing."""
        if graph.digest in self._registered:
            return
        self._registered.add(graph.digest)
        for task in graph.tasks:
            self._tasks_by_prompt.setdefault(task.prompt, []).append((graph, task))

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """The text for one request: a pure function of profile, seed, what was learned, and the request."""
        prompt = request.messages[-1]["content"] if request.messages else ""
        prompt_tokens = _tokens(sum(len(message["content"]) for message in request.messages))
        problem = find_problem(prompt)
        if problem is not None:
            rng = stable_rng("planner", self.seed, str(request.seed), full_name(request.model).lower(), prompt)
            text, extra_tokens = plan_text(problem, self.profile.planner, rng, constrained=request.schema is not None)
            return GeneratedText(
                text=text, prompt_tokens=prompt_tokens, completion_tokens=_tokens(len(text)) + extra_tokens
            )
        call = self._recognise(prompt, request)
        if call is not None and request.schema is None:
            return self._answer_task(call, parent_outputs(request.messages), prompt_tokens)
        rng = stable_rng("other", self.seed, str(request.seed), full_name(request.model).lower(), prompt)
        asks_json = request.schema is not None or request.json_mode
        text = constrained_text(request.schema, rng) if asks_json else prose(rng)
        return GeneratedText(text=text, prompt_tokens=prompt_tokens, completion_tokens=_tokens(len(text)))

    def task_score(self, graph: TaskGraph, model: str, task: Task, request_seed: int) -> float:
        """The score that the model will get on the task at this seed, given right parents' outputs; for `oracle`.

        0 for a task that nothing scores: no model is better at it than another.
        """
        call = _Call(graph=graph, task=task, model=model, request_seed=request_seed)
        text = self._text(call, task.expected, self._outcome(call, has_inputs=_receives_inputs(graph, task)))
        return score_or_none(task.expected, text) or 0.0

    def _recognise(self, prompt: str, request: GenerationRequest) -> _Call | None:
        """The task of a prompt; where several graphs have it, the latest whose parents are those handed on."""
        entries = self._tasks_by_prompt.get(prompt)
        if not entries:
            return None
        given = set(parent_outputs(request.messages))
        fitting = [(graph, task) for graph, task in entries if set(_expected_inputs(graph, task)) == given]
        graph, task = (fitting or entries)[-1]
        return _Call(graph=graph, task=task, model=request.model, request_seed=request.seed)

    def _answer_task(self, call: _Call, inputs: Mapping[str, str], prompt_tokens: int) -> GeneratedText:
        """What the model says. A task that derives its answer computes with what it was given, right or wrong."""
        has_inputs = bool(inputs)
        target = self._outcome(call, has_inputs=has_inputs)
        expected = call.task.expected
        if call.task.derive is not None and inputs:
            expected = local_expectation(call.task, [(call.graph.task(each), text) for each, text in inputs.items()])
        elif self._inputs_mislead(call, inputs):
            target = 0.0
        if expected is None:  # nothing follows from such inputs
            expected, target = call.task.expected, 0.0
        return GeneratedText(
            text=self._text(call, expected, target),
            prompt_tokens=prompt_tokens,
            completion_tokens=self._completion_tokens(call, prompt_tokens, has_inputs=has_inputs),
        )

    def _outcome(self, call: _Call, *, has_inputs: bool) -> float:
        """The score that the answer should have, given right inputs: measured where known, else drawn by accuracy."""
        rng = call.rng(self.seed, "outcome")
        known = self._known(call, has_inputs=has_inputs)
        if known is not None and known.scores:
            return rng.choice(known.scores)
        if rng.random() < right_probability(self.profile, call.model, call.task):
            return 1.0
        count = parts(call.task.expected)
        right = sum(rng.random() < self.profile.behaviour.partial_share for _ in range(count))
        return min(right, count - 1) / count

    def _inputs_mislead(self, call: _Call, inputs: Mapping[str, str]) -> bool:
        """Whether a wrong input makes the answer wrong.

        Each input of score s misleads with probability c (1 - s), independently; unscored ones never. c is
        `self_contained_carryover` for a task with a score that was measured without inputs, else `error_carryover`.
        """
        rng = call.rng(self.seed, "input")
        known, behaviour = self._known(call, has_inputs=True), self.profile.behaviour
        self_contained = known is not None and bool(known.scores)
        carryover = behaviour.self_contained_carryover if self_contained else behaviour.error_carryover
        for parent in call.graph.parents(call.task.id):
            score = score_or_none(call.graph.task(parent).expected, inputs[parent]) if parent in inputs else None
            draw = rng.random()
            if score is not None and draw < carryover * (1.0 - score):
                return True
        return False

    def _text(self, call: _Call, expected: Expectation | None, target: float) -> str:
        return compose(expected, target, call.rng(self.seed, "text"))

    def _completion_tokens(self, call: _Call, prompt_tokens: int, *, has_inputs: bool) -> int:
        """One of the measured counts where there are any, else the type's middle, give or take the spread."""
        rng = call.rng(self.seed, "tokens")
        known = self._known(call, has_inputs=has_inputs)
        if known is not None and known.completion_tokens:
            return max(1, rng.choice(known.completion_tokens))
        behaviour = self.profile.behaviour
        middle = behaviour.completion_tokens.get(call.task.type, call.task.estimated_tokens - prompt_tokens)
        return max(1, round(middle * (1.0 + behaviour.token_spread * (2.0 * rng.random() - 1.0))))

    def _known(self, call: _Call, *, has_inputs: bool) -> KnownOutcome | None:
        return self.profile.known_outcome(call.graph.name, call.task, call.model, has_inputs=has_inputs)


def right_probability(profile: Profile, model: str, task: Task) -> float:
    """Chance of a right answer: logit p = logit a - slope (difficulty - reference), the Rasch model of test theory.

    a = the profile's accuracy for model and task type at the reference difficulty; slope in logits per step.
    """
    accuracy = profile.accuracy(model, task.type)
    if accuracy in (0.0, 1.0):
        return accuracy
    behaviour = profile.behaviour
    logit = math.log(accuracy / (1.0 - accuracy))
    logit -= behaviour.difficulty_slope * (task.difficulty - behaviour.reference_difficulty)
    return 1.0 / (1.0 + math.exp(-logit))


def _expected_inputs(graph: TaskGraph, task: Task) -> tuple[str, ...]:
    return graph.parents(task.id) if graph.context == "parents" else ()


def _receives_inputs(graph: TaskGraph, task: Task) -> bool:
    return bool(_expected_inputs(graph, task))


def _tokens(characters: int) -> int:
    """Tokens of so many characters, at least 1."""
    return max(1, math.ceil(characters / CHARACTERS_PER_TOKEN))
