"""Fleet files: the shipped ones, both formats, and each way of being wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import FleetError, SwarmError
from pytest_swarm.workloads.fleet import load_fleet, shipped_fleets
from tests.execution.lab import dump_fleet

CONFIGS = Path(__file__).parents[2] / "configs"
ROW = {"name": "m:1b", "vram_gb": 1.5, "load_time_ms": 100, "cost_per_token": 0.5, "max_ctx": 4096}
ORDER = ("code", "reasoning", "math", "creative", "extraction", "summarize")
PUBLISHED = {
    "heavy": {
        "gemma2:2b": (2, 600, 0.4, 8192, (0.45, 0.5, 0.45, 0.55, 0.55, 0.55)),
        "qwen2.5-coder:7b": (6.5, 1200, 1.2, 32768, (0.85, 0.65, 0.65, 0.55, 0.6, 0.6)),
        "llama3.1:8b": (8, 1600, 1.4, 8192, (0.7, 0.8, 0.72, 0.7, 0.7, 0.75)),
        "phi4:14b": (12.5, 2400, 2.0, 8192, (0.75, 0.88, 0.9, 0.55, 0.72, 0.7)),
    },
    "fast": {
        "tinyllama:latest": (1.2, 450, 0.25, 4096, (0.35, 0.45, 0.35, 0.5, 0.55, 0.55)),
        "gemma2:2b": (2, 600, 0.35, 8192, (0.45, 0.5, 0.45, 0.55, 0.6, 0.6)),
        "phi3:mini": (3, 800, 0.6, 8192, (0.5, 0.65, 0.65, 0.5, 0.6, 0.6)),
    },
}


@pytest.mark.parametrize("name", ["heavy", "fast"])
def test_the_shipped_fleets_hold_the_published_figures(name):
    fleet = load_fleet(name)
    assert fleet.name == name
    read = {
        m.tag: (m.vram_gb, m.load_time_ms, m.cost_per_token, m.max_ctx, tuple(m.capability(TaskType(t)) for t in ORDER))
        for m in fleet
    }
    assert read == PUBLISHED[name]


def test_configs_hold_the_same_files_as_the_package():
    assert {path.name for path in CONFIGS.glob("*.toml")} == {path.name for path in shipped_fleets().values()}
    for path in shipped_fleets().values():
        assert (CONFIGS / path.name).read_bytes() == path.read_bytes()


def test_a_file_goes_before_a_shipped_fleet_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("heavy").mkdir()
    with pytest.raises(FleetError):
        load_fleet("heavy")


@pytest.mark.parametrize("document", [[ROW], {"agents": [ROW]}, {"model": [ROW]}])
def test_the_published_agents_json_is_read(document, tmp_path):
    path = tmp_path / "agents.json"
    path.write_text(json.dumps(document))
    fleet = load_fleet(path)
    assert fleet.name == "agents"
    assert fleet.tags == ("m:1b",)
    assert fleet["m:1b"].capability(TaskType.CODE) == 0.5


def test_an_excluded_model_is_left_out(tmp_path):
    path = tmp_path / "f.json"
    path.write_text(json.dumps([ROW, ROW | {"name": "big", "exclude": True}]))
    assert load_fleet(path).tags == ("m:1b",)


def wrong(**changes: object) -> str:
    return json.dumps([ROW | changes])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (wrong(vram_gb=-2), "model 1 (m:1b): model 'm:1b': vram_gb is -2, but must be above 0"),
        (wrong(vram_gb=0), "vram_gb is 0, but must be above 0"),
        (wrong(vram_gb="8GB"), "'vram_gb' must be a number, not '8GB'"),
        (wrong(vram_gb=None), "'vram_gb' is missing; it must be a number"),
        (wrong(cost_per_token=float("nan")), "is not valid JSON: NaN is not a JSON number"),
        (wrong(load_time_ms=-1), "load_time_ms is -1, but must be at least 0"),
        (wrong(max_ctx=0), "'max_ctx' is 0, but must be at least 1"),
        (wrong(max_ctx=1.5), "'max_ctx' must be a whole number, not 1.5"),
        (wrong(num_ctx="8k"), "'num_ctx' must be a whole number or \"auto\", not '8k'"),
        (wrong(num_ctx=0), "num_ctx is 0, but must be above 0"),
        (wrong(cost_per_token=1e308), "'cost_per_token' is 1e+308, but must be at most 1e+12"),
        (wrong(vram_gb=1e308), "'vram_gb' is 1e+308, but must be at most 1e+06"),
        (wrong(load_time_ms=1e308), "'load_time_ms' is 1e+308, but must be at most 3.1536e+10"),
        (wrong(max_ctx=10**300), "'max_ctx' is 1e+300, but must be at most 1e+12"),
        (wrong(decode_tokens_per_s=1e-308), "'decode_tokens_per_s' is 1e-308, but must be at least 1e-06"),
        (
            wrong(max_ctx=4096, num_ctx=4097),
            "model 1 (m:1b): 'num_ctx' is 4097, but the longest context ('max_ctx') is 4096; lower the one or raise",
        ),
        (wrong(vramgb=3), "unknown key 'vramgb'; did you mean 'vram_gb'? Known keys: name, vram_gb"),
        (wrong(name=""), "model 1: no server takes '' as the name of a model; write it as `ollama list` shows it"),
        (wrong(name="my model"), "model 1: no server takes 'my model' as the name of a model"),
        (wrong(name=None), "'name' is missing"),
        (wrong(capabilities={"code": 1.5}), "'code' is 1.5, but must be from 0 to 1"),
        (
            wrong(capabilities={"": 0.5}),
            "'' is no task type; write a word of 1 to 60 characters, such as code or math, or '*'",
        ),
        (wrong(capabilities={"Law": 0.5, "law": 0.6}), "capability 'law' appears twice"),
        (wrong(capabilities=[0.5]), "must be a table, not [0.5]"),
        (wrong(decode_tokens_per_s=0), "'decode_tokens_per_s' is 0, but must be above 0"),
        (wrong(keep="yes"), "'keep' must be true or false, not 'yes'"),
        (wrong(exclude=True), "every model is excluded; include at least one"),
        (json.dumps([ROW, ROW]), "model 'm:1b' appears twice"),
        ("[]", "fleet 'fleet' has no models"),
        ("{}", "fleet 'fleet' has no models"),
        ('{"model": 3}', "'model' must be a list of tables; write [[model]]"),
        ('{"model": [3]}', "model 1: must be a table, not 3"),
        ('{"models": []}', "unknown key 'models'; did you mean 'model'? Known keys: model, agents"),
        ('{"model": [], "agents": []}', "has both 'model' and 'agents'"),
        ("3", "must be a table, not 3"),
    ],
)
def test_a_wrong_fleet_is_refused_in_one_sentence_that_names_the_file(text, sentence, tmp_path):
    path = tmp_path / "fleet.json"
    path.write_text(text)
    with pytest.raises(FleetError) as raised:
        load_fleet(path)
    message = str(raised.value)
    assert sentence in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_a_name_that_is_neither_file_nor_shipped():
    with pytest.raises(
        FleetError, match=r"hevy: there is no such fleet file; name a file, or a shipped fleet \(fast, heavy\)"
    ):
        load_fleet("hevy")


models = st.builds(
    Model,
    tag=st.from_regex(r"(hf\.co/[a-z]/)?[A-Za-z0-9_][a-z0-9_.-]{0,4}(:[A-Z0-9]{1,3})?", fullmatch=True),
    vram_gb=st.floats(0.1, 99),
    load_time_ms=st.floats(0, 1e6),
    cost_per_token=st.floats(0, 99),
    max_ctx=st.integers(1, 10**6),
    capabilities=st.dictionaries(st.sampled_from(TaskType), st.floats(0, 1)),
    num_ctx=st.none() | st.integers(1, 10**6),
    decode_tokens_per_s=st.none() | st.floats(0.1, 999),
    keep=st.booleans(),
).filter(lambda model: model.context_tokens <= model.max_ctx)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(offered=st.lists(models, min_size=1, max_size=3, unique_by=lambda model: full_tag(model.tag)))
def test_any_fleet_survives_dumping_and_loading(offered, tmp_path):
    fleet = Fleet(name="any", models=tuple(offered))
    (tmp_path / "any.toml").write_text(dump_fleet(fleet), encoding="utf-8", newline="")
    assert load_fleet(tmp_path / "any.toml") == fleet


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.binary(max_size=80), suffix=st.sampled_from([".toml", ".json"]))
def test_any_bytes_are_refused_in_a_sentence(data, suffix, tmp_path):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(data)
    with pytest.raises(SwarmError):
        load_fleet(path)


def test_an_auto_context_is_read_and_written(tmp_path):
    path = tmp_path / "f.json"
    path.write_text(json.dumps([ROW | {"num_ctx": "auto"}, ROW | {"name": "n:1b", "num_ctx": 2048}]))
    fleet = load_fleet(str(path))
    assert [(model.auto_ctx, model.context_tokens) for model in fleet] == [(True, 4096), (False, 2048)]
    (tmp_path / "f.toml").write_text(dump_fleet(fleet))
    assert load_fleet(str(tmp_path / "f.toml")) == fleet


ASSIGNED = """
[assign]
Code = "m:1b"
"*" = "n:2b"
[[model]]
name = "m:1b"
vram_gb = 1
load_time_ms = 1
cost_per_token = 1
max_ctx = 10
[model.capabilities]
"Tort Law" = 0.7
"*" = 0.2
[[model]]
name = "n:2b"
vram_gb = 2
load_time_ms = 1
cost_per_token = 1
max_ctx = 10
"""


def test_a_fleet_may_assign_models_to_types_and_is_written_as_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(ASSIGNED)
    fleet = load_fleet(tmp_path / "f.toml")
    assert dict(fleet.assign) == {"code": "m:1b", "*": "n:2b"}
    assert [fleet.assigned(kind) for kind in ("code", "poetry")] == [fleet["m:1b"], fleet["n:2b"]]
    assert [fleet["m:1b"].capability(kind) for kind in ("tort law", "poetry")] == [0.7, 0.2]
    assert fleet["n:2b"].capability("poetry") == 0.5
    (tmp_path / "f.toml").write_text(dump_fleet(fleet))
    assert load_fleet(tmp_path / "f.toml") == fleet
    plain = replace(fleet, assign={})
    assert plain.assigned("code") is None
    assert fleet.digest != plain.digest


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'Code = "m:1b"',
            'Code = "gpt"',
            "f.toml: fleet 'f', assign: 'Code' names 'gpt', but its models are m:1b",
        ),
        (
            'name = "m:1b"',
            'name = "m:1b"\nexclude = true',
            "f.toml, assign: 'Code' names 'm:1b', which is excluded; include it, or name another model",
        ),
        ('Code = "m:1b"', "Code = 3", "f.toml, 'assign': 'code' must be"),
        ('Code = "m:1b"', '"" = "m:1b"', "assign: '' is no task type"),
    ],
)
def test_a_wrong_assignment_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    (tmp_path / "f.toml").write_text(ASSIGNED.replace(old, new))
    with pytest.raises(FleetError) as caught:
        load_fleet(tmp_path / "f.toml")
    assert sentence.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)
