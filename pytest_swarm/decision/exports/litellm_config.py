"""LiteLLM: a router with one deployment for each model, tagged with the types of tasks that it takes, and fallbacks."""

from __future__ import annotations

from typing import Final

from pytest_swarm.decision.exports.exported_policy import ExportedPolicy, ExportedText, yaml_text
from pytest_swarm.decision.exports.resident_sets import keep_s
from pytest_swarm.fields import Json
from pytest_swarm.ollama.address import DEFAULT_HOST
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel

GROUP: Final = "swarm"
DEFAULT_TAG: Final = "default"
_PATTERN: Final = "*"
_VARIABLE: Final = "os.environ/"


def write(exported: ExportedPolicy) -> ExportedText:
    """Return the text of a LiteLLM configuration."""
    exported.check_names("litellm", _meaning)
    policy, used, types = exported.policy, exported.models, exported.types
    best = _by_score(policy, used)
    host = policy.provenance.host or DEFAULT_HOST
    rows: list[Json] = []
    for model in used:
        tags = [*types[model.name], *([DEFAULT_TAG] if model.name == best[0] else [])]
        if tags:
            rows.append({"model_name": GROUP, "litellm_params": {**_params(model, host), "tags": list[Json](tags)}})
    # a fallback is asked for the tags of the request
    every = list[Json]([*(kind for model in used for kind in types[model.name]), DEFAULT_TAG])
    rows += [
        {"model_name": model.name, "litellm_params": {**_params(model, host), "tags": list(every)}} for model in used
    ]
    document: dict[str, Json] = {
        "model_list": rows,
        "router_settings": {
            "enable_tag_filtering": True,
            "fallbacks": [{GROUP: list[Json](best)}],
            "num_retries": 2,
        },
    }
    return ExportedText(
        body=yaml_text(document),
        usage=(
            f"Ask for the model {GROUP} with the type of the task as a tag. An OpenAI client of the proxy:",
            "extra_body={'metadata': {'tags': ['code']}}. A litellm.Router:",
            "acompletion(..., metadata={'tags': ['code']}); its completion ignores tags.",
            "A type that no model is tagged with goes to the one that is tagged default.",
            "Fallbacks are the models by measured score, the best first. Each model can be asked for by its own name,",
            "and has every tag there, because LiteLLM asks a fallback for the tags of the request.",
            "The proxy starts with a key of yours only: LITELLM_MASTER_KEY in its environment.",
            "keep_alive is twenty times a load, and at least a minute; pinned models stay.",
        ),
        lacking=("- the VRAM budget, and which models may be resident together: LiteLLM leaves them to the server.",),
    )


def _meaning(what: str, name: str) -> str | None:
    """Return what LiteLLM would take a name for; None where it is a name as any other."""
    if name.startswith(_VARIABLE):
        return "a variable of the environment"
    if what == "type":
        return "the tag of requests without one" if name == DEFAULT_TAG else None
    if _PATTERN in name:
        return "a pattern"
    return "the name of the whole group" if name == GROUP else None


def _params(model: PolicyModel, host: str) -> dict[str, Json]:
    return {
        "model": f"ollama_chat/{model.name}",
        "api_base": host,
        "num_ctx": model.num_ctx,
        "keep_alive": "-1m" if model.keep else f"{keep_s(model)}s",
    }


def _by_score(policy: PolicyFile, used: tuple[PolicyModel, ...]) -> list[str]:
    """Return the models in use by their mean score over types, the best first; unmeasured ones by what is believed."""
    known = {model.name: [0.0, 0] for model in used}
    for row in policy.estimates:
        if row.model in known:
            value = row.believed if row.score is None else row.score
            known[row.model][0] += value
            known[row.model][1] += 1
    return sorted(known, key=lambda name: (-known[name][0] / max(1, known[name][1]), name))
