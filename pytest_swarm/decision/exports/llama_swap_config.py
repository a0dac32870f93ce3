"""llama-swap: models with their time to live, and a matrix of the sets that fit the budget together.

The schema is https://github.com/mostlygeek/llama-swap/blob/main/config-schema.json.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from pytest_swarm.decision.exports.resident_sets import (
    LLAMA_SWAP,
    comments,
    heading,
    keep_s,
    load_s,
    models_to_export,
    not_expressed,
    resident_sets,
    sets_left_out,
    types_of_models,
    yaml_text,
)
from pytest_swarm.errors import PolicyError
from pytest_swarm.fields import Json
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel
from pytest_swarm.units import format_gb

_TENTHS: Final = 10  # eviction costs are whole numbers: tenths of a second
_MACRO: Final = "${"
_MERGE: Final = "<<"  # its YAML library reads this key as a merge even where it is quoted


def llama_swap_config(policy: PolicyFile) -> str:
    """Return the text of a llama-swap configuration.

    Raises:
        PolicyError: A model does not fit the budget, or a name would be read as something else there.
    """
    used, sets_of = models_to_export(policy, tool=LLAMA_SWAP), resident_sets(policy, one_copy=False)
    short = {model.name: f"m{n}" for n, model in enumerate(used, 1)}
    types = types_of_models(policy)
    _check_names(list(short), [kind for model in used for kind in types[model.name]])
    models: dict[str, Json] = {model.name: _model(model, types[model.name]) for model in used}
    sets: dict[str, Json] = {
        f"fit{n}": " & ".join(short[model.name] for model in each) for n, each in enumerate(sets_of, 1)
    }
    document: dict[str, Json] = {
        "models": models,
        "matrix": {
            "vars": {short[model.name]: model.name for model in used},
            "evict_costs": {short[model.name]: max(1, round(_TENTHS * load_s(model))) for model in used},
            "sets": sets,
        },
    }
    lines = [
        *heading(policy, tool="llama-swap configuration"),
        "",
        "Set the path of each model's file: a policy knows Ollama tags only.",
        "Aliases name types of tasks: a client asks for the model swarm-code, and so on.",
        "evict_costs are the seconds of a load, in tenths; ttl is twenty times a load, and at least a minute.",
        "",
        *not_expressed(policy, tool="llama-swap"),
        *sets_left_out(policy),
        f"- the budget of {format_gb(policy.vram_budget_gb)} itself; each set of the matrix keeps it.",
    ]
    return comments(lines) + yaml_text(document)


def _check_names(models: Sequence[str], types: Sequence[str]) -> None:
    """Raise PolicyError for a name that llama-swap would read as a macro, a merge key or another model."""
    aliases = {_alias(kind) for kind in types}
    for what, name in (*(("model", each) for each in models), *(("type", each) for each in types)):
        if _MACRO in name:
            raise PolicyError(f"export llama-swap: {what} {name!r} holds {_MACRO!r}, a macro there; rename the {what}")
    for name in models:
        if name == _MERGE:
            raise PolicyError(f"export llama-swap: model {name!r} is a merge key there; rename the model")
        if name in aliases:
            raise PolicyError(f"export llama-swap: model {name!r} has the name of a type there; rename the model")


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
