"""Waves: cases that are played on measured answers equal plain ones, at a fraction of the calls."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.waves import NotMeasured
from pytest_swarm.ollama.answers.stored_values import LoadSample, Sample
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.greedy import GreedyRouter
from pytest_swarm.simulator.models.profile_types import PlannerProfile
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs
from tests.execution.lab import A40, backend, graph
from tests.execution.measuring import (
    SETTINGS,
    Counts,
    Lab,
    MakeLab,
    cases_of,
    models_of,
    outcome_facts,
    plain_records,
    plan_facts,
    record_of,
)

WB1 = load_graph("benchmarks/graphs/wb1.toml")
MODES = ("lp", "milp", "staged", "llm", "greedy", "random")


@pytest.fixture
def new_lab() -> Iterator[MakeLab]:
    """Make labs, and close their connections in the end."""
    with ExitStack() as stack:

        def make(*args: Any, **kwargs: Any) -> Lab:
            lab = Lab(*args, **kwargs)
            stack.callback(lab.broker.close)
            return lab

        yield make


def assert_equal(played: JobRecord, plain: JobRecord) -> None:
    label = f"{plain.case.job} {plain.case.key}"
    assert (played.status, played.error) == (plain.status, plain.error), label
    assert outcome_facts(played) == outcome_facts(plain), label
    assert plan_facts(played) == plan_facts(plain), label
    assert played.makespan_s == pytest.approx(plain.makespan_s, rel=0.03), label


def assert_same(one: list[JobRecord], other: list[JobRecord]) -> None:
    """Assert that cases were played alike to the last digit, but for the computing time of routers."""
    for again, before in zip(one, other, strict=True):
        assert_equal(again, before)
        assert again.makespan_s == before.makespan_s
        assert (again.outcomes, again.switches, again.samples) == (before.outcomes, before.switches, before.samples)


def test_played_cases_equal_plain_ones(new_lab: MakeLab) -> None:
    cases = [*cases_of(WB1, MODES, (0, 3), (8.0,), repeats=2), *cases_of(WB1, MODES, (3,), (16.0,))]
    plain, lab = Counts(), new_lab()
    for played, real in zip(lab.records(cases), plain_records(cases, plain), strict=True):
        assert_equal(played, real)
    assert 3 * lab.counts.calls["task"] <= plain.calls["task"]
    assert 4 * lab.counts.calls["load"] <= plain.calls["load"]


@pytest.mark.parametrize("number", range(2))
def test_generated_jobs_are_played_as_they_run(new_lab: MakeLab, number: int) -> None:
    cases = cases_of(generate_jobs(number + 1, seed=5)[number].graph, MODES, (1,), (8.0,))
    for played, real in zip(new_lab().records(cases), plain_records(cases, Counts()), strict=True):
        assert_equal(played, real)


def test_a_second_run_asks_nothing_and_gives_the_same(new_lab: MakeLab) -> None:
    cases, lab = cases_of(WB1, MODES, (1,)), new_lab()
    first, asked = lab.records(cases), len(lab.counts.bodies)
    again = new_lab(store=lab.store)
    assert_same(again.records(cases), first)
    assert not again.counts.calls
    assert len(set(lab.counts.bodies)) == asked == lab.store.count()


def test_another_mode_asks_only_what_is_new(new_lab: MakeLab) -> None:
    lab = new_lab()
    lab.records(cases_of(WB1, ("lp", "milp")))
    more = new_lab(store=lab.store)
    more.records(cases_of(WB1, ("lp", "milp", "random")))
    assert not set(more.counts.bodies) & set(lab.counts.bodies)
    assert len(more.counts.bodies) == lab.store.count() - len(lab.counts.bodies) > 0


def test_there_are_at_most_as_many_waves_as_steps_and_one_more(new_lab: MakeLab) -> None:
    chain = graph(("a", "b"), ("b", "c"), ("c", "d"))
    measured = new_lab().play(cases_of(chain, ("lp", "greedy", "random"), (0, 3)))
    assert len(measured.waves) <= 4 + 1
    assert sum(wave.asked for wave in measured.waves) > 0


def test_all_calls_of_a_wide_step_are_asked_in_one_wave(new_lab: MakeLab) -> None:
    wide = graph(ids="a b c d e f g h")  # twice as many as run at the same time
    lab = new_lab()
    measured = lab.play(cases_of(wide, ("lp",)))
    assert [wave.asked for wave in measured.waves] == [8]


def test_each_model_is_loaded_once_a_wave_and_once_more_the_first_time(new_lab: MakeLab) -> None:
    lab = new_lab()
    measured = lab.play(cases_of(graph(ids="a b c d"), ("random",), (0,), (8.0, 16.0), repeats=3))
    models = len({body.split('"model": "')[1].split('"')[0] for body in lab.counts.bodies})
    assert models >= 3
    assert [wave.loads for wave in measured.waves] == [2 * models]


def test_a_call_that_is_given_up_is_played_as_one_and_not_asked_again(new_lab: MakeLab) -> None:
    runaway = replace(A40, planner=PlannerProfile(runaway=1.0))
    cases = cases_of(WB1, ("llm",))
    plain = plain_records(cases, Counts(), backend(profile=runaway))
    lab = new_lab(backend(profile=runaway))
    [played] = lab.records(cases)
    assert dict(played.steps[0].planner_failures) == {"timeout": 1}
    assert_equal(played, plain[0])
    again = new_lab(backend(profile=runaway), store=lab.store)
    again.records(cases)
    assert not again.counts.calls


def test_a_model_replaced_under_its_tag_is_asked_again_and_its_old_answers_stay(new_lab: MakeLab) -> None:
    cases, lab = cases_of(WB1, ("lp",)), new_lab()
    before = lab.records(cases)[0]
    spec = A40.server_spec
    models = tuple(replace(each, blob="ab" * 6) if each.name == "gemma2:2b" else each for each in spec.models)
    profile = replace(A40, server_spec=replace(spec, models=models))
    pulled = new_lab(backend(profile=profile), store=lab.store, models=models_of(profile))
    pulled.records(cases)
    asked = [outcome for outcome in before.outcomes if outcome.model == "gemma2:2b"]
    assert len(pulled.counts.bodies) == len(asked) > 0
    old = new_lab(store=lab.store)
    assert_same(old.records(cases), [before])
    assert not old.counts.calls


def test_a_server_of_another_version_is_asked_again(new_lab: MakeLab) -> None:
    lab = new_lab()
    lab.records(cases_of(WB1, ("lp",)))
    newer = new_lab(store=lab.store, models=models_of(server="0.34.0"))
    newer.records(cases_of(WB1, ("lp",)))
    assert sorted(newer.counts.bodies) == sorted(lab.counts.bodies)


def test_a_server_that_fails_leaves_the_case_unmeasured_with_what_it_lacks(new_lab: MakeLab) -> None:
    lab = new_lab(backend("load-error:model=gemma2:2b"))
    results = lab.play(cases_of(WB1, ("single:gemma2:2b", "single:qwen2.5-coder:7b"))).cases
    failed, fine = results.values()
    assert isinstance(failed, NotMeasured)
    assert any("the answer of gemma2:2b to task" in lack for lack in failed.lacks)
    assert "error loading model" in failed.reason
    assert record_of(fine).outcomes


def test_a_server_that_goes_away_ends_the_wave_in_one_sentence(new_lab: MakeLab) -> None:
    lab = new_lab(backend("refuse"))
    [result] = lab.play(cases_of(WB1, ("lp",))).cases.values()
    assert isinstance(result, NotMeasured)
    assert "refuses the connection" in result.reason


def test_time_that_is_up_stops_the_asking_and_the_next_run_goes_on(new_lab: MakeLab) -> None:
    cases = cases_of(WB1, ("lp", "random"), (0,), (8.0,), repeats=2)
    whole = new_lab()
    used_s = sum(wave.server_s for wave in whole.play(cases).waves)
    short = new_lab(wrap=lambda settings: replace(settings, limit_s=used_s / 2))
    results = short.play(cases).cases.values()
    unmeasured = [result for result in results if isinstance(result, NotMeasured)]
    assert unmeasured
    assert all("--swarm-max-time" in result.reason for result in unmeasured)
    rest = new_lab(store=short.store)
    rest.records(cases)
    assert len(short.counts.bodies) + len(rest.counts.bodies) == len(whole.counts.bodies)


def test_time_that_is_up_for_the_run_stops_a_process_that_has_asked_nothing(new_lab: MakeLab) -> None:
    run_s = [60.0]
    lab = new_lab(wrap=lambda settings: replace(settings, limit_s=60.0, run_s=lambda: run_s[0]))
    [late] = lab.play(cases_of(WB1, ("lp",))).cases.values()
    assert isinstance(late, NotMeasured)
    assert (lab.counts.bodies, "--swarm-max-time" in late.reason) == ([], True)
    run_s[0] = 59.0
    lab.records(cases_of(WB1, ("lp",)))


def test_progress_names_job_wave_model_and_what_is_left(new_lab: MakeLab) -> None:
    lab = new_lab()
    lab.records(cases_of(WB1, ("lp", "random"), repeats=2))
    assert lab.told[0].startswith("wb1, wave 1: ")
    assert any("left" in line for line in lab.told)


def test_several_at_a_time_say_what_ran_beside_them(new_lab: MakeLab) -> None:
    wide = graph(ids="a b c d e f g h")
    lab = new_lab(wrap=lambda settings: replace(settings, parallel=3))
    lab.records(cases_of(wide, ("single:gemma2:2b",)))
    beside = sorted(answer.beside for _, answer in lab.store.entries())
    assert beside[:3] == [0, 0, 0]
    assert max(beside) == 2


class CountedGreedy:
    """`greedy`, counted: each decision is one step that is simulated."""

    name = "counted"
    decisions = 0

    def __init__(self) -> None:
        self._greedy = GreedyRouter()

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> CountedGreedy:  # noqa: ARG003  every router has it
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        type(self).decisions += 1
        return await self._greedy.route(view)


@pytest.mark.parametrize("drifting", [False, True])
def test_rounds_cost_at_most_twice_one_simulation_of_the_final_state(
    new_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, drifting: bool
) -> None:
    """A case goes on where it stopped; it is played again at most once, where figures have changed meanwhile."""
    chain = graph(*((f"t{n}", f"t{n + 1}") for n in range(24)))
    monkeypatch.setattr(CountedGreedy, "decisions", 0)
    settings = replace(SETTINGS, routers={"counted": CountedGreedy.from_setup})
    lab = new_lab(settings=settings)
    if drifting:  # each load is stored as slower than the one before, so that the median changes in every wave
        add_sample, loads = lab.store.add_sample, iter(range(1000))

        def add(sample: Sample) -> None:
            slower = isinstance(sample, LoadSample)
            add_sample(changed(sample, load_s=sample.load_s + next(loads)) if slower else sample)

        monkeypatch.setattr(lab.store, "add_sample", add)
    measured = lab.play(cases_of(chain, ("counted",)))
    [record] = [record_of(result) for result in measured.cases.values()]
    assert len(measured.waves) == len(record.steps) == 25
    assert CountedGreedy.decisions <= 2 * len(record.steps)
    assert drifting or CountedGreedy.decisions == len(record.steps)


def sharing_server() -> Backend:
    """A server with four slots that share one speed, as on a CPU."""
    specs = tuple(replace(spec, slowdowns={2: 2.0, 4: 4.0}) for spec in A40.server_spec.models)
    profile = replace(A40, server_spec=replace(A40.server_spec, models=specs, num_parallel=4))
    return backend(profile=profile)


def test_slots_and_what_they_slow_down_are_those_of_the_server(new_lab: MakeLab) -> None:
    cases = cases_of(graph(ids="a b c d e f"), ("single:gemma2:2b", "greedy", "random"), (0,), (16.0,))
    lab = new_lab(sharing_server())
    played, plain = lab.records(cases), plain_records(cases, Counts(), sharing_server())
    assert {sample.running for sample in lab.store.speeds()} == {2, 4}
    for one, other in zip(played, plain, strict=True):
        assert one.makespan_s == pytest.approx(other.makespan_s, rel=0.03)
    slots = plain_records(cases, Counts())
    assert played[0].makespan_s != pytest.approx(slots[0].makespan_s, rel=0.03)


class Interrupted(GreedyRouter):
    """A router during which the user presses Ctrl-C."""

    async def route(self, view: PlanningView) -> Plan:  # noqa: ARG002 - the protocol's
        raise KeyboardInterrupt


def test_ctrl_c_while_a_case_is_played_is_raised_and_shown_once(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(settings=replace(SETTINGS, routers={"stop": lambda _: Interrupted()}))
    with pytest.raises(KeyboardInterrupt):
        lab.play(cases_of(graph(ids="a"), ["stop"]))
    del lab
    gc.collect()
    assert caplog.records == []
