"""Models, fleets, prompts and case keys as values."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Custom, JsonFields
from pytest_swarm.domain.expectation_codec import decode_expectation, encode_expectation
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import DEFAULT_NUM_CTX, Fleet, Model
from pytest_swarm.domain.prompt import parent_outputs, task_messages
from pytest_swarm.domain.record import Case, CaseKey, lambda_label
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.domain.weight_groups import sharing_weights
from pytest_swarm.errors import FleetError, GraphError
from pytest_swarm.fields import Fields
from tests.workloads.graphs import expectations, graphs

MODEL = Model(tag="m:1b", vram_gb=1, load_time_ms=0, cost_per_token=0, max_ctx=20_000)
TASK = Task(id="t", type=TaskType.CODE, prompt="the prompt", estimated_tokens=20_000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tag": " "}, "a model of the fleet has an empty name"),
        ({"vram_gb": 0}, "model 'm:1b': vram_gb is 0, but must be above 0"),
        ({"vram_gb": float("nan")}, "vram_gb is nan"),
        ({"load_time_ms": -1}, "load_time_ms is -1, but must be at least 0"),
        ({"cost_per_token": float("inf")}, "cost_per_token is inf"),
        ({"max_ctx": 0}, "max_ctx is 0, but must be above 0"),
        ({"num_ctx": -5}, "num_ctx is -5, but must be above 0"),
        ({"capabilities": {TaskType.CODE: 1.1}}, "capability code is 1.1, but must be from 0 to 1"),
        ({"capabilities": {TaskType.CODE: float("nan")}}, "capability code is nan, but must be from 0 to 1"),
    ],
)
def test_a_model_that_makes_no_sense_cannot_exist(changes, sentence):
    with pytest.raises(FleetError) as raised:
        replace(MODEL, **changes)
    assert sentence in str(raised.value)


def test_a_models_context():
    assert MODEL.context_tokens == DEFAULT_NUM_CTX
    assert replace(MODEL, num_ctx=None, max_ctx=100).context_tokens == 100
    assert MODEL.can_take(TASK)
    assert not MODEL.can_take(replace(TASK, estimated_tokens=20_001))
    assert MODEL.capability(TaskType.CODE) == 0.5


def test_a_fleet_knows_a_model_by_all_of_its_names():
    fleet = Fleet(name="f", models=(replace(MODEL, tag="Gemma2"), replace(MODEL, tag="hf.co/team/m:Q4")))
    assert fleet.tags == ("Gemma2", "hf.co/team/m:Q4")
    assert fleet["gemma2:latest"] is fleet["Gemma2"] is fleet.models[0]
    assert "HF.co/team/M:q4" in fleet
    assert "gemma2:2b" not in fleet
    with pytest.raises(FleetError, match="'gemma2:latest' appears twice, the other time as 'Gemma2'"):
        Fleet(name="f", models=(fleet.models[0], replace(MODEL, tag="gemma2:latest")))


def test_a_fleet_finds_its_models():
    small = replace(MODEL, tag="s", vram_gb=0.5)
    fleet = Fleet(name="f", models=(MODEL, small, replace(small, tag="s2")))
    assert fleet.smallest is small
    assert fleet["s"] is small
    assert "x" not in fleet
    with pytest.raises(FleetError, match="fleet 'f' has no model 'x'; it has m:1b, s, s2"):
        fleet["x"]
    with pytest.raises(FleetError, match="has no models"):
        Fleet(name="f", models=())
    with pytest.raises(FleetError, match="model 's' appears twice"):
        Fleet(name="f", models=(small, small))
    assert fleet.digest != Fleet(name="f", models=(MODEL, small)).digest


def test_values_are_frozen_all_the_way_down():
    expected = JsonFields(fields={"a": 1})
    with pytest.raises(FrozenInstanceError):
        TASK.id = "other"  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        expected.fields["a"] = 2  # type: ignore[index]  # the point of the test


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@given(graph=graphs())
def test_graphs_and_fleets_are_copied_and_pickled(again: Callable[[object], object], graph: TaskGraph) -> None:
    shared = replace(MODEL, tag="n:1b", capabilities={"code": 0.25}, shares_with="m:1b")
    fleet = Fleet(name="f", models=(MODEL, shared), assign={"code": "n:1b"}, merged_tags={"o:1b": "m:1b"})
    other, others = again(graph), again(fleet)
    assert isinstance(other, TaskGraph)
    assert isinstance(others, Fleet)
    assert (other, other.digest, other.order) == (graph, graph.digest, graph.order)
    assert (others, others["o:1b"], others.sharers) == (fleet, MODEL, {"n:1b": "m:1b"})


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=40), max_size=3))
def test_parents_outputs_are_read_back_as_they_were_given(outputs):
    messages = task_messages(TASK, outputs)
    assert messages[-1] == {"role": "user", "content": TASK.prompt}
    assert len(messages) == (2 if outputs else 1)
    assert parent_outputs(messages) == outputs


@given(expectations.filter(lambda each: each is not None))
def test_any_expectation_survives_json(expected):
    encoded = encode_expectation(expected)
    assert decode_expectation(Fields(encoded, where="x", error=GraphError)) == expected


def test_a_custom_scorers_function_is_not_part_of_its_value():
    assert Custom(name="c", function=len) == Custom(name="c")


@given(graphs())
def test_a_case_is_known_by_content_not_by_test_id(graph):
    key = CaseKey(mode="lp", horizon=3, vram_budget_gb=8.0)
    case = Case(graph=graph, key=key, test="a.py::test")
    assert case.digest == Case(graph=graph, key=key, test="b.py::test").digest
    others = (
        replace(key, mode="llm"),
        replace(key, horizon="flat"),
        replace(key, repeat=2),
        replace(key, lambda_token=0.0),
        replace(key, lambda_token=0.5),
    )
    assert len({case.digest, *(Case(graph=graph, key=other).digest for other in others)}) == 6
    assert replace(key, lambda_token=0.25).label == "lp-h3-8GB-t0.25"
    assert (key.label, replace(key, horizon="flat", vram_budget_gb=7.5).label) == ("lp-h3-8GB", "lp-flat-7.5GB")


def test_the_digest_of_a_case_whose_weight_is_not_swept_stays_as_it_was():
    graph = TaskGraph(name="g", tasks=(Task(id="a", type=TaskType.MATH, prompt="p", estimated_tokens=10),))
    key = CaseKey(mode="milp", horizon=1, vram_budget_gb=24.0, repeat=2)
    text = f"{graph.digest}|milp|1|24.000000|2"
    assert Case(graph=graph, key=key).digest == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_tags_of_one_file_are_one_model_of_the_fleet() -> None:
    other = replace(MODEL, tag="Other")
    fleet = Fleet(name="f", models=(MODEL, other, replace(MODEL, tag="twin", keep=True)))
    merged = fleet.merged((("twin:latest", MODEL.tag, "stranger"), ("other", "nobody")))
    assert merged.tags == (MODEL.tag, "Other")
    assert merged["TWIN"] is merged[MODEL.tag]
    assert merged[MODEL.tag].keep
    assert (merged.copy_of("twin:latest"), merged.copy_of("other"), merged.copy_of("x")) == (MODEL.tag, "Other", None)
    assert fleet.merged(()) is fleet


def test_no_two_weights_have_one_name() -> None:
    assert [lambda_label(each) for each in (0.0, 0.25, 1, 1e6, 1e-7)] == ["t0", "t0.25", "t1", "t1000000", "t1e-07"]
    assert lambda_label(0.3) != lambda_label(0.1 + 0.2)


def test_models_of_the_same_weights_share_a_copy_at_the_same_fixed_context() -> None:
    def model(tag: str, num_ctx: int = 4096, **more: object) -> Model:
        return replace(MODEL, tag=tag, num_ctx=num_ctx, **more)

    fleet = Fleet(
        name="f",
        models=(
            model("other"),
            model("a", vram_gb=2.0, load_time_ms=900.0),
            model("b", vram_gb=3.0, load_time_ms=500.0, keep=True),
            model("wide", 8192),
            model("auto", auto_ctx=True),
        ),
    )
    shared = sharing_weights(fleet, [("b", "A:latest", "wide", "auto", "nobody")])
    assert dict(shared.sharers) == {"b": "a"}
    assert [(each.vram_gb, each.load_time_ms, each.keep) for each in shared.models[1:3]] == [(3.0, 900.0, True)] * 2
    assert [each.tag for each in shared.holders] == ["other", "a", "wide", "auto"]
    assert (shared.holder("b"), shared.holder("other"), shared.holder("nobody")) == ("a", "other", "nobody")
    assert shared.held(["b", "other"]) == {"a", "other"}
    assert shared.usable(["b"]) == {"a", "b"}
    assert sharing_weights(fleet, [("other", "wide")]) is fleet
    assert (fleet.held(["b"]), fleet.usable(["b"]), fleet.holders) == ({"b"}, {"b"}, fleet.models)
    assert shared.digest != fleet.digest


@pytest.mark.parametrize("other", [{"vram_gb": 77.0}, {"keep": True}, {"num_ctx": 512}, {"auto_ctx": True}])
def test_models_that_share_a_copy_have_one_residency(other: dict[str, object]) -> None:
    holder = replace(MODEL, tag="a", num_ctx=4096)
    with pytest.raises(FleetError, match="shares the weights of 'a'"):
        Fleet(name="f", models=(replace(holder, **other), replace(holder, tag="b", shares_with="a")))
    with pytest.raises(FleetError, match="shares the weights of 'x'"):
        Fleet(name="f", models=(replace(holder, tag="b", shares_with="x"),))


@given(graphs())
def test_a_graph_has_a_hash_whatever_it_expects(graph: TaskGraph) -> None:
    assert hash(graph) == hash(pickle.loads(pickle.dumps(graph)))


def test_expected_fields_have_one_hash_in_any_order() -> None:
    expected = [JsonFields(fields=fields) for fields in ({"a": 1, "b": "x"}, {"b": "x", "a": 1}, {"a": 2, "b": "x"})]
    hashes = list(map(hash, expected))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_fleet_has_a_hash() -> None:
    model = Model(tag="a", vram_gb=1.0, load_time_ms=1.0, cost_per_token=1.0, max_ctx=8192, capabilities={"code": 0.5})
    assert len({Fleet(name="one", models=(model,), assign={"code": "a"})} | {Fleet(name="one", models=(model,))}) == 2
