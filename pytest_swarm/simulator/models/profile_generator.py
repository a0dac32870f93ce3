"""A text generator that follows a profile: it draws the score of an answer and composes a text with that score.

A task is recognized by its chat: its prompt, with any answers in the places of its placeholders. Every draw has a
random generator of its own, seeded by (seed, request seed, model, prompt), and by the inputs in a chain that repeats
one prompt. So equal requests get equal answers in any order, and two modes that assign a task to the same model get the
same outcome (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.placeholders import fill, references
from pytest_swarm.domain.prompt import given_answers
from pytest_swarm.domain.seeding import inputs_of_repeats, stable_rng
from pytest_swarm.domain.task import Task
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.fields import Json
from pytest_swarm.planner_problem import find_problem
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.simulator.models.answer_length import drawn_tokens, stopped_tokens, with_tokens
from pytest_swarm.simulator.models.answer_texts import compose, parts, prose, score_or_none
from pytest_swarm.simulator.models.call_cost import CallCost
from pytest_swarm.simulator.models.difficulty import right_probability
from pytest_swarm.simulator.models.profile_types import KnownOutcome, Profile
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer, request_key
from pytest_swarm.simulator.models.schema_texts import constrained_text
from pytest_swarm.simulator.models.simulated_planner import plan_text
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One task on one model; `drawn_by` is what its draws depend on: seeds, model, prompt, inputs of a repeated one."""

    graph: TaskGraph
    task: Task
    model: str
    drawn_by: tuple[str, ...]

    def rng(self, purpose: str) -> Random:
        """Return the random generator of one purpose (outcome, input, text, tokens), independent of the others."""
        return stable_rng(purpose, *self.drawn_by)


class ProfileGenerator:
    """Answers registered tasks and planner prompts by the profile, and anything else with text without meaning.

    Args:
        profile: How the models perform.
        seed: Seed of all draws.
        graphs: Graphs to register; `registered` has their digests.
    """

    def __init__(self, profile: Profile, *, seed: int, graphs: Iterable[TaskGraph] = ()) -> None:
        self.profile = profile
        self.seed = seed
        self._tasks_by_prompt: dict[str, list[tuple[TaskGraph, Task]]] = {}
        self._templates: list[tuple[TaskGraph, Task]] = []
        self.registered: set[str] = set()
        self._repeats: dict[str, dict[str, tuple[str, ...]]] = {}  # by the digest of the graph
        for graph in graphs:
            self.register_graph(graph)

    def register_graph(self, graph: TaskGraph) -> None:
        """Register the tasks of a graph, so that they are recognized; no effect on a registered graph."""
        if graph.digest in self.registered:
            return
        self.registered.add(graph.digest)
        for task in graph.tasks:
            if task.system is not None or references(task.prompt):
                self._templates.append((graph, task))
            else:
                self._tasks_by_prompt.setdefault(fill(task.prompt, {}), []).append((graph, task))

    def prompt_tokens(self, request: GenerationRequest) -> int:
        """Return the tokens of a request's prompt: the recorded number, else by the rule of the model's calls."""
        recorded = self._recorded(request)
        if recorded is not None and recorded.prompt_tokens is not None:
            return recorded.prompt_tokens
        own = self._call_cost(request).prompt_tokens(request.messages, raw=request.raw)
        return own + request.context_tokens

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """Return the text for one request: a pure function of profile, seed, registered graphs and request."""
        recorded = self._recorded(request)
        if recorded is not None:
            return GeneratedText(
                text=recorded.text,
                completion_tokens=recorded.completion_tokens or self._stopped_tokens(request.model, recorded.text),
                prefill_s=recorded.prefill_s,
                decode_s=recorded.decode_s,
                overhead_s=recorded.overhead_s,
                verbatim=recorded.repeats,
                reason=None if recorded.repeats else "stop",
            )
        text, tokens = self._invented(request)
        return GeneratedText(text=text, completion_tokens=tokens, overhead_s=self._call_cost(request).overhead_s)

    def _invented(self, request: GenerationRequest) -> tuple[str, int]:
        """Return the text for a request without a recorded answer, and its tokens."""
        prompt = request.messages[-1]["content"] if request.messages else ""
        problem = find_problem(prompt)
        if problem is not None:
            rng = stable_rng("planner", self.seed, str(request.seed), full_tag(request.model), prompt)
            text, extra_tokens = plan_text(problem, self.profile.planner, rng, constrained=request.schema is not None)
            known = self.profile.planner.tokens_for(len(problem.tasks))
            return text, (self._answer_tokens(request.model, text) if known is None else known) + extra_tokens
        recognized = self._recognize(prompt, request) if request.schema is None else None
        if recognized is not None:
            return self._answer_task(*recognized, request)
        rng = stable_rng("other", self.seed, str(request.seed), full_tag(request.model), prompt)
        asks_json = request.schema is not None or request.json_mode
        text = constrained_text(request.schema, rng) if asks_json else prose(rng)
        return text, self._answer_tokens(request.model, text)

    def _recorded(self, request: GenerationRequest) -> RecordedAnswer | None:
        """Return the recorded answer to this request; None if there is none, or if the prompt was not a plain chat."""
        if not self.profile.answers or request.raw or request.context_tokens:
            return None
        form: Json = "json" if request.json_mode else request.schema
        key = request_key(request.model, request.messages, form=form, options=request.options)
        return self.profile.answer(request.model, key)

    def _call_cost(self, request: GenerationRequest) -> CallCost:
        found = self.profile.model(request.model)
        if found is None:
            return CallCost()
        return found.plain if request.schema is None and not request.json_mode else found.schema

    def _answer_tokens(self, model: str, text: str) -> int:
        """Return the tokens of a text that a model generates, at least 1."""
        found = self.profile.model(model)
        return max(1, math.ceil(tokens_by_length(text) if found is None else found.answer_tokens(text)))

    def _stopped_tokens(self, model: str, text: str) -> int:
        """Return the tokens of a recorded text that the server ended because it repeats itself."""
        found = self.profile.model(model)
        return 1 if found is None else max(1, round(stopped_tokens(text, found.answer_tokens)))

    def task_score(self, graph: TaskGraph, model: str, task: Task, request_seed: int) -> float:
        """Return the score in [0, 1] that the model will get on a task, given right outputs of its parents.

        Mode `oracle` plans with it. 0 for a task that is not scored, for which no model is better than another.

        Args:
            graph: The graph of the task.
            model: The model's name.
            task: The task.
            request_seed: The seed of the request.
        """
        call = self._call(graph, task, model, request_seed)
        text = self._text(call, task.expected, self._outcome(call, has_inputs=bool(graph.inputs(task.id))))
        return score_or_none(task.expected, text) or 0.0

    def task_answer(self, graph: TaskGraph, task: Task, request: GenerationRequest, given: Mapping[str, str]) -> str:
        """Return the text that `generate` returns for the request of a task, without looking for the task.

        Args:
            graph: The graph of the task.
            task: The task.
            request: What the model is asked.
            given: The answers that the task is given, by task.
        """
        recorded = self._recorded(request)
        if recorded is not None:
            return recorded.text
        call = self._call(graph, task, request.model, request.seed)
        return self._answer_task(call, given, request)[0]

    def _call(self, graph: TaskGraph, task: Task, model: str, request_seed: int | None) -> _Call:
        if graph.digest not in self._repeats:
            self._repeats[graph.digest] = inputs_of_repeats(graph)
        inputs = self._repeats[graph.digest].get(task.id)
        asked = (task.whole_prompt,) if inputs is None else (task.whole_prompt, "given", *inputs)
        drawn_by = (str(self.seed), str(request_seed), full_tag(model), *asked)
        return _Call(graph=graph, task=task, model=model, drawn_by=drawn_by)

    def _recognize(self, prompt: str, request: GenerationRequest) -> tuple[_Call, dict[str, str]] | None:
        """Return the task of a chat and its inputs; of several tasks, the latest whose inputs are all there."""
        entries = (*self._templates, *self._tasks_by_prompt.get(prompt, ()))
        found = [
            (graph, task, given)
            for graph, task in entries
            if (given := given_answers(task, request.messages)) is not None
        ]
        if not found:
            return None
        if len(found) > 1:
            found = [each for each in found if set(each[0].inputs(each[1].id)) == set(each[2])] or found
        graph, task, given = found[-1]
        return self._call(graph, task, request.model, request.seed), given

    def _answer_task(self, call: _Call, inputs: Mapping[str, str], request: GenerationRequest) -> tuple[str, int]:
        """Return the model's answer and its tokens. A task with a formula computes with its inputs, right or wrong."""
        has_inputs = bool(inputs)
        target = self._outcome(call, has_inputs=has_inputs)
        expected = call.task.expected
        if call.task.derive is not None and inputs:
            expected = local_expectation(call.task, [(call.graph.task(each), text) for each, text in inputs.items()])
        else:
            target = self._after_inputs(call, inputs, target)
        if expected is None:  # the formula has no value for these inputs
            expected, target = call.task.expected, 0.0
        tokens = self._completion_tokens(call, request, has_inputs=has_inputs)
        return self._fit_length(call, self._text(call, expected, target), tokens, expected), tokens

    def _after_inputs(self, call: _Call, inputs: Mapping[str, str], target: float) -> float:
        """Return the score that the model gets with these inputs, where it would get `target` with right ones."""
        parents = call.graph.inputs(call.task.id)
        scores = [
            score_or_none(call.graph.task(each).expected, inputs[each]) if each in inputs else None for each in parents
        ]
        if all(score is None or score >= 1.0 for score in scores):
            return target
        seen = self.profile.outcome_after_wrong_input(call.graph.name, call.task, call.model)
        if seen is not None:
            return call.rng("outcome").choice(seen.scores)
        return 0.0 if self._inputs_mislead(call, scores) else target

    def _fit_length(self, call: _Call, text: str, tokens: int, expected: Expectation | None) -> str:
        """Return the text as long as its tokens say, with the same score; the text as it is where that fails.

        Only for a model whose answers were measured.
        """
        found = self.profile.model(call.model)
        if found is None or (found.characters_per_token is None and found.estimate_per_token is None):
            return text
        score, filling = score_or_none(expected, text), prose(call.rng("filling"))
        fitted = with_tokens(text, tokens, filling=filling, count=found.answer_tokens)
        return fitted if score_or_none(expected, fitted) == score else text

    def _outcome(self, call: _Call, *, has_inputs: bool) -> float:
        """Draw the score of the answer, given right inputs: from measured scores if known, else by accuracy."""
        rng = call.rng("outcome")
        known = self._known(call, has_inputs=has_inputs)
        if known is not None and known.scores:
            return rng.choice(known.scores)
        if rng.random() < right_probability(self.profile, call.model, call.task):
            return 1.0
        count = parts(call.task.expected)
        right = sum(rng.random() < self.profile.behaviour.partial_share for _ in range(count))
        return min(right, count - 1) / count

    def _inputs_mislead(self, call: _Call, scores: Iterable[float | None]) -> bool:
        """Draw whether a wrong input makes the answer wrong.

        Each input of score s does so with probability c (1 - s), independently; unscored inputs never do. c is
        `self_contained_carryover` for a task with a score that was measured without inputs, else `error_carryover`.
        """
        rng = call.rng("input")
        known, behaviour = self._known(call, has_inputs=True), self.profile.behaviour
        self_contained = known is not None and bool(known.scores)
        carryover = behaviour.self_contained_carryover if self_contained else behaviour.error_carryover
        for score in scores:
            draw = rng.random()
            if score is not None and draw < carryover * (1.0 - score):
                return True
        return False

    def _text(self, call: _Call, expected: Expectation | None, target: float) -> str:
        return compose(expected, target, call.rng("text"))

    def _completion_tokens(self, call: _Call, request: GenerationRequest, *, has_inputs: bool) -> int:
        """Draw the token count: from those of the task, or of the model, if known, else around the type's middle."""
        rng = call.rng("tokens")
        known, model = self._known(call, has_inputs=has_inputs), self.profile.model(call.model)
        if known is not None and known.completion_tokens:
            return max(1, rng.choice(known.completion_tokens))
        drawn = None if model is None else drawn_tokens(model.completion_tokens, call.task.type, rng)
        if drawn is not None:
            return drawn
        behaviour = self.profile.behaviour
        middle = behaviour.completion_tokens.get(call.task.type)
        if middle is None:
            middle = call.task.estimated_tokens - self.prompt_tokens(request)
        return max(1, round(middle * (1.0 + behaviour.token_spread * (2.0 * rng.random() - 1.0))))

    def _known(self, call: _Call, *, has_inputs: bool) -> KnownOutcome | None:
        return self.profile.known_outcome(call.graph.name, call.task, call.model, has_inputs=has_inputs)
