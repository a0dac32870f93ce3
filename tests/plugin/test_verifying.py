"""--swarm-verify: which cases are drawn, and which of their questions were the same for real."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.case_player import CompleteCase
from pytest_swarm.execution.waves import Measured, NotMeasured, WaveReport, WaveResult
from pytest_swarm.plugin.measured_results import measured_test
from pytest_swarm.plugin.verifying import asked_again, verifiable
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import A40, HEAVY, bench, case
from tests.ollama.answers.test_answer_store import ANSWER

WB1 = load_graph("benchmarks/graphs/wb1.toml")


def played(seed: int = 0, mode: str = "single:llama3.1:8b") -> JobRecord:
    backend = simulated_backend(SimulatedWorld(profile=A40, seed=seed), HEAVY)
    with Bench(backend=backend, fleet=HEAVY) as a_bench:
        return a_bench.run(case(WB1, mode))


def test_a_deterministic_server_gives_the_same_answer_to_each_question() -> None:
    pairs = asked_again(played(), played())
    assert len(pairs) == len(WB1.tasks) == 3
    assert all(first == second for first, second in pairs)


def test_another_answer_is_seen_and_what_it_is_handed_on_to_is_another_question() -> None:
    before = played()
    first, *rest = before.outcomes
    other = replace(before, outcomes=(replace(first, answer="something else"), *rest))
    children = [task.id for task in WB1.tasks if first.task in WB1.inputs(task.id)]
    assert children
    pairs = asked_again(before, other)
    assert len(pairs) == 3 - len(children)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [(first.answer, "something else")]


def test_another_model_is_another_question() -> None:
    assert asked_again(played(), played(mode="single:gemma2:2b")) == []


@pytest.mark.parametrize(("knows", "count"), [(True, 3), (False, 2)])
def test_only_what_a_server_can_run_is_verified(knows: bool, count: int) -> None:
    """A real server knows no answer beforehand, which `oracle` needs; the simulator does."""
    with bench() as simulated:
        server = Bench(backend=replace(simulated.backend, knows_realised=knows), fleet=HEAVY)
        assert len(verifiable({"a": "lp", "b": "oracle", "c": "greedy"}, server)) == count


def test_what_was_measured_for_a_test_is_counted_over_its_cases_and_waves() -> None:
    """Two whole cases share an answer; one of three answers was known before; what stalled in both counts once."""
    cases: dict[str, WaveResult] = {
        "a": CompleteCase(record=None, events=(), answers={"x": ANSWER, "y": ANSWER}, stalled_s={"y": 1.5}),
        "b": CompleteCase(record=None, events=(), answers={"y": ANSWER, "z": ANSWER}, stalled_s={"y": 1.5, "z": -0.5}),
        "c": NotMeasured(lacks=("the answer",), reason="no time"),
    }
    waves = (
        WaveReport(asked=2, loads=1, server_s=3.5, failures={}),
        WaveReport(asked=1, loads=0, server_s=0.25, failures={}),
    )
    found = measured_test(case(WB1, "lp"), Measured(cases=cases, waves=waves), known_before={"x", "of another test"})
    counts = (found.unmeasured, found.answers, found.known, found.waves, found.asked, found.loads, found.stalled)
    assert counts == (1, 3, 1, 2, 3, 1, 2)
    assert (found.server_s, found.stalled_s) == (3.75, 1.0)
