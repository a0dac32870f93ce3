"""The answers of every model to every task on reference inputs: what mode `oracle` needs to know.

A reference input is an answer that the scorer of the parent judges right, so that a task is measured apart from the
mistakes before it. The same graph always has the same reference inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.seeding import request_seed, stable_rng, task_seeds
from pytest_swarm.execution.answer_gate import AnswerNeed
from pytest_swarm.execution.backends import RealisedScores
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.execution.tasks import TaskCall, chat_request
from pytest_swarm.ollama.answers.questions import Question
from pytest_swarm.scoring.scorers import score_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceMatrix:
    """The questions of all tasks to all models of a fleet, on reference inputs."""

    known: ServerAnswers
    fleet: Fleet

    def needs(self, graph: TaskGraph, *, run_seed: int, repeats: Iterable[int]) -> tuple[AnswerNeed, ...]:
        """Return the questions of the matrix that nobody has answered.

        Args:
            graph: The graph.
            run_seed: The seed of the run.
            repeats: The repeats, each with a seed of its own.
        """
        return tuple(
            AnswerNeed(question=question, kind=str(graph.task(task).type), task=task, job=graph.name)
            for repeat in repeats
            for (task, _), question in self.questions(graph, request_seed(run_seed, repeat))
            if self.known.answer(question) is None
        )

    def realised(self, graph: TaskGraph, seed: int) -> RealisedScores:
        """Return the scores of the answers that are known, by (task, model); 0 for a task without a scorer.

        Args:
            graph: The graph.
            seed: The seed of the repeat.
        """
        scores: dict[tuple[str, str], float] = {}
        for (task, tag), question in self.questions(graph, seed):
            answer = self.known.answer(question)
            if answer is not None:
                scores[task, tag] = score_text(graph.task(task).expected, answer.text).value or 0.0
        return scores

    def questions(self, graph: TaskGraph, seed: int) -> Iterator[tuple[tuple[str, str], Question]]:
        """Yield (task, model) and the question, for the models that the server has.

        Args:
            graph: The graph of the case.
            seed: The seed of the repeat.
        """
        inputs, seeds = reference_inputs(graph), task_seeds(graph, seed)
        calls = [
            TaskCall(
                task=task,
                model=model,
                given=tuple((graph.task(parent), inputs[parent]) for parent in graph.inputs(task.id)),
                step=0,
                seed=seeds[task.id],
            )
            for task in graph.tasks
            for model in self.fleet
            if model.can_take(task)
        ]
        for call in calls:
            question = self.known.question_of_chat(chat_request(call))
            if question is not None:
                yield (call.task.id, call.model.tag), question


def reference_inputs(graph: TaskGraph) -> dict[str, str]:
    """Return a right answer to each task of a graph, by its ID."""
    from pytest_swarm.simulator.models.answer_texts import compose

    return {
        task.id: compose(task.expected, 1.0, stable_rng("reference input", graph.digest, task.id))
        for task in graph.tasks
    }
