"""What the exports have in common: the models in use, which of them fit the budget together, and how long they stay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final

import yaml

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.errors import PolicyError
from pytest_swarm.metrics.figures_origin import FiguresMark, FiguresOrigin
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel
from pytest_swarm.routing.registry import built_in, mode_name
from pytest_swarm.units import format_gb

_KEEP_FACTOR: Final = 20
"""A model stays for twenty times its load time after its last use: a load then costs at most a twentieth of it."""
_LEAST_KEEP_S: Final = 60
_MOST_MODELS: Final = 10  # of which 252 sets may fit, if any five do
LLAMA_SWAP: Final = "llama-swap"
"""The program that gives each model a process of its own, so that none share their weights in VRAM."""
_RULINGS: Final[Mapping[str, str]] = {
    "use": "use it",
    "keep": "keep it",
    "unusable": "nothing better, but it cannot be used",
    "unknown": "cannot tell, so what is used now stays",
}


def models_in_use(policy: PolicyFile) -> tuple[PolicyModel, ...]:
    """Return the models that the policy gave a task to, and the pinned ones; all that fit where it has no table."""
    if not policy.table:
        return tuple(model for model in policy.models if _fits(policy, model))
    used = {cell.model for cell in policy.table} | {model.name for model in policy.models if model.keep}
    return tuple(model for model in policy.models if model.name in used)


def models_to_export(policy: PolicyFile, *, tool: str) -> tuple[PolicyModel, ...]:
    """Return the models in use, each of which fits the budget together with the pinned ones.

    Args:
        policy: The policy.
        tool: The program that is to read the file, for the message.

    Raises:
        PolicyError: One does not fit, so that the policy cannot be written without breaking the budget.
    """
    used = models_in_use(policy)
    for model in used:
        if not _fits(policy, model, one_copy=tool != LLAMA_SWAP):
            pinned = " beside the pinned models" if _pinned(policy) and not model.keep else ""
            raise PolicyError(
                f"export {tool}: the policy {policy.name} uses model {model.name}, whose {format_gb(model.vram_gb)} do "
                f"not fit the budget of {format_gb(policy.vram_budget_gb)}{pinned}; decide for a policy that keeps the "
                "budget (--against), or for a larger budget (--vram)"
            )
    return used


def _pinned(policy: PolicyFile) -> list[PolicyModel]:
    return [model for model in policy.models if model.keep]


def _fits(policy: PolicyFile, model: PolicyModel, *, one_copy: bool = True) -> bool:
    """Return whether a model fits the budget together with the pinned ones."""
    together_gb = _together_gb([*_pinned(policy), model], one_copy=one_copy)
    return together_gb <= policy.vram_budget_gb + BUDGET_TOLERANCE_GB


def _together_gb(models: Iterable[PolicyModel], *, one_copy: bool) -> float:
    """Return the VRAM of models in GB, each once; with `one_copy`, those of the same weights count as one."""
    return sum({(one_copy and each.shares_with) or each.name: each.vram_gb for each in models}.values())


def resident_sets(policy: PolicyFile, *, one_copy: bool = True) -> tuple[tuple[PolicyModel, ...], ...]:
    """Return the largest sets of models in use that fit the budget together, with the pinned ones in each.

    Those of many models are beyond number. Then there is one for each model, with the models beside it that still fit,
    the most used first.

    Args:
        policy: The policy.
        one_copy: Whether models of the same weights take VRAM once, as on Ollama's server.
    """
    pinned = [model for model in models_in_use(policy) if model.keep]
    others = [model for model in models_in_use(policy) if not model.keep]

    def fits(models: Iterable[PolicyModel]) -> bool:
        return _together_gb([*pinned, *models], one_copy=one_copy) <= policy.vram_budget_gb + BUDGET_TOLERANCE_GB

    if len(others) > _MOST_MODELS:
        return _one_for_each(pinned, sorted(others, key=lambda model: -tasks_of([model], policy)), fits)
    found: list[tuple[PolicyModel, ...]] = []
    for size in range(len(others), -1, -1):
        for chosen in combinations(others, size):
            together = (*pinned, *chosen)
            names = {model.name for model in together}
            larger = any(names <= {model.name for model in each} for each in found)
            if together and not larger and fits(chosen):
                found.append(together)
    return tuple(found)


def _one_for_each(
    pinned: Sequence[PolicyModel], others: Sequence[PolicyModel], fits: Callable[[Iterable[PolicyModel]], bool]
) -> tuple[tuple[PolicyModel, ...], ...]:
    """Return a set for each of the others, filled up in their order, and that of the smallest; the largest first."""
    found: dict[frozenset[str], tuple[PolicyModel, ...]] = {}
    by_size = sorted(others, key=lambda model: model.vram_gb)  # the most models that fit
    for order in (*([first, *others] for first in others), by_size):
        chosen: list[PolicyModel] = []
        for model in order:
            if model not in chosen and fits([*chosen, model]):
                chosen.append(model)
        found.setdefault(frozenset(model.name for model in chosen), (*pinned, *chosen))
    there = [each for each in found.values() if each and fits(each)]  # the pinned ones alone may not fit
    return tuple(sorted(there, key=len, reverse=True))


def sets_left_out(policy: PolicyFile) -> list[str]:
    """Return what to say where `resident_sets` does not have every set; nothing where it has."""
    count = sum(not model.keep for model in models_in_use(policy))
    if count <= _MOST_MODELS:
        return []
    return [f"- every set of the {count} models that fits: there is one for each model, with the most used that do."]


def tasks_of(models: Iterable[PolicyModel], policy: PolicyFile) -> float:
    """Return how many tasks of the runs some models did."""
    names = {model.name for model in models}
    return sum(cell.share * cell.tasks for cell in policy.table if cell.model in names)


def types_of_models(policy: PolicyFile) -> dict[str, tuple[str, ...]]:
    """Return model -> the types of tasks that it was given most often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in policy.table:
        counts[cell.type][cell.model] += round(cell.share * cell.tasks)
    best = {kind: min(each.items(), key=lambda item: (-item[1], item[0]))[0] for kind, each in counts.items()}
    return {
        model.name: in_type_order(kind for kind, name in best.items() if name == model.name) for model in policy.models
    }


def load_s(model: PolicyModel) -> float:
    """Return the seconds of a load: as measured, else those of the fleet file."""
    return model.load_time_ms / 1000 if model.measured_load_s is None else model.measured_load_s


def keep_s(model: PolicyModel) -> int:
    """Return for how many seconds a model stays after its last use."""
    return max(_LEAST_KEEP_S, round(_KEEP_FACTOR * load_s(model)))


def heading(policy: PolicyFile, *, tool: str) -> list[str]:
    """Return the comments at the top of a file: what it is, where it comes from, and how sure its figures are.

    Args:
        policy: The policy.
        tool: The program that reads the file.
    """
    source = policy.provenance
    jobs = f"{source.jobs} jobs" + (f" in {source.families} families" if source.families is not None else "")
    lines = [
        f"{tool} from the pytest-swarm policy {policy.name}, budget {format_gb(policy.vram_budget_gb)}.",
        f"Decided on {source.written} from {jobs} of {', '.join(run.run for run in source.runs) or '-'} "
        f"(ruling: {_RULINGS.get(source.ruling, source.ruling)}).",
    ]
    if source.against_assumed:
        lines.append(f"Compared with {source.against}, which was assumed: no mode of the runs says what is done now.")
    if source.cut_off_remark is not None:
        lines.append(f"INCOMPLETE: {source.cut_off_remark}")
    if source.fault is not None:
        lines.append(f"IT CANNOT BE USED AS IT IS: in the runs it {source.fault}.")
    if policy.estimates_remark is not None and not policy.rule_over_types:
        lines.append(f"For load_policy and mode policy:FILE: {policy.estimates_remark}.")
    if source.simulated:
        lines.append("SIMULATED: no model was run; measure on your own server before you rely on it.")
    elif source.figures is not None:
        mark = FiguresMark(
            origin=FiguresOrigin(source.figures), verified=source.verified_cases, off=source.makespan_off
        )
        lines += [mark.sentence] if mark.sentence else []
    return lines


def not_expressed(policy: PolicyFile, *, tool: str) -> list[str]:
    """Return what no static file can say: how the policy looks at what is resident and at what comes next.

    Args:
        policy: The policy.
        tool: The program that reads the file.
    """
    lines = [f"Not expressed, because {tool} has no place for it:"]
    if policy.rule_over_types:
        lines.append("- the order of tasks; mode policy:FILE and load_policy keep it.")
    else:
        lines.append(
            f"- {mode_name(policy.mode)} decides anew at each step; types are given to the model that they were given "
            f"most often. {_played_by(policy)}"
        )
    return lines


def _played_by(policy: PolicyFile) -> str:
    row = built_in(policy.mode)
    if row is not None and "planner" in row.needs:
        return "Only mode policy:FILE in a run asks its planner; load_policy cannot."
    return "load_policy chooses as measured."


def comments(lines: Iterable[str]) -> str:
    """Return the lines as comments of YAML and shell; what would break a line, or is not printable, as its code."""
    return "".join(f"# {''.join(map(_printable, line))}".rstrip() + "\n" for line in lines)


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def yaml_text(document: object) -> str:
    """Return a document as YAML in ASCII, keys in their order."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=False, width=10_000, default_flow_style=False))
