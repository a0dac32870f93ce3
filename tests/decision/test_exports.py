"""Exports load in what reads them, keep the budget, and treat names of models as data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from msgspec.structs import replace

from pytest_swarm.cli import main
from pytest_swarm.decision.exports import EXPORTS
from pytest_swarm.decision.exports.exported_policy import export_text
from pytest_swarm.decision.exports.resident_sets import resident_sets
from pytest_swarm.errors import PolicyError
from pytest_swarm.routing.policy_file import PolicyCell, PolicyEstimate, PolicyFile
from tests.routing.test_policy_choice import policy

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "a'; touch owned; '",
    "$(touch owned)",
    "`touch owned`",
    "x: {y}\n- z #",
    'quo"te\\',
    "line\u2028break\u0085\x1b[31m",
    "!!python/object:os.system",
)
LLAMA_SWAP = {
    "type": "object",
    "required": ["models", "matrix"],
    "additionalProperties": False,
    "properties": {
        "models": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["cmd"],
                "additionalProperties": False,
                "properties": {
                    "cmd": {"type": "string", "minLength": 1},
                    "ttl": {"type": "integer", "minimum": 0},
                    "aliases": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                },
            },
        },
        "matrix": {
            "type": "object",
            "required": ["vars", "sets"],
            "additionalProperties": False,
            "properties": {
                "vars": {
                    "propertyNames": {"pattern": "^[a-zA-Z0-9]{1,8}$"},
                    "additionalProperties": {"type": "string"},
                },
                "evict_costs": {"additionalProperties": {"type": "integer", "minimum": 1}},
                "sets": {"minProperties": 1, "additionalProperties": {"type": "string"}},
            },
        },
    },
}
"""The keys that are written, as config-schema.json of llama-swap documents them."""


def cell(kind: str, model: str, *, tasks: int = 5) -> PolicyCell:
    return PolicyCell(type=kind, resident=(), model=model, share=1.0, tasks=tasks, jobs=tasks)


def used(*, budget_gb: float = 16.0, rename: dict[str, str] | None = None) -> PolicyFile:
    """A policy that gives code to qwen, math to phi4, and the rest to gemma."""
    names = rename or {}
    made = policy(budget_gb=budget_gb)
    models = tuple(replace(each, name=names.get(each.name, each.name)) for each in made.models)
    table = tuple(
        cell(kind, names.get(model, model))
        for kind, model in (("code", "qwen2.5-coder:7b"), ("math", "phi4:14b"), ("summarize", "gemma2:2b"))
    )
    estimates = tuple(
        PolicyEstimate(model=each.name, type="code", believed=0.5, score=n / 10, tasks=3)
        for n, each in enumerate(models)
    )
    return replace(made, models=models, table=table, estimates=estimates)


def test_llama_swap_reads_models_and_sets_that_fit_the_budget() -> None:
    made = used()
    document = yaml.safe_load(export_text(made, "llama-swap"))
    jsonschema.validate(document, LLAMA_SWAP)
    vram_gb = {model.name: model.vram_gb for model in made.models}
    names = document["matrix"]["vars"]
    sets = [[names[each] for each in row.split(" & ")] for row in document["matrix"]["sets"].values()]
    assert sorted(map(sorted, sets)) == [["gemma2:2b", "phi4:14b"], ["gemma2:2b", "qwen2.5-coder:7b"]]
    assert all(sum(vram_gb[tag] for tag in each) <= 16.0 for each in sets)
    assert set(names.values()) == set(document["models"]) == {"gemma2:2b", "qwen2.5-coder:7b", "phi4:14b"}
    assert document["models"]["phi4:14b"]["aliases"] == ["swarm-math"]
    costs = {names[short]: cost for short, cost in document["matrix"]["evict_costs"].items()}
    assert costs == {"gemma2:2b": 6, "qwen2.5-coder:7b": 12, "phi4:14b": 24}


def test_models_of_the_same_weights_take_vram_once_but_in_a_process_of_their_own() -> None:
    made = used(budget_gb=9.0)
    models = [replace(each, vram_gb=4.0) for each in made.models if each.name != "phi4:14b"]
    models[1] = replace(models[1], shares_with=models[0].name)
    made = replace(made, models=(*models, next(each for each in made.models if each.name == "phi4:14b")))
    made = replace(made, table=tuple(each for each in made.table if each.model != "phi4:14b"), vram_budget_gb=5.0)
    both = {models[0].name, models[1].name}
    assert [{each.name for each in chosen} for chosen in resident_sets(made)] == [both]
    assert "export OLLAMA_MAX_LOADED_MODELS=1\n" in export_text(made, "ollama")  # two would not fit
    document = yaml.safe_load(export_text(made, "llama-swap"))
    assert all(" & " not in row for row in document["matrix"]["sets"].values())


@pytest.mark.parametrize(("count", "sets"), [(10, 252), (11, 7), (40, 36)])
def test_of_many_models_each_has_one_set_beside_the_most_used(count: int, sets: int) -> None:
    made = used()
    names = [f"m{n}" for n in range(count)]
    models = tuple(replace(made.models[0], name=name, vram_gb=2.0 if name != "m1" else 1.9) for name in names)
    cell = made.table[0]
    table = tuple(replace(cell, model=name, share=1.0, tasks=count - n) for n, name in enumerate(names))
    made = replace(made, models=models, table=table, estimates=(), vram_budget_gb=10.0)
    found = [{model.name for model in each} for each in resident_sets(made)]
    assert len(found) == sets
    assert set().union(*found) == set(names)
    assert all(len(each) == 5 for each in found)
    assert count == 10 or {"m0", "m1", "m2", "m3", names[-1]} in found
    said = f"- every set of the {count} models that fits: there is one for each model" in export_text(made, "ollama")
    assert said == (count > 10)
    assert "export OLLAMA_MAX_LOADED_MODELS=5\n" in export_text(made, "ollama")
    assert yaml.safe_load(export_text(made, "llama-swap"))["matrix"]["sets"]


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("keep", [False, True])
def test_what_does_not_fit_is_in_no_set(count: int, keep: bool) -> None:
    made = used()
    models = tuple(replace(made.models[0], name=f"m{n}", vram_gb=9.0, keep=keep and not n) for n in range(count + 1))
    table = tuple(replace(made.table[0], model=model.name) for model in models)
    assert resident_sets(replace(made, models=models, table=table, vram_budget_gb=8.0)) == ()


def test_measured_loads_are_what_an_eviction_costs() -> None:
    made = used()
    made = replace(made, models=tuple(replace(each, measured_load_s=9.0) for each in made.models))
    document = yaml.safe_load(export_text(made, "llama-swap"))
    assert set(document["matrix"]["evict_costs"].values()) == {90}
    assert {each["ttl"] for each in document["models"].values()} == {180}


def test_litellm_tags_each_type_and_falls_back_by_score() -> None:
    document = yaml.safe_load(export_text(used(), "litellm"))
    tagged = {
        row["litellm_params"]["model"]: row["litellm_params"]["tags"]
        for row in document["model_list"]
        if row["model_name"] == "swarm"
    }
    assert tagged == {
        "ollama_chat/gemma2:2b": ["summarize"],
        "ollama_chat/qwen2.5-coder:7b": ["code"],
        "ollama_chat/phi4:14b": ["math", "default"],
    }
    assert document["router_settings"]["fallbacks"] == [{"swarm": ["phi4:14b", "qwen2.5-coder:7b", "gemma2:2b"]}]
    own = {row["model_name"]: row["litellm_params"] for row in document["model_list"] if row["model_name"] != "swarm"}
    assert own.keys() == set(document["router_settings"]["fallbacks"][0]["swarm"])
    for params in own.values():  # LiteLLM keeps the tags of the request when it asks a fallback
        assert set(params["tags"]) == {"code", "math", "summarize", "default"}


@pytest.mark.parametrize("host", [None, "http://gpu:9000/ollama", "http://x'$(touch owned)`touch owned`"])
def test_the_server_of_the_runs_is_the_one_that_is_called(host: str | None, tmp_path: Path) -> None:
    made = used()
    made = replace(made, provenance=replace(made.provenance, host=host))
    called = host or "http://127.0.0.1:11434"
    rows = yaml.safe_load(export_text(made, "litellm"))["model_list"]
    assert {row["litellm_params"]["api_base"] for row in rows} == {called}
    script = export_text(made, "ollama") + 'printf %s "$host"\n'
    for given in ("", "http://mine:1"):
        shell = ["sh", "-c", script]
        environment = {"PATH": "/usr/bin:/bin", "OLLAMA_URL": given}
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == (given or called)
    assert not (tmp_path / "owned").exists()


def test_litellm_falls_back_by_the_mean_over_types_and_not_by_their_sum() -> None:
    made = used()
    more = PolicyEstimate(model="gemma2:2b", type="math", believed=0.5, score=0.15, tasks=3)
    most = PolicyEstimate(model="gemma2:2b", type="summarize", believed=0.1, score=None, tasks=0)
    document = yaml.safe_load(export_text(replace(made, estimates=(*made.estimates, more, most)), "litellm"))
    assert document["router_settings"]["fallbacks"] == [{"swarm": ["phi4:14b", "qwen2.5-coder:7b", "gemma2:2b"]}]


@pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed")
def test_litellm_itself_takes_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(export_text(used(), "litellm"))
    code = (
        f"import asyncio, yaml; from litellm import Router; d = yaml.safe_load(open({str(path)!r}))\n"
        "r = Router(model_list=d['model_list'], **d['router_settings'])\n"
        "asked = {'model': 'swarm', 'messages': [{'role': 'user', 'content': 'x'}], 'mock_response': 'y'}\n"
        "tags = ('code', 'math', 'summarize', 'haiku')\n"
        "ask = lambda tag: asyncio.run(r.acompletion(**asked, metadata={'tags': [tag]})).model\n"
        "print(*map(ask, tags))\n"
        "asked['mock_testing_fallbacks'] = True\n"
        "print(*map(ask, tags))\n"
        "print(len(r.model_list), r.enable_tag_filtering, r.fallbacks)"
    )
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # it would fetch a list of prices
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    said = done.stdout.split("\n")
    default = "phi4:14b"  # of a type that no model is tagged with
    assert said[-4].split() == ["qwen2.5-coder:7b", "phi4:14b", "gemma2:2b", default]
    assert set(said[-3].split()) == {default}, "the first fallback takes every tag"
    assert said[-2] == "6 True [{'swarm': ['phi4:14b', 'qwen2.5-coder:7b', 'gemma2:2b']}]"


def played(script: str, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The requests that a script sends, by a curl of our own."""
    (folder / "curl").write_text('#!/bin/sh\nfor each; do :; done\nprintf "%s\\n" "$each" >> requests\n')
    (folder / "curl").chmod(0o755)
    (folder / "script").write_text(script)
    subprocess.run(
        ["sh", "script", *arguments], cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin"}, check=True, timeout=60
    )
    sent = folder / "requests"
    return [json.loads(line) for line in sent.read_text().splitlines()] if sent.exists() else []


def test_the_script_loads_the_set_that_is_used_most(tmp_path: Path) -> None:
    made = used()
    made = replace(made, table=(*made.table, cell("reasoning", "phi4:14b", tasks=50)))
    script = export_text(made, "ollama")
    assert "export OLLAMA_MAX_LOADED_MODELS=2\n" in script
    requests = played(script, tmp_path, "warm")
    assert [each["model"] for each in requests] == ["gemma2:2b", "phi4:14b"]
    assert {each["keep_alive"] for each in requests} == {"60s"}
    assert "# - qwen2.5-coder:7b: 60s" in script


def test_the_script_alone_only_sets_the_environment(tmp_path: Path) -> None:
    assert played(export_text(used(), "ollama"), tmp_path) == []


def test_a_pinned_model_stays(tmp_path: Path) -> None:
    made = used()
    models = tuple(replace(each, keep=each.name == "gemma2:2b") for each in made.models)
    requests = played(export_text(replace(made, models=models), "ollama"), tmp_path, "warm")
    assert requests[-1] == {"model": "gemma2:2b", "keep_alive": -1, "options": {"num_ctx": 8192}}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_models_are_data(name: str, tmp_path: Path) -> None:
    made = used(rename={"gemma2:2b": name})
    swap = yaml.safe_load(export_text(made, "llama-swap"))
    jsonschema.validate(swap, LLAMA_SWAP)
    assert name in swap["models"]
    lite = yaml.safe_load(export_text(made, "litellm"))
    assert f"ollama_chat/{name}" in {row["litellm_params"]["model"] for row in lite["model_list"]}
    requests = played(export_text(made, "ollama"), tmp_path, "warm")
    assert name in {each["model"] for each in requests}
    assert not (tmp_path / "owned").exists()
    for text in (export_text(made, each) for each in EXPORTS):
        assert text.isascii() or text.replace("\n", "").isprintable()
        assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    ("tool", "name", "said"),
    [
        ("llama-swap", "x${PORT}", "is a text with a macro there; rename the model"),
        ("llama-swap", "<<", "is a merge key there"),
        ("llama-swap", "swarm-code", "is the alias of a type there"),
        ("litellm", "swarm", "is the name of the whole group there"),
        ("litellm", "hf.co/*", "is a pattern there"),
        ("litellm", "os.environ/HOME", "is a variable of the environment there"),
    ],
)
def test_a_name_that_a_tool_would_read_as_something_else_is_refused(tool: str, name: str, said: str) -> None:
    with pytest.raises(PolicyError, match=rf"^export {tool}: model .*{said}"):
        export_text(used(rename={"gemma2:2b": name}), tool)


def test_types_of_tasks_are_data_too() -> None:
    made = used()
    for kind in HOSTILE:
        named = replace(made, table=(*made.table, cell(kind, "gemma2:2b")))
        swap = yaml.safe_load(export_text(named, "llama-swap"))
        assert f"swarm-{kind}" in swap["models"]["gemma2:2b"]["aliases"]
        lite = yaml.safe_load(export_text(named, "litellm"))
        assert kind in [tag for row in lite["model_list"] for tag in row["litellm_params"].get("tags", ())]
    for tool, kind, said in (
        ("llama-swap", "a${b}", "is a text with a macro there"),
        ("litellm", "default", "is the tag of requests without one there"),
        ("litellm", "os.environ/HOME", "is a variable of the environment there"),
    ):
        with pytest.raises(PolicyError, match=rf"type '{re.escape(kind)}' {said}; rename the type"):
            export_text(replace(made, table=(*made.table, cell(kind, "gemma2:2b"))), tool)


@pytest.mark.parametrize("tool", EXPORTS)
def test_what_a_format_cannot_say_stands_in_comments(tool: str) -> None:
    text = export_text(used(), tool)
    assert "# Not expressed, because " in text
    assert "# - MILP decides anew at each step" in text
    assert "# SIMULATED: no model was run" in text
    real = replace(used(), provenance=replace(used().provenance, simulated=False))
    assert "SIMULATED" not in export_text(real, tool)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--export", "docker"), f"--export: 'docker' is not known; known are {', '.join(EXPORTS)}, markdown"),
        (("--export", "ollama:"), "--export: 'ollama:' is not known"),
    ],
    ids=["format", "no-path"],
)
def test_an_unknown_format_is_refused_before_anything_is_read(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", "nowhere", *arguments]) == 4
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", [*EXPORTS, "markdown"])
def test_a_format_is_documented(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"\n| `{name}` | " in (ROOT / "docs" / "deciding.md").read_text(encoding="utf-8")
    example = next(line for line in (ROOT / "README.md").read_text(encoding="utf-8").split("\n") if "--export=" in line)
    assert name in example
    with pytest.raises(SystemExit):
        main(["decide", "--help"])
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", list(EXPORTS))
def test_a_model_that_cannot_fit_is_refused(name: str) -> None:
    with pytest.raises(
        PolicyError, match=rf"^export {name}: the policy MILP \(horizon 0\) uses model phi4:14b, whose [\d.]+GB do not"
    ):
        export_text(used(budget_gb=8.0), name)


@pytest.mark.parametrize("tool", EXPORTS)
def test_a_policy_that_breaks_the_budget_otherwise_says_so_in_its_file(tool: str) -> None:
    made = used()
    assert "CANNOT BE USED" not in export_text(made, tool)
    broken = replace(made, provenance=replace(made.provenance, fault="breaks the budget in 3 of 9 jobs"))
    assert "# IT CANNOT BE USED AS IT IS: in the runs it breaks the budget in 3 of 9 jobs.\n" in export_text(
        broken, tool
    )


def test_pinned_models_leave_less_for_the_others() -> None:
    made = used()
    models = tuple(replace(each, keep=each.name == "qwen2.5-coder:7b") for each in made.models)
    both_gb = sum(each.vram_gb for each in models if each.name in ("qwen2.5-coder:7b", "phi4:14b"))
    export_text(replace(made, models=models, vram_budget_gb=both_gb), "llama-swap")
    with pytest.raises(PolicyError, match=r"uses model phi4:14b, whose .* do not fit .* beside the pinned models"):
        export_text(replace(made, models=models, vram_budget_gb=both_gb - 1), "llama-swap")


@pytest.mark.parametrize("tool", EXPORTS)
def test_a_file_says_what_can_play_its_policy(tool: str) -> None:
    assert "load_policy chooses as measured." in export_text(policy("milp"), tool)
    asked = export_text(policy("llm:phi4:14b", budget_gb=24.0), tool)
    assert "Only mode policy:FILE in a run asks its planner; load_policy cannot." in asked
    assert "(ruling: use it)" in asked


@pytest.mark.parametrize("tool", EXPORTS)
def test_a_file_names_estimates_that_each_job_had_for_itself(tool: str) -> None:
    row = PolicyEstimate(model="gemma2:2b", type="code", believed=0.5, score=None, tasks=0, spread=0.07)
    made = replace(policy("milp"), estimates_from="cross", estimates=(row,))
    remark = "from which those of a job differed by up to 0.07: its plans can differ from those of its decision"
    assert remark in export_text(made, tool)
    assert "for each job anew" not in export_text(replace(made, estimates_from="est.json"), tool)
