"""`load_policy(...).choose(...)`: the model and the reason, as the policy's mode would plan it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace as struct_with

from pytest_swarm import Task, load_policy
from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import PolicyError
from pytest_swarm.routing.policy import check_policy_setting
from pytest_swarm.routing.policy_choice import DecidedPolicy
from pytest_swarm.routing.policy_file import (
    PolicyCell,
    PolicyFile,
    PolicyModel,
    PolicyProvenance,
    PolicyWeights,
    write_policy,
)
from pytest_swarm.units import parse_size_gb
from pytest_swarm.workloads.fleet import load_fleet

FLEET = load_fleet("heavy")
PROVENANCE = PolicyProvenance(
    runs=(),
    backend="sim",
    backend_detail="",
    simulated=True,
    profile="a40",
    versions={},
    written="2026-08-01T12:00:00Z",
    tool_version="0",
    ruling="use",
    decided_by="score",
    against="fixed (horizon 0)",
    jobs=30,
    repeats=1,
)


def policy(
    mode: str = "milp", *, horizon: HorizonDepth = 0, budget_gb: float = 8.0, digest: str | None = None
) -> PolicyFile:
    models = tuple(
        PolicyModel(
            name=model.tag,
            vram_gb=model.vram_gb,
            load_time_ms=model.load_time_ms,
            cost_per_token=model.cost_per_token,
            max_ctx=model.max_ctx,
            num_ctx=model.context_tokens,
            capabilities=model.capabilities,
            digest=digest,
        )
        for model in FLEET
    )
    return PolicyFile(
        schema="swarm-policy/1",
        mode=mode,
        horizon_depth=horizon,
        vram_budget_gb=budget_gb,
        weights=PolicyWeights(token=0.5, switch=0.2),
        fleet_name="heavy",
        models=models,
        estimates=(),
        table=(PolicyCell(type="code", resident=(), model="gemma2:2b", share=1.0, tasks=3, jobs=3),),
        provenance=PROVENANCE,
    )


def saved(folder: Path, made: PolicyFile) -> Path:
    path = folder / "policy.json"
    write_policy(made, path)
    return path


def test_a_policy_chooses_a_model_within_the_budget_and_says_why(tmp_path: Path) -> None:
    chosen = load_policy(saved(tmp_path, policy())).choose("code")
    assert (chosen.model, chosen.load, chosen.unload) == ("qwen2.5-coder:7b", True, ())
    assert chosen.reason == (
        "mode milp: qwen2.5-coder:7b has to be loaded, its quality on code is estimated at 0.85, within 8GB"
    )


def test_a_type_that_nothing_is_known_of_is_not_called_estimated(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path, policy()))
    assert "its quality on haiku is not known and taken as 0.50" in loaded.choose("haiku").reason


def test_a_resident_model_needs_no_load_and_stays_where_that_pays(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path, policy(budget_gb=8.0)))
    kept = loaded.choose("summarize", resident=["llama3.1:8b"])
    assert (kept.model, kept.load, kept.unload) == ("llama3.1:8b", False, ())
    swapped = loaded.choose("code", resident=["gemma2:2b", "some-other:1b"])
    assert (swapped.model, swapped.unload) == ("qwen2.5-coder:7b", ("gemma2:2b",))


def test_tasks_in_view_change_the_choice_only_within_the_horizon(tmp_path: Path) -> None:
    ahead = load_policy(saved(tmp_path, policy(horizon=3)))
    alone, among = ahead.choose("extraction"), ahead.choose("extraction", horizon=["code", "code", "code"])
    assert alone.model == "gemma2:2b"
    assert among.model == "qwen2.5-coder:7b"
    blind = load_policy(saved(tmp_path, policy(horizon=0)))
    assert blind.choose("extraction", horizon=["code", "code", "code"]).model == alone.model


def test_a_whole_task_brings_its_size_and_difficulty(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path, policy(budget_gb=24.0)))
    small = Task(id="a", type="math", prompt="2 + 2", estimated_tokens=20)
    large = replace(small, estimated_tokens=8000)
    assert loaded.choose(small).model == "phi4:14b"
    assert loaded.choose(large).model == "gemma2:2b"


def test_the_budget_that_a_refusal_names_is_the_one_of_the_decision(tmp_path: Path) -> None:
    """7.5GiB are no whole thousandths of a GB: in three digits, the advice would be refused in turn."""
    made = policy(budget_gb=parse_size_gb("7.5GiB", what="budget"))
    path = saved(tmp_path, made)
    with pytest.raises(PolicyError, match=r"for horizon 0 and 8\.053064GB, not for horizon 0 and 8\.053GB") as refused:
        check_policy_setting(str(path), FLEET, folder=None, horizon=0, budget_gb=8.053)
    advised = str(refused.value).rpartition("--swarm-vram=")[2]
    check_policy_setting(
        str(path), FLEET, folder=None, horizon=0, budget_gb=parse_size_gb(advised, what="--swarm-vram")
    )


def test_a_task_that_no_model_can_take_is_one_sentence(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path, policy(budget_gb=3.0)))
    with pytest.raises(
        PolicyError, match=r"^policy [^\n]*policy\.json: no model fits the VRAM budget of 3GB for task 'a'[^\n]*$"
    ):
        loaded.choose(Task(id="a", type="math", prompt="2 + 2", estimated_tokens=20_000))


def test_tasks_of_one_name_are_told_apart(tmp_path: Path) -> None:
    ahead = load_policy(saved(tmp_path, policy(mode="staged", horizon=3, budget_gb=24.0)))
    tasks = [Task(id="same", type=each, prompt="-", estimated_tokens=300) for each in ("math", "code", "code")]
    by_type = ahead.choose("math", horizon=["code", "code"])
    assert ahead.choose(tasks[0], horizon=tasks[1:]) == by_type
    assert ahead.choose(replace(tasks[0], id="later 1"), horizon=["code", "code"]) == by_type


@pytest.mark.parametrize("mode", ["lp", "milp", "staged"])
@pytest.mark.parametrize("horizon", [0, 2, "flat"])
@pytest.mark.parametrize("shared", [False, True], ids=["own weights", "shared weights"])
def test_a_choice_by_the_program_alone_is_that_of_the_plan(mode: str, horizon: HorizonDepth, shared: bool) -> None:
    draw, solved = Random(5), 0
    for _ in range(12):
        models = [
            struct_with(each, max_ctx=draw.choice([400, 8192]), num_ctx=400, keep=draw.random() < 0.1)
            for each in policy().models
        ]
        if shared:
            models.append(struct_with(models[0], name="copy", capabilities={"*": 0.9}, shares_with=models[0].name))
        weights = PolicyWeights(token=draw.random(), switch=draw.random(), latency=draw.choice([0, 0.01]))
        made = struct_with(policy(mode, horizon=horizon, budget_gb=16.0), models=tuple(models), weights=weights)
        loaded = DecidedPolicy(made, where="policy")
        for _ in range(4):
            tasks = tuple(
                Task(id=f"t{n}", type=draw.choice(list(TaskType)), prompt="-", estimated_tokens=draw.randrange(1, 900))
                for n in range(3 if horizon else 1)
            )
            resident = frozenset(draw.sample([each.name for each in policy().models], draw.randrange(3)))
            found = loaded._solved(tasks, resident)
            if found is not None:
                solved += 1
                assert found == loaded._routed(tasks, resident)
    assert solved == 0 if shared else solved > 30


def test_a_mode_that_asks_a_planner_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="its mode 'llm' asks a planner model, which load_policy cannot"):
        load_policy(saved(tmp_path, policy("llm")))


def test_changed_and_missing_models_are_named(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path, policy(digest="sha256:" + "a" * 64)))
    same = dict.fromkeys(FLEET.tags, "sha256:" + "a" * 64)
    assert loaded.changes(same) == ()
    del same["phi4:14b"]
    same["gemma2:2b"] = "sha256:" + "b" * 64
    assert loaded.changes(same) == (
        "model gemma2:2b is another one (digest bbbbbbbbbbbb) than when it was measured (aaaaaaaaaaaa); "
        "measure and decide anew",
        "model phi4:14b is not installed; pull it, or decide anew without it",
    )


def test_choosing_imports_neither_pytest_nor_a_solver(tmp_path: Path) -> None:
    paths = []
    for mode in ("milp", "single:gemma2:2b", "lp"):
        paths.append(str(saved(tmp_path, policy(mode, horizon=1)).rename(tmp_path / f"{len(paths)}.json")))
    code = (
        "import sys; from pytest_swarm import load_policy\n"
        f"for path in {paths}: load_policy(path).choose('code', horizon=['math'])\n"
        "print(sorted({'pytest', '_pytest', 'cvxpy', 'highspy', 'httpx', 'ollama', 'scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((None,), "choose: None is no task; give a Task, or the type of one, such as 'code'"),
        (("",), "choose: '' is no task"),
        (("code", "gemma2:2b"), r"choose: resident is 'gemma2:2b'; give a list, such as resident=\['gemma2:2b'\]"),
        (("code", None), "choose: resident is None; give a list"),
        (("code", [7]), "choose: resident holds 7, which is no tag"),
        (("code", (), "math"), r"choose: horizon is 'math'; give a list, such as horizon=\['math'\]"),
        (("code", (), ["math", 3]), "choose: 3 is no task"),
        (("code", (), {"math"}), r"choose: horizon is \{'math'\}; give a list"),
        (("c" * 61,), "choose: task 'task': 'c*' is no task type; write a word"),
    ],
    ids=["none", "empty", "resident", "no-resident", "no-tag", "horizon", "no-task", "no-order", "no-type"],
)
def test_an_argument_of_another_type_is_one_sentence(tmp_path: Path, arguments: tuple[object, ...], said: str) -> None:
    loaded = load_policy(saved(tmp_path, policy(horizon=1)))
    names = ("resident", "horizon")
    with pytest.raises(PolicyError, match=rf"^policy [^\n]*policy\.json: {said}"):
        loaded.choose(arguments[0], **dict(zip(names, arguments[1:], strict=False)))


@pytest.mark.parametrize("installed", [None, "gemma2:2b", ["gemma2:2b"], {3: "sha256:a"}, {"a": 4}, [("a", "b", "c")]])
def test_what_lists_no_models_is_one_sentence(tmp_path: Path, installed: object) -> None:
    loaded = load_policy(saved(tmp_path, policy()))
    with pytest.raises(PolicyError, match=r"^policy [^\n]*: changes: .* has no tags with digests; give a mapping"):
        loaded.changes(installed)


def test_weights_beyond_what_can_be_computed_name_the_policy(tmp_path: Path) -> None:
    made = policy()
    loaded = load_policy(saved(tmp_path, struct_with(made, weights=struct_with(made.weights, token=1e300))))
    with pytest.raises(PolicyError, match=r"^policy [^\n]*: choose: the utility of model .* is beyond"):
        loaded.choose("code")


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("zzz", "cannot be played: unknown mode 'zzz'; known are"),
        ("oracle", "its mode 'oracle' knows the answers before"),
    ],
)
def test_a_mode_that_cannot_be_loaded_names_the_file(tmp_path: Path, mode: str, said: str) -> None:
    with pytest.raises(PolicyError, match=rf"^policy [^\n]*policy\.json: {said}"):
        load_policy(saved(tmp_path, policy(mode)))


def test_a_model_beyond_the_budget_is_never_chosen(tmp_path: Path) -> None:
    relaxed = load_policy(saved(tmp_path, policy("single:phi4:14b", budget_gb=8.0)))
    with pytest.raises(PolicyError, match=r"budget of 8GB"):
        relaxed.choose("math")


@pytest.mark.parametrize("mode", ["lp", "milp", "staged", "fixed", "collate", "greedy", "best-single", "random"])
def test_a_pinned_model_never_leaves_for_another(mode: str) -> None:
    small, *others = policy().models
    made = struct_with(policy(mode, horizon=2, budget_gb=16.0), models=(struct_with(small, keep=True), *others))
    chosen = DecidedPolicy(made, where="policy").choose("code", resident=FLEET.tags[:3:2], horizon=["code", "math"])
    assert small.name not in chosen.unload
    tight = DecidedPolicy(struct_with(made, vram_budget_gb=8.0), where="policy")
    if mode == "lp":  # whose plan is over the budget
        with pytest.raises(PolicyError, match=r"which with the pinned models needs 8\.5GB, more than"):
            tight.choose("code", resident=[small.name])
    else:
        assert tight.choose("code", resident=[small.name]).model == small.name


def test_a_policy_that_the_runs_of_its_decision_found_unusable_says_so(tmp_path: Path) -> None:
    fault = "breaks the budget in 9 of 9 jobs"
    path = saved(
        tmp_path, struct_with(policy("lp"), provenance=struct_with(PROVENANCE, ruling="unusable", fault=fault))
    )
    with pytest.warns(UserWarning, match=rf"policy\.json: it cannot be used as it is: .* it {fault}$") as warned:
        loaded = load_policy(path)
    assert warned[0].filename == __file__, "the line that loads it is named"
    assert loaded.fault == f"policy {path}: it cannot be used as it is: in the runs of its decision it {fault}"
    assert load_policy(saved(tmp_path, policy("lp"))).fault is None


def test_a_model_is_resident_under_any_name_of_its_weights(tmp_path: Path) -> None:
    made = policy(budget_gb=8.0)
    small = struct_with(made.models[0], capabilities={"summarize": 0.9})
    twin = struct_with(small, name="twin", shares_with=small.name, capabilities={"math": 0.99})
    loaded = load_policy(saved(tmp_path, struct_with(made, models=(small, twin, *made.models[1:]))))
    cold = loaded.choose("math")
    assert (cold.model, cold.load) == ("twin", True)
    for name in ("twin", small.name, "TWIN:latest"):
        chosen = loaded.choose("math", resident=[name])
        assert (chosen.model, chosen.load, chosen.unload) == ("twin", False, ())
        assert "twin is resident" in chosen.reason
    assert loaded.choose("code", resident=["twin"]).unload == ("twin",)
    assert loaded.choose("code", resident=[small.name]).unload == (small.name,)


@pytest.mark.parametrize("mode", ["milp", "lp", "fixed", "random"])
def test_a_policy_may_go_to_another_process(tmp_path: Path, mode: str) -> None:
    write_policy(policy(mode), tmp_path / "policy.json")
    first = load_policy(tmp_path / "policy.json")
    for other in (pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        assert other.choose("code", resident=["gemma2:2b"]) == first.choose("code", resident=["gemma2:2b"])


@pytest.mark.parametrize("path", [None, 3, "", b"policy.json", "policy\0.json"])
def test_what_is_no_path_is_refused_in_one_sentence(path: object) -> None:
    fault = "a file is named by its path, a str or a Path, not by |policy .*null (byte|character)"
    with pytest.raises(PolicyError, match=f"^({fault})"):
        load_policy(path)  # type: ignore[arg-type]  # what users hand over
