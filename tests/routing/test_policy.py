"""`policy:FILE` plans as the mode that it came from, and says in one sentence why it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace as struct_with

from pytest_swarm import load_policy
from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.decision.policy_writing import policy_of
from pytest_swarm.domain.estimates_info import EstimateCount, EstimatesInfo, EstimatesKind
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, PlanStep
from pytest_swarm.errors import OptionError, PolicyError
from pytest_swarm.estimate.scored_calls import CellKey
from pytest_swarm.estimate.starting_estimates import FixedEstimates, TypeTable
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.plugin.start_remarks import policy_remarks
from pytest_swarm.routing.policy import policy_estimator
from pytest_swarm.routing.policy_changes import changed_figures
from pytest_swarm.routing.policy_file import PolicyFile, read_policy, write_policy
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs
from tests.report.factories import info, run
from tests.tries import THOROUGH, tries

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
FLEET = replace(
    load_fleet("heavy"),
    models=tuple(replace(each, prefill_tokens_per_s=900.0, decode_tokens_per_s=50.0) for each in load_fleet("heavy")),
)
JOBS = [each.graph for each in generate_jobs(50, 3)]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(backend=simulated_backend(SimulatedWorld(profile=load_profile("a40")), FLEET), fleet=FLEET) as made:
        yield made


def played(bench: Bench, mode: str, *, horizon: int = 1, budget_gb: float = 16.0, jobs: int = 50) -> list[JobRecord]:
    key = CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb)
    bench.check_modes([mode])
    return [bench.run(Case(graph=graph, key=key)) for graph in JOBS[:jobs]]


@pytest.fixture(scope="module")
def decided(bench: Bench) -> Callable[..., PolicyFile]:
    """Return the policy of a mode, decided once from eight jobs against itself."""

    @cache
    def decide(mode: str, horizon: int = 1) -> PolicyFile:
        found = run(*played(bench, mode, horizon=horizon, jobs=8), fleet=FLEET)
        (decision,) = decide_runs([found], DecisionQuestion(against=mode))
        return policy_of(decision, now=NOW)

    return decide


@pytest.fixture
def written(decided: Callable[..., PolicyFile], tmp_path: Path) -> Callable[[str], Path]:
    """Write the policy file of a mode."""

    def write(mode: str) -> Path:
        path = tmp_path / "policy.json"
        write_policy(decided(mode), path)
        return path

    return write


def planned(step: PlanStep) -> tuple[object, ...]:
    chosen = [(each.task, each.model) for each in step.assignments]
    return chosen, [each.task for each in step.executed], step.target_residency, step.value, step.lambda_token


PLAYED = [
    *((mode, 1, tries(50)) for mode in ("milp", "fixed")),
    *((mode, 1, 10 if THOROUGH else 4) for mode in ("lp", "greedy", "collate", "best-single", "random")),
    *((mode, 0, 2) for mode in ("lp", "single:gemma2:2b")),
    *((mode, 3, 2) for mode in ("staged", "heft")),
]
if THOROUGH:
    PLAYED += [(mode, 0, 4) for mode in ("milp", "staged", "heft")]
    PLAYED += [(mode, 3, 4) for mode in ("lp", "greedy", "fixed", "random")]


@pytest.mark.thorough
@pytest.mark.parametrize(("mode", "horizon", "jobs"), PLAYED, ids=[f"{mode}-h{depth}" for mode, depth, _ in PLAYED])
def test_a_policy_plans_as_the_mode_that_it_came_from(
    bench: Bench, decided: Callable[..., PolicyFile], tmp_path: Path, mode: str, horizon: int, jobs: int
) -> None:
    path = tmp_path / "policy.json"
    write_policy(decided(mode, horizon), path)
    assert (read_policy(path).mode, read_policy(path).horizon_depth) == (mode, horizon)
    mine, theirs = (played(bench, each, horizon=horizon, jobs=jobs) for each in (f"policy:{path}", mode))
    for own, other in zip(mine, theirs, strict=True):
        assert [planned(step) for step in own.steps] == [planned(step) for step in other.steps]


def test_a_policy_is_read_as_it_was_written(written: Callable[[str], Path], tmp_path: Path) -> None:
    policy = read_policy(written("milp"))
    again = tmp_path / "again.json"
    write_policy(policy, again)
    assert read_policy(again) == policy
    assert (policy.horizon_depth, policy.vram_budget_gb, policy.provenance.written) == (1, 16.0, "2026-08-01T12:00:00Z")
    assert policy.fleet.tags == FLEET.tags
    assert {(each.model, each.type): each.believed for each in policy.estimates} == {
        (model.tag, kind): pytest.approx(model.capability(kind))
        for model in FLEET
        for kind in dict.fromkeys(each.type for each in policy.estimates)
    }


def changed(path: Path, **fields: object) -> Path:
    document = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schema": "swarm-policy/2"}, "its schema swarm-policy/2 is newer than swarm-policy/1; update pytest-swarm"),
        ({"schema": "swarm-baseline/1"}, "is not a policy of pytest-swarm: its 'schema' is not swarm-policy/1"),
        ({"vram_budget_gb": "8GB"}, "field 'vram_budget_gb': expected float, found str"),
        ({"models": []}, "field 'models'"),
        ({"mode": "policy:other.json"}, "a policy cannot play another one"),
        ({"assign": {"code": "gpt-4"}}, "names 'gpt-4', but its models are"),
    ],
    ids=["newer", "other", "type", "no-models", "nested", "foreign-model"],
)
def test_a_file_that_is_no_policy_is_one_sentence(
    written: Callable[[str], Path], fields: dict[str, object], said: str
) -> None:
    path = changed(written("milp"), **fields)
    with pytest.raises(PolicyError) as error:
        read_policy(path)
    assert str(error.value).startswith(f"policy {path}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"schema": 1}'])
def test_damaged_files_are_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(PolicyError, match=r"^policy [^\n]*p.json: [^\n]*$"):
        read_policy(path)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path, bench: Bench) -> None:
    with pytest.raises(PolicyError, match="there is no such file; write it anew with python -m pytest_swarm decide"):
        bench.check_modes([f"policy:{tmp_path / 'absent.json'}"])


def test_a_policy_without_a_file_is_refused(bench: Bench) -> None:
    with pytest.raises(OptionError, match=r"mode 'policy' names no policy file; write for example policy:policy\.json"):
        bench.check_modes(["policy"])


def test_other_models_than_those_of_the_decision_are_refused(written: Callable[[str], Path]) -> None:
    path = written("milp")
    for models, said in (
        (FLEET.models[1:], "has no model 'gemma2:2b'"),
        ((*FLEET.models, replace(FLEET.models[0], tag="new:1b")), "has model 'new:1b', among which the policy was not"),
    ):
        fleet = replace(FLEET, models=models)
        backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), fleet)
        with Bench(backend=backend, fleet=fleet) as other, pytest.raises(PolicyError, match=said):
            other.check_modes([f"policy:{path}"])


def test_a_policy_that_weighs_seconds_is_not_played_without_speeds(written: Callable[[str], Path]) -> None:
    path, fleet = written("milp"), load_fleet("heavy")
    policy = read_policy(path)
    write_policy(struct_with(policy, weights=struct_with(policy.weights, latency=0.1)), path)
    backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), fleet)
    with Bench(backend=backend, fleet=fleet) as other, pytest.raises(OptionError, match="weight of seconds in mode"):
        other.check_modes([f"policy:{path}"])


def test_another_horizon_or_budget_is_an_error_of_the_job(bench: Bench, written: Callable[[str], Path]) -> None:
    path = written("milp")
    for horizon, budget_gb in ((3, 16.0), (1, 8.0)):
        (record,) = played(bench, f"policy:{path}", horizon=horizon, budget_gb=budget_gb, jobs=1)
        assert record.status == "error"
        assert "run it with --swarm-horizon=1 --swarm-vram=16GB" in (record.error or "")


def test_the_weights_are_those_of_the_decision(written: Callable[[str], Path]) -> None:
    path = written("milp")
    policy: PolicyFile = read_policy(path)
    assert (policy.weights.token, policy.weights.switch) == (0.5, 0.2)
    document = json.loads(path.read_text())
    document["weights"]["token"] = 50.0
    path.write_text(json.dumps(document))
    backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), FLEET)
    with Bench(backend=backend, fleet=FLEET) as bench:
        models = {
            each.model for record in played(bench, f"policy:{path}", jobs=5) for each in record.steps[0].assignments
        }
        (record,) = played(bench, f"policy:{path}", jobs=1)
    assert models == {"gemma2:2b"}, "at this price of tokens only the cheapest model pays"
    assert {step.lambda_token for step in record.steps} == {50.0}


def test_the_runs_of_a_policy_are_identified(written: Callable[[str], Path]) -> None:
    (entry,) = read_policy(written("greedy")).provenance.runs
    assert entry.run == info().run
    assert len(entry.digest) == 64


def _turned() -> FixedEstimates:
    """Estimates that turn the fleet's priors round, and do not follow answers."""
    rows = tuple(
        EstimateCount(model=model.tag, type=kind, prior=0.5, mean=0.5, count=9, estimate=1 - model.capability(kind) / 3)
        for model in FLEET
        for kind in ("code", "math", "reasoning", "extraction")
    )
    info = EstimatesInfo(kind=EstimatesKind.FILE, learning=False, source="est.json", answers=9, jobs=9, rows=rows)
    table = TypeTable(
        cells={CellKey(full_tag(row.model), row.type): row.estimate for row in rows},
        rest={full_tag(model.tag): 0.3 for model in FLEET},
    )
    return FixedEstimates(table=table, info=info)


@pytest.mark.parametrize("mode", ["milp", "fixed"])
def test_a_policy_starts_and_learns_as_in_the_runs_of_its_decision(bench: Bench, tmp_path: Path, mode: str) -> None:
    estimates = _turned()
    settings = BenchSettings(estimates=estimates)
    backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), FLEET)
    with Bench(backend=backend, fleet=FLEET, settings=settings) as turned:
        theirs = played(turned, mode, jobs=12)
    found = run(*theirs, fleet=FLEET, estimates=estimates.info, options={"swarm_estimates": "est.json"})
    (decision,) = decide_runs([found], DecisionQuestion(against=mode))
    path = tmp_path / "policy.json"
    write_policy(policy_of(decision, now=NOW), path)
    mine = played(bench, f"policy:{path}", jobs=12)
    assert [list(map(planned, each.steps)) for each in mine] == [list(map(planned, each.steps)) for each in theirs]
    plain = played(bench, mode, jobs=12)
    assert [list(map(planned, each.steps)) for each in plain] != [list(map(planned, each.steps)) for each in theirs]
    policy, loaded = read_policy(path), load_policy(path)
    start = policy_estimator(policy, FLEET)
    for model in FLEET:
        for kind in ("code", "math", "summarize", "unheard-of"):
            assert loaded._estimator.capability(model.tag, kind) == start.capability(model.tag, kind)
    assert start.capability("gemma2:2b", "code") == 1 - FLEET["gemma2:2b"].capability("code") / 3


def test_figures_of_the_fleet_that_are_other_ones_are_named(written: Callable[[str], Path]) -> None:
    policy = read_policy(written("milp"))
    assert changed_figures(policy, FLEET) == ()
    first = FLEET.models[0]
    other = replace(FLEET, models=(replace(first, vram_gb=3.5, keep=True), *FLEET.models[1:]))
    assert changed_figures(policy, other) == (
        "the fleet is not that of its decision, so its plans may differ: vram_gb of gemma2:2b is 3.5 instead of "
        f"{first.vram_gb}, keep of gemma2:2b is True instead of False",
    )
    better = replace(first, capabilities={**first.capabilities, "code": 0.99})
    assert changed_figures(policy, replace(FLEET, models=(better, *FLEET.models[1:]))) == (
        "the fleet has other priors for gemma2:2b, and the policy keeps its own",
    )


def test_the_holder_of_the_same_weights_is_no_figure_of_the_fleet(written: Callable[[str], Path]) -> None:
    policy = read_policy(written("milp"))
    rows = (struct_with(policy.models[0], name="a"), struct_with(policy.models[0], name="b", shares_with="a"))
    policy = struct_with(policy, models=rows, assign={})
    a, b = (replace(each, shares_with=None) for each in policy.fleet)
    turned, apart = (
        replace(policy.fleet, models=(b, replace(a, shares_with="b"))),
        replace(policy.fleet, models=(a, b)),
    )
    assert changed_figures(policy, turned) == ()
    assert changed_figures(policy, apart) == (
        "the fleet is not that of its decision, so its plans may differ: shares_with of a is None instead of b, "
        "shares_with of b is None instead of a",
    )


class _Session:
    """What the remarks on policies look at."""

    planned_fleet = FLEET
    inputs = SimpleNamespace(folder=None)
    asked = False

    def __init__(self, *policies: Path) -> None:
        self.collected = SimpleNamespace(modes={"milp", *(f"policy:{path}" for path in policies)})

    @property
    def model_digests(self) -> dict[str, str]:
        """Those of the server, which can be asked only before a case runs."""
        self.asked = True
        return {}


def test_the_server_is_asked_for_digests_before_a_case_runs_whatever_the_modes() -> None:
    session = _Session()
    assert policy_remarks(session, {}) == []
    assert session.asked


def test_what_a_run_does_otherwise_than_its_policy_was_decided_is_said(written: Callable[[str], Path]) -> None:
    path = changed(written("milp"), estimates_from="est.json", learning=False, options={"swarm_dispatch": "tasks"})
    given = {"swarm_estimates": "est.json", "swarm_learning": "off", "swarm_dispatch": "tasks"}
    assert policy_remarks(_Session(path), given) == []
    assert policy_remarks(_Session(path), {}) == [
        f"policy {path}: it starts from its own estimates (est.json), the other modes from --swarm-estimates=prior",
        f"policy {path}: its own --swarm-learning=off holds for it, not that of the run",
        f"policy {path}: it was decided with --swarm-dispatch=tasks, and this run has layers",
    ]
    lighter = given | {"swarm_lambda_token": "0.5,1", "swarm_lambda_switch": "0.20"}
    assert policy_remarks(_Session(path), lighter) == [
        f"policy {path}: its own --swarm-lambda-token=0.5 holds for it, not that of the run"
    ]
    unread = {"swarm_planner": "llama3.1:8b", "swarm_quality_floor": "0.2", "swarm_replan": "always"}
    assert policy_remarks(_Session(path), given | unread) == [], "milp reads none of them"
    crossed = changed(path, estimates_from="cross:reports/A", learning=None)
    (said,) = policy_remarks(_Session(crossed), given)
    assert "were made for each job anew (cross:reports/A), so it starts from their means over jobs: its plans" in said


def test_a_policy_that_broke_the_budget_in_its_decision_is_named_at_the_start(written: Callable[[str], Path]) -> None:
    path = written("milp")
    fault = "breaks the budget in 9 of 9 jobs"
    changed(path, provenance=json.loads(path.read_text())["provenance"] | {"fault": fault})
    (said,) = policy_remarks(_Session(path), {})
    assert said == f"policy {path}: it cannot be used as it is: in the runs of its decision it {fault}"


def test_a_mode_that_cannot_be_played_names_the_file(bench: Bench, written: Callable[[str], Path]) -> None:
    path = changed(written("milp"), mode="zzz")
    with pytest.raises(PolicyError, match=rf"^policy {path}: cannot be played: unknown mode 'zzz'; known are "):
        bench.check_modes([f"policy:{path}"])
