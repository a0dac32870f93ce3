"""Ollama: a shell script with the environment of the server, and how long each model stays loaded."""

from __future__ import annotations

import json
import shlex

from pytest_swarm.decision.exports.exported_policy import ExportedPolicy, ExportedText, comments
from pytest_swarm.decision.exports.resident_sets import keep_s, sets_left_out, tasks_of
from pytest_swarm.ollama.address import DEFAULT_HOST
from pytest_swarm.routing.policy_file import PolicyModel
from pytest_swarm.units import format_gb


def write(exported: ExportedPolicy) -> ExportedText:
    """Return the text of a POSIX shell script."""
    policy, used, sets = exported.policy, exported.models, exported.sets
    most = max((len({each.shares_with or each.name for each in chosen}) for chosen in sets), default=1)  # its copies
    longest = max((keep_s(model) for model in used if not model.keep), default=300)
    lines = [
        f"export OLLAMA_MAX_LOADED_MODELS={most}",
        f"export OLLAMA_KEEP_ALIVE={longest}s",
        "",
        'host="${OLLAMA_URL:-}"',
        f'[ -n "$host" ] || host={shlex.quote(policy.provenance.host or DEFAULT_HOST)}',
        "ask() {",
        '    curl -fsS "$host/api/generate" -d "$1" >/dev/null',
        "}",
        "",
        'if [ "${1:-}" = warm ]; then',
    ]
    first = max(sets, key=lambda models: tasks_of(models, policy), default=())
    for model in sorted(first, key=lambda each: each.keep):  # a pinned model is loaded last, and stays
        kinds = ", ".join(exported.types[model.name]) or "no type of its own"
        lines.append("    " + comments([f"{kinds}: {format_gb(model.vram_gb)}"]).rstrip("\n"))
        lines.append(f"    ask {shlex.quote(_body(model))}")
    return ExportedText(
        body="\n".join((*lines, "fi", "")),
        usage=(
            "Start the server with this environment:  . ./FILE && ollama serve",
            "Then load the set of models that is used most:  sh FILE warm",
            "",
            "keep_alive to send with the requests to each model:",
            *(f"- {model.name}: {_keep_alive(model)}" for model in used),
            "Sets of models that fit the budget together:",
            *(f"- {' + '.join(model.name for model in each)}" for each in sets),
        ),
        lacking=(
            *sets_left_out(policy),
            f"- the budget of {format_gb(policy.vram_budget_gb)}, and which set is resident: the server evicts or",
            "  spills, and never refuses. Unload a model (keep_alive 0) before one that does not fit beside it.",
            "- which type of task goes to which model: the client says it with the model's name.",
        ),
    )


def _keep_alive(model: PolicyModel) -> int | str:
    return -1 if model.keep else f"{keep_s(model)}s"


def _body(model: PolicyModel) -> str:
    """Return the request that loads a model for as long as it is to stay."""
    return json.dumps({"model": model.name, "keep_alive": _keep_alive(model), "options": {"num_ctx": model.num_ctx}})
