"""llama-swap: models with their time to live, and a matrix of the sets that fit the budget together.

The schema is https://github.com/mostlygeek/llama-swap/blob/main/config-schema.json.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from functools import partial
from typing import Final

from pytest_swarm.decision.exports.exported_policy import ExportedPolicy, ExportedText, yaml_text
from pytest_swarm.decision.exports.resident_sets import keep_s, load_s, sets_left_out
from pytest_swarm.fields import Json
from pytest_swarm.routing.policy_file import PolicyModel
from pytest_swarm.units import format_gb

_TENTHS: Final = 10  # eviction costs are whole numbers: tenths of a second
_MACRO: Final = "${"
_MERGE: Final = "<<"  # its YAML library reads this key as a merge even where it is quoted


def write(exported: ExportedPolicy) -> ExportedText:
    """Return the text of a llama-swap configuration."""
    policy, used, types = exported.policy, exported.models, exported.types
    aliases = {_alias(kind) for model in used for kind in types[model.name]}
    exported.check_names("llama-swap", partial(_meaning, aliases=aliases))
    short = {model.name: f"m{n}" for n, model in enumerate(used, 1)}
    models: dict[str, Json] = {model.name: _model(model, types[model.name]) for model in used}
    sets: dict[str, Json] = {
        f"fit{n}": " & ".join(short[model.name] for model in each) for n, each in enumerate(exported.sets, 1)
    }
    document: dict[str, Json] = {
        "models": models,
        "matrix": {
            "vars": {short[model.name]: model.name for model in used},
            "evict_costs": {short[model.name]: max(1, round(_TENTHS * load_s(model))) for model in used},
            "sets": sets,
        },
    }
    return ExportedText(
        body=yaml_text(document),
        usage=(
            "Set the path of each model's file: a policy knows Ollama tags only.",
            "Aliases name types of tasks: a client asks for the model swarm-code, and so on.",
            "evict_costs are the seconds of a load, in tenths; ttl is twenty times a load, and at least a minute.",
        ),
        lacking=(
            *sets_left_out(policy),
            f"- the budget of {format_gb(policy.vram_budget_gb)} itself; each set of the matrix keeps it.",
        ),
    )


def _meaning(what: str, name: str, *, aliases: Collection[str]) -> str | None:
    """Return what llama-swap would take a name for; None where it is a name as any other."""
    if _MACRO in name:
        return "a text with a macro"
    if what == "type":
        return None
    return "a merge key" if name == _MERGE else "the alias of a type" if name in aliases else None


def _alias(kind: str) -> str:
    return f"swarm-{kind}"


def _model(model: PolicyModel, types: tuple[str, ...]) -> Json:
    file = model.name.replace("/", "_").replace(":", "-")
    path = shlex.quote(f"/models/{file}.gguf")
    row: dict[str, Json] = {
        "cmd": f"llama-server --port ${{PORT}} --model {path} --ctx-size {model.num_ctx}",
        "ttl": 0 if model.keep else keep_s(model),
        "aliases": [_alias(kind) for kind in types],
    }
    return row
