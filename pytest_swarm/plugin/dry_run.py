"""--swarm-dry-run: what a run would cost, before anything is asked. Each case is played on imagined answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.estimate.starting_estimates import prior_estimates
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.imagined_answers import IMAGINED, ImaginedAnswers, imagined_world, unmeasured_models
from pytest_swarm.execution.playing_backend import Played, playing_backend
from pytest_swarm.execution.playing_transport import CurrentWorld
from pytest_swarm.execution.wave_tally import duration
from pytest_swarm.ollama.answers.answer_store import AnswerStore

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, JobRecord
    from pytest_swarm.execution.playing_transport import PlayingTransport
    from pytest_swarm.plugin.resources import Resources


@dataclass(slots=True, kw_only=True)
class Cost:
    """What was counted: cases, calls, loads, tokens, and the seconds of all cases one after the other."""

    cases: int = 0
    calls: int = 0
    loads: int = 0
    tokens: int = 0
    seconds: float = 0.0
    known: set[str] = field(default_factory=set)
    """Keys of the stored answers that would be used."""
    first_uses: set[tuple[str, int, str]] = field(default_factory=set)
    """(test, step, model) of each model that would be loaded to ask something new."""


class DryRun:
    """Counts the cost of the cases that a session would run.

    Args:
        resources: The session's resources.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._transports: list[PlayingTransport] = []
        self.cost = Cost()

    @property
    def _asks(self) -> bool:
        """Whether the backend asks a real server, or keeps answers; else the cases can be run as they are."""
        return self._resources.backend.live or self._resources.measuring is not None

    @cached_property
    def _answers(self) -> ImaginedAnswers:
        from pytest_swarm.calibration.measured_world import measured_world

        measuring = self._resources.measuring
        store = AnswerStore(None) if measuring is None else measuring.store
        models = unmeasured_models(self._resources.demand().tags) if measuring is None else measuring.known.models
        world = imagined_world(measured_world(store), models, self._resources.fleet)
        timeout_s = 1e9  # an imagined answer is no reason to give up
        return ImaginedAnswers(store=store, models=models, timeout_s=timeout_s, world=world)

    @cached_property
    def _bench(self) -> Bench:
        if not self._asks:
            return self._resources.bench
        played = Played(known=self._answers, current=CurrentWorld(world=self._answers.world), detail="imagined")
        bench = self._resources.bench_of(playing_backend(played, on_connect=self._transports.append))
        settings = replace(bench.settings, estimates=prior_estimates(learning=False), imagined=True)
        return Bench(backend=bench.backend, fleet=bench.fleet, settings=settings)

    def add(self, case: Case) -> None:
        """Count a case."""
        if self._asks:
            self._answers.register(case.graph)
        record = self._bench.run(case)
        self.cost.cases += 1
        self.cost.calls += _calls(record)
        self.cost.loads += sum(switch.action == "load" for switch in record.switches)
        self.cost.tokens += self._tokens(record)
        self.cost.seconds += record.makespan_s or 0.0
        for transport in self._transports:
            self.cost.known |= transport.used.keys() - self._answers.imagined.keys()
        self._transports.clear()
        self.cost.first_uses |= set(_first_uses(record, base_node_id(case.test)))

    def _tokens(self, record: JobRecord) -> int:
        """Return the tokens of all calls, as far as they are known: of a backend that is run, those of tasks."""
        answers = [answer for transport in self._transports for answer in transport.used.values()]
        return sum((each.prompt_tokens or 0) + (each.completion_tokens or 0) for each in answers or record.outcomes)

    def lines(self) -> list[str]:
        """Return what the run would cost, as lines for the terminal."""
        cost = self.cost
        if not cost.cases:
            return []
        cases = f"{cost.cases:,} {'case' if cost.cases == 1 else 'cases'}"
        whole = f"{cost.calls:,} calls, {cost.loads:,} loads, {cost.tokens:,} tokens, {duration(cost.seconds)}"
        if self._resources.measuring is None:
            return [f"dry run of {cases}: about {whole}"]
        new = list(self._answers.imagined.values())
        tokens = sum((answer.prompt_tokens or 0) + (answer.completion_tokens or 0) for _, answer in new)
        figures = self._answers.world.models
        digests = {model.tag: model.digest for model in self._answers.models.values()}
        load_s = sum(figures[digests[tag]].load_s for _, _, tag in cost.first_uses if tag in digests)
        seconds = sum(answer.total_s or 0.0 for _, answer in new) + load_s
        return [
            f"dry run of {cases}; {len(cost.known):,} answers are known, and what is not known is estimated",
            f"now: about {len(new):,} calls, {len(cost.first_uses):,} loads, {tokens:,} tokens, "
            f"{duration(seconds) if new else '0 s'} of the server",
            f"without the store: about {whole}",
        ]

    def close(self) -> None:
        """Close the bench."""
        if "_bench" in self.__dict__:
            self._bench.close()


def _calls(record: JobRecord) -> int:
    """Return the calls of tasks, planner and judge."""
    tasks = sum(outcome.model is not None for outcome in record.outcomes)
    judged = sum(outcome.judge_reply is not None for outcome in record.outcomes)
    return tasks + judged + sum(len(step.planner_calls) for step in record.steps)


def _first_uses(record: JobRecord, test: str) -> Iterator[tuple[str, int, str]]:
    """Yield test, step and model of each task whose answer was imagined."""
    for outcome in record.outcomes:
        if outcome.model is not None and (outcome.answer or "").startswith(IMAGINED):
            yield test, outcome.step or 0, outcome.model
